"""Clips per second of the service at 16 clients, against the batch command; and whether its memory stays.

    python -m benchmarks.bench_service [--model models] [--backend torch] [--requests 5000] [--require 1.2]

`avfake serve` and `avfake score --jobs 2` are real processes that score the same clips on the same two cores
with the same threads of the model. They take turns, and what counts is the ratio of the medians of one run.
Both are timed in full swing: the first and the last clips of a round, when not everything is at work, are
left out, and so are imports and loading. The clients are threads of this process, so that sending and
parsing answers is on the service's account.

An answer is 200 or an error; 503 with Retry-After is sent again, as it asks, and counted apart. Memory is the
resident memory of all processes of the service, after each fifth of the requests.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.bench_extract import ONE_THREAD
from benchmarks.bench_score import exported
from benchmarks.clips import build

CLIENTS, READERS, ROUNDS = 16, 2, 5
DISTINCT = 20  # clips that are built; they are sent again and again
LEFT_OUT = 32  # of a round, at its beginning and at its end
START_SECONDS = 120.0
BOUNDARY = "a-boundary-of-the-benchmark"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@dataclass
class Answers:
    """What the clients saw. `times`: when each answer was there; `waits`: for it, in seconds."""

    times: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    refused: int = 0
    errors: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ratio, the waits and the memory; returns 1 at an error, or above `--require`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("models"), help="folder of the model")
    parser.add_argument("--backend", choices=("torch", "onnx"), default="torch", help="what runs the model")
    parser.add_argument("--requests", type=int, default=1000, help="in all rounds together")
    parser.add_argument("--threads", type=int, default=1, help="of the model, on both sides")
    parser.add_argument("--require", type=float, default=None, help="ratio above which to fail")
    options = parser.parse_args(arguments)
    per_round = options.requests // ROUNDS
    if per_round <= 2 * LEFT_OUT:
        parser.error(f"--requests: more than {2 * LEFT_OUT * ROUNDS} are needed")
    os.environ |= ONE_THREAD
    model = ["--threads", str(options.threads), "--device", "cpu", "--backend", options.backend]
    seen, service, batch, memory = Answers(), [], [], []
    with tempfile.TemporaryDirectory() as name:
        clips = build(Path(name) / "clips", DISTINCT)
        folder = exported(options.model, Path(name) / "model", clips) if options.backend == "onnx" else None
        model += ["--model", str(folder or options.model)]
        with serving(Path(name), model) as (process, port):
            send(port, clips, LEFT_OUT, Answers())
            memory.append(resident(process.pid))
            for _ in range(ROUNDS):
                batch.append(batch_seconds(clips, per_round, model))
                service.append(send(port, clips, per_round, seen))
                memory.append(resident(process.pid))
    return _report(options, seen, service, batch, memory)


def _report(
    options: argparse.Namespace,
    seen: Answers,
    service: list[float],
    batch: list[float],
    memory: list[float],
) -> int:
    ratio = statistics.median(service) / statistics.median(batch)
    pairs = sorted(one / other for one, other in zip(service, batch, strict=True))
    p50, p99 = (1000 * float(np.percentile(seen.waits, share)) for share in (50, 99))
    growth = memory[-1] - memory[0]
    print(
        f"{options.backend:<6} service at {CLIENTS} clients: {ratio:5.2f} times the batch command's time for "
        f"a clip [{pairs[0]:.2f} to {pairs[-1]:.2f}]"
    )
    print(
        f"       {len(seen.times)} requests: {len(seen.errors)} errors, {seen.refused} told to come again; "
        f"answered after {p50:.0f} ms (p50), {p99:.0f} ms (p99)"
    )
    shown = " ".join(f"{value:.0f}" for value in memory)
    print(f"       memory, MB, at the start and after each fifth: {shown}; growth {growth:+.0f}", flush=True)
    for error in seen.errors[:5]:
        print(f"       {error}")
    slow = options.require is not None and ratio > options.require
    if slow:
        print(f"the service takes more than {options.require:g} times as long as the batch command")
    return int(slow or bool(seen.errors))


@contextmanager
def serving(folder: Path, model: list[str]) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """`avfake serve` as a process, and its port."""
    command = [sys.executable, "-m", "avfake.cli", "serve", "--port", "0", "--jobs", str(READERS), *model]
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([*command, "--state", str(folder / "state")], stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"listening at http://.*:(\d+)$", log.read_text(), re.MULTILINE)):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the service does not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield process, int(found[1])
    finally:
        process.terminate()
        process.wait(60)


def send(port: int, clips: list[Path], n: int, seen: Answers) -> float:
    """Sends `n` clips from all clients; the seconds per clip of the middle, 0 of few clips."""
    bodies = [_form(clip) for clip in clips]
    numbers = iter(range(n))
    lock = threading.Lock()
    first = len(seen.times)

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            begin = time.perf_counter()
            error = _post(connection, bodies[number % len(bodies)], seen)
            end = time.perf_counter()
            with lock:
                seen.times.append(end)
                seen.waits.append(end - begin)
                seen.errors += [] if error is None else [error]
        connection.close()

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return _middle(sorted(seen.times[first:]))


def _post(connection: http.client.HTTPConnection, body: bytes, seen: Answers) -> str | None:
    """Sends a clip until it is taken; what was wrong with the answer."""
    while True:
        try:
            connection.request("POST", "/v1/score", body, HEADERS)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return f"{type(error).__name__}: {error}"
        if response.status == 503 and (wait := response.getheader("Retry-After")):
            seen.refused += 1
            time.sleep(float(wait))
            continue
        return None if response.status == 200 else f"{response.status} {text[:200].decode(errors='replace')}"


def batch_seconds(clips: list[Path], n: int, model: list[str]) -> float:
    """Seconds per clip of the batch command, in the middle of `n`."""
    command = [sys.executable, "-m", "avfake.cli", "score", "--csv", "--jobs", str(READERS), *model, "-"]
    with tempfile.TemporaryFile("w+") as names:
        names.writelines(f"{clips[number % len(clips)]}\n" for number in range(n))
        names.seek(0)
        with subprocess.Popen(command, stdin=names, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            times = [time.perf_counter() for _ in process.stdout][1:]  # without the header
    if process.returncode or len(times) != n:
        raise RuntimeError(f"`avfake score` ended with {process.returncode} after {len(times)} clips")
    return _middle(times)


def _middle(times: list[float]) -> float:
    middle = times[LEFT_OUT : len(times) - LEFT_OUT + 1]
    return (middle[-1] - middle[0]) / (len(middle) - 1) if len(middle) > 1 else 0.0


def _form(clip: Path) -> bytes:
    head = f'Content-Disposition: form-data; name="clip"; filename="{clip.name}"\r\n'
    begin = f"--{BOUNDARY}\r\n{head}Content-Type: video/mp4\r\n\r\n".encode()
    return begin + clip.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()


def resident(pid: int) -> float:
    """Megabytes of resident memory of a process and all below it."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    below = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in _words(path)]
    return (int(found[1]) / 1024 if found else 0.0) + sum(map(resident, below))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:  # a thread that has ended
        return []


if __name__ == "__main__":
    raise SystemExit(main())
