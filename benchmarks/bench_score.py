"""Path to score on one thread, against what cannot be avoided; and from nothing to the first score.

    python -m benchmarks.bench_score [--model models] [--clips 200] [--require 1.3] [--require-cold 5]

The floor of a clip is its sound demuxed and decoded with PyAV, frames dropped, plus the bare call of the
model on windows that are there already. Both and the whole way are timed for each clip, one after another, so
that what else runs on the machine slows down all three; the ratios are of their medians and of their 99th
percentiles. Each backend runs in a process of its own, because only one of them imports torch. The cold start
is a new process: interpreter, imports, loading, one clip.

The exported model is made in a temporary folder, from the clips of the benchmark.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bench_extract import ONE_THREAD
from benchmarks.clips import build

BACKENDS = ("onnx", "torch")
DISTINCT = 20  # clips that are built; they are scored again and again
COLD = (
    "import sys, avfake; print(avfake.Scorer(sys.argv[1], 'cpu', sys.argv[2], threads=1).score(sys.argv[3]))"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the ratios; returns 1 if ONNX falls short of `--require` or `--require-cold`."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("models"), help="folder of the model")
    parser.add_argument("--clips", type=int, default=200, help="clips to score")
    parser.add_argument("--rounds", type=int, default=3, help="cold starts of each backend, alternating")
    parser.add_argument("--require", type=float, default=None, help="ratio to the floor above which to fail")
    parser.add_argument(
        "--require-cold", type=float, default=None, help="seconds of a cold start above which to fail"
    )
    parser.add_argument("--measure", nargs=2, metavar=("BACKEND", "DIR"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure is not None:  # a backend's own process
        backend, folder = options.measure[0], Path(options.measure[1])
        print(json.dumps(measure(backend, options.model, sorted(folder.iterdir()), options.clips)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        clips = build(Path(name) / "clips", DISTINCT)
        model = exported(options.model, Path(name) / "model", clips)
        ratios = {name: _warm(model, clips[0].parent, options.clips, name) for name in BACKENDS}
        cold = _cold(model, clips[0], options.rounds)
    slow = [
        text
        for text, found, allowed in (
            ("path to score against the floor", max(ratios["onnx"]), options.require),
            ("seconds of a cold start", cold, options.require_cold),
        )
        if allowed is not None and found > allowed
    ]
    for text in slow:
        print(f"ONNX: too much: {text}")
    return int(bool(slow))


def measure(backend: str, model: Path, clips: list[Path], n: int) -> dict[str, list[float]]:
    """Seconds of each of `n` scorings: of the whole way, of each of its parts, and of the bare decoding."""
    import cv2

    from avfake.clip_scorer import BATCH_SIZE
    from avfake.media.clip import extract_clip
    from avfake.scoring import Scorer

    cv2.setNumThreads(1)
    scorer = Scorer(model, "cpu", backend, threads=1)
    scorer.score(clips[0])
    times: dict[str, list[float]] = {
        name: [] for name in ("path to score", "decode", "model", "read", "windows")
    }

    def timed(name: str, call: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = call()
        times[name].append(time.perf_counter() - start)
        return result

    for index in range(n):
        clip = clips[index % len(clips)]
        timed("path to score", partial(scorer.score, clip))
        timed("decode", partial(decode, clip))
        row = timed("read", partial(extract_clip, clip, scorer.extract))
        looks = timed("windows", partial(scorer.look, row))
        timed("model", partial(scorer.engine.clip_score, looks, BATCH_SIZE))
    return times


def decode(path: Path) -> None:
    """Demuxes and decodes the sound, and keeps nothing."""
    import av

    with av.open(str(path)) as container:
        for _ in container.decode(audio=0):
            pass


def exported(model: Path, folder: Path, clips: list[Path]) -> Path:
    """Copies a model to `folder`, exports it there and returns the folder."""
    shutil.copytree(model, folder)
    _run("-m", "avfake.cli", "export", "--model", str(folder), *map(str, clips[:4]))
    return folder


def _warm(model: Path, clips: Path, n: int, backend: str) -> tuple[float, float]:
    """Prints what a backend takes; returns the ratios of the medians and of the 99th percentiles."""
    command = ["-m", "benchmarks.bench_score", "--model", str(model), "--clips", str(n)]
    times = json.loads(_run(*command, "--measure", backend, str(clips)))
    whole = np.array(times["path to score"])
    floor = np.array(times["decode"]) + np.array(times["model"])
    p50, p99 = (float(np.percentile(whole, share) / np.percentile(floor, share)) for share in (50, 99))
    print(
        f"{backend:<6} path to score: {p50:5.2f} times decode + model at p50, {p99:5.2f} at p99 ({n} clips)"
    )
    parts = {name: statistics.median(values) / np.median(whole) for name, values in times.items()}
    shares = ", ".join(f"{name} {parts[name]:.0%}" for name in ("read", "windows", "model"))
    print(f"       of the median way: {shares}; bare decoding would be {parts['decode']:.0%}", flush=True)
    return p50, p99


def _cold(model: Path, clip: Path, rounds: int) -> float:
    """Prints the cold starts; returns the median of ONNX in seconds."""
    seconds: dict[str, list[float]] = {backend: [] for backend in BACKENDS}
    for _ in range(rounds):
        for backend in BACKENDS:
            start = time.perf_counter()
            _run("-c", COLD, str(model), backend, str(clip))
            seconds[backend].append(time.perf_counter() - start)
    onnx, torch = (statistics.median(seconds[backend]) for backend in BACKENDS)
    print(f"cold start to the first score: onnx {onnx:.1f} s, torch {torch / onnx:.1f} times as long")
    return onnx


def _run(*arguments: str) -> str:
    """The standard output of a Python process with one thread."""
    done = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
