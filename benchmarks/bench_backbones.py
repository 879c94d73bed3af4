"""Backbones beside each other: size, and windows per second forward and in a training step.

    python -m benchmarks.bench_backbones [NAME ...] [--shape 1 128 256] [--batch 8] [--rounds 5] [--threads 1]

The backbones alternate within one process; the ratios are of medians of one run, to the first backbone named.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch

from avfake.model import budget
from avfake.model.detector import Detector, build
from avfake.model.inference import to_device

NAMES = ("tf_efficientnet_lite0", "resnet18", "avfake_spectro_temporal", "avfake_lcnn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a row per backbone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=list(NAMES), metavar="NAME")
    parser.add_argument("--shape", nargs=3, type=int, default=[1, 128, 256], metavar=("C", "H", "W"))
    parser.add_argument("--batch", type=int, default=8, help="windows per step")
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds, after one that warms up")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    shape = (options.shape[0], options.shape[1], options.shape[2])
    windows = torch.randint(0, 256, (options.batch, *shape), dtype=torch.uint8)
    detectors = {name: to_device(build(name, shape), torch.device("cpu")) for name in options.names}
    forward: dict[str, list[float]] = {name: [] for name in detectors}
    training: dict[str, list[float]] = {name: [] for name in detectors}
    for _ in range(options.rounds + 1):
        for name, detector in detectors.items():
            forward[name].append(_rate(_forward, detector, windows))
            training[name].append(_rate(_step, detector, windows))
    first = options.names[0]
    rates = {
        kind: {name: statistics.median(values[1:]) for name, values in found.items()}
        for kind, found in (("forward", forward), ("training", training))
    }
    print(f"{'backbone':<26} {'parameters':>10} {'MACs':>9}   windows/s forward    training")
    for name, detector in detectors.items():
        size = budget.measure(detector, shape)
        text = "".join(
            f"{rates[kind][name]:9.1f} ({rates[kind][name] / rates[kind][first]:4.2f})" for kind in rates
        )
        print(f"{name:<26} {size.parameters / 1e6:8.2f} M {size.macs_thop / 1e6:7.0f} M   {text}")
    return 0


def _rate(work: Callable[[Detector, torch.Tensor], None], detector: Detector, windows: torch.Tensor) -> float:
    start = time.perf_counter()
    work(detector, windows)
    return len(windows) / (time.perf_counter() - start)


def _forward(detector: Detector, windows: torch.Tensor) -> None:
    detector.eval()
    with torch.inference_mode():
        detector(windows)


def _step(detector: Detector, windows: torch.Tensor) -> None:
    """Forward and backward; the update is not measured."""
    detector.train()
    detector.zero_grad()
    torch.nn.functional.cross_entropy(detector(windows), torch.arange(len(windows)) % 2).backward()


if __name__ == "__main__":
    raise SystemExit(main())
