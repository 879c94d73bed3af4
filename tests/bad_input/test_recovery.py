"""A clip repaired, a stage killed, a disk that fills up: afterwards the bytes are as if nothing had been."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from clips import BROKEN
from place import Place
from workspace import environment


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "truncated_stream", "no_audio"])
def test_a_broken_clip_stops_the_run_and_its_repair_leaves_no_trace(place, undisturbed, kind):
    path = place.root / "valset" / place.rows("val")[1][0]
    whole = path.read_bytes()
    BROKEN[kind](path)

    said = place.fails("extract", exit_code=1)

    assert str(path.relative_to(place.folder)) in said
    assert "problems.csv" in said
    path.write_bytes(whole)
    place.passes("extract")
    assert place.hashes("data/labels", "data/extracted") == undisturbed.hashes


def test_extract_killed_at_random_moments(place, undisturbed):
    moments = random.Random(1)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-m", "avfake.stages.extract"],
            cwd=place.folder,
            env=environment(place.folder),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moments.uniform(0.3, 3.0))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    place.passes("extract")
    assert place.hashes("data/labels", "data/extracted") == undisturbed.hashes


def test_no_worker_outlives_a_killed_stage(place):
    process = subprocess.Popen(
        [sys.executable, "-m", "avfake.stages.extract"],
        cwd=place.folder,
        env=environment(place.folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not (workers := children(process.pid)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert workers, "no worker process was seen"
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [worker for worker in workers if alive(worker)] == []


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def small_disk(folder, mib: int):
    """A file system of `mib` MiB on `folder`; needs root, or sudo without a password."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=777", "tmpfs", str(folder)]
    prefix: list[str] = []
    if subprocess.run(command, capture_output=True, check=False).returncode:
        prefix = ["sudo", "-n"]
        done = subprocess.run([*prefix, *command], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"this test mounts a tmpfs and needs root or `sudo -n mount`: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([*prefix, "umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("free_kib", [16, 150, 450])
def test_a_disk_that_fills_up_during_extract(place, undisturbed, tmp_path, free_kib):
    """Memo and outputs on a tiny disk: full at once, amid the memo, amid the shards; then there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, mib=8):
        small = Place(disk)
        shutil.copy(place.folder / "params.yaml", disk)
        small.set(data__root=str(place.root))
        ballast = fill(disk, free_kib)
        said = small.fails("extract", exit_code=1)
        assert "no space left on the device" in said
        assert str(disk) in said
        ballast.unlink()
        small.passes("extract")
        assert small.hashes("data/labels", "data/extracted") == undisturbed.hashes


@pytest.mark.parametrize("free_kib", [16, 2000])
def test_a_disk_that_fills_up_during_training(place, tmp_path, free_kib):
    place.passes("extract", "featurize", "resplit")
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, mib=32):
        small = Place(disk)
        shutil.copy(place.folder / "params.yaml", disk)
        for name in ("resplit", "features"):
            shutil.copytree(place.folder / "data" / name, disk / "data" / name)
        place.passes("train")
        ballast = fill(disk, free_kib)
        assert "no space left on the device" in small.fails("train", exit_code=1)
        ballast.unlink()
        small.passes("train")
        assert small.hashes("models", "data/training") == place.hashes("models", "data/training")


def fill(disk: Path, free_kib: int) -> Path:
    """Leaves `free_kib` KiB on a disk; returns the file that takes the rest."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 1024 * free_kib))
    return ballast
