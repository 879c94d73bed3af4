"""Clip to picture: how many times the clips per second of the reference recipe?

    python -m benchmarks.bench_extract [--clips 24] [--rounds 3] [--require 15]

The reference runs in this one process, ours in one and in two worker processes, all warmed up, on the same
clips, in rounds that alternate. What is printed are ratios of medians: seconds drift from machine to machine
and from hour to hour, ratios of one run hold.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2

from avfake.features import baseline_image
from benchmarks import reference
from benchmarks.clips import build

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ratios; returns 1 if two workers fall short of `--require`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=24, help="clips to build")
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    parser.add_argument(
        "--require", type=float, default=None, help="ratio of two workers below which to fail"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        clips = build(Path(folder), options.clips)
        rates = measure(clips, options.rounds)
    slow = statistics.median(rates["reference"])
    print(f"reference, one process    {slow:7.2f} clips/s  (1.0)")
    for name in ("one worker", "two workers"):
        fast = statistics.median(rates[name])
        low, high = min(rates[name]) / max(rates["reference"]), max(rates[name]) / min(rates["reference"])
        print(f"avfake, {name:<17} {fast:7.2f} clips/s  {fast / slow:5.1f} times  ({low:.1f} to {high:.1f})")
    ratio = statistics.median(rates["two workers"]) / slow
    if options.require is not None and ratio < options.require:
        print(f"two workers: {ratio:.1f} times, {options.require:g} required")
        return 1
    return 0


def measure(clips: list[Path], rounds: int) -> dict[str, list[float]]:
    """Clips per second in every round, by name of the way."""
    with ExitStack() as stack:
        ways: dict[str, Callable[[list[Path]], None]] = {
            "reference": _reference,
            "one worker": stack.enter_context(_workers(1, clips[0])),
            "two workers": stack.enter_context(_workers(2, clips[0])),
        }
        _reference(clips[:1])  # numba compiles, ffmpeg comes into the page cache
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                start = time.perf_counter()
                way(clips)
                rates[name].append(len(clips) / (time.perf_counter() - start))
    return rates


def _reference(clips: list[Path]) -> None:
    for clip in clips:
        reference.baseline_image(clip)


@contextmanager
def _workers(n: int, warm_up: Path) -> Iterator[Callable[[list[Path]], None]]:
    """Processes as the stages start them: spawned, one thread each; every one has seen a clip already."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n, context, _start, (warm_up, context.Barrier(n))) as pool:
        list(pool.map(_picture, [warm_up] * 4 * n))
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

        def run(clips: list[Path]) -> None:
            for _ in pool.map(_picture, clips):
                pass

        yield run


def _start(warm_up: Path, barrier: "multiprocessing.synchronize.Barrier") -> None:
    cv2.setNumThreads(1)
    baseline_image(warm_up)
    barrier.wait()


def _picture(clip: Path) -> bytes:
    return baseline_image(clip).tobytes()


if __name__ == "__main__":
    raise SystemExit(main())
