import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from avfake.errors import RunError
from avfake.parallel import AHEAD_PER_WORKER, Crew, map_ordered, n_workers


def square(number: int) -> int:
    time.sleep(0.002 * (number % 3))
    return number * number


def fragile(number: int) -> int:
    if number == 5:
        os.kill(os.getpid(), signal.SIGSEGV)
    return number


def picky(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def threads(_: int) -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers):
    results = list(map_ordered(square, range(20), workers, "test"))
    assert [result.value for result in results] == [number * number for number in range(20)]
    assert all(result.error is None for result in results)


def test_no_items():
    assert list(map_ordered(square, [], 2, "test")) == []


def test_a_process_that_dies_costs_only_its_item():
    results = list(map_ordered(fragile, range(12), 2, "test"))
    assert [result.value for result in results] == [0, 1, 2, 3, 4, None, 6, 7, 8, 9, 10, 11]
    assert "died" in results[5].error


def test_an_exception_is_raised_here():
    with pytest.raises(ValueError, match="three"):
        list(map_ordered(picky, range(6), 2, "test"))


def test_numeric_libraries_run_on_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert [result.value for result in map_ordered(threads, [0], 1, "test")] == ["1"]
    assert os.environ["OMP_NUM_THREADS"] == "7"


def process(number: int) -> tuple[int, int]:
    return number, os.getpid()


def test_a_crew_stays_keeps_the_order_and_says_when_a_process_died():
    taken = []

    def items():
        for number in range(AHEAD_PER_WORKER + 10):
            taken.append(number)
            yield number

    with Crew(1) as crew:
        assert list(crew.map(process, [])) == []
        results = crew.map(process, items())
        values = [next(results)]
        assert len(taken) == AHEAD_PER_WORKER
        values += results
        assert [number for number, _ in values] == taken
        assert list(crew.map(process, [3])) == [(3, values[0][1])]
        with pytest.raises(ValueError, match="three"):
            list(crew.map(picky, range(6)))
        with pytest.raises(RunError, match="a worker process died"):
            list(crew.map(fragile, range(12)))


def test_zero_workers_means_the_usable_cores():
    assert n_workers(0) == len(os.sched_getaffinity(0))
    assert n_workers(3) == 3


CHILD = """
import os, sys, time
from avfake.parallel import map_ordered
def slow(number):
    print(os.getpid(), flush=True)
    time.sleep(60)
if __name__ == "__main__":
    list(map_ordered(slow, [1, 2], 2, "test"))
"""


def test_workers_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    workers = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "the workers outlived their parent"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
