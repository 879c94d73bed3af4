"""A training step of the default detector: mixed precision, and threads that wait without spinning.

    python -m benchmarks.bench_step [--rounds 3] [--batch 16]

Says whether `train.mixed_precision` pays on this processor, and what the stages' OMP_WAIT_POLICY=PASSIVE
costs or gains at the load that the machine has right now. Every way runs in a process of its own, because
the policy is read when torch is loaded; the ways alternate, and the ratios are of medians of one run.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from avfake.params import ExtractParams, FeaturizeParams, TrainParams, load

ROOT = Path(__file__).parents[1]
WAYS = {
    "float32": ("PASSIVE", False),
    "bfloat16 autocast": ("PASSIVE", True),
    "float32, spinning": ("ACTIVE", False),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints windows per second of each way and their ratio to the first."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="alternating rounds")
    parser.add_argument("--batch", type=int, default=16, help="windows per step")
    parser.add_argument("--measure", choices=("0", "1"), help=argparse.SUPPRESS)  # a way's own process
    options = parser.parse_args(arguments)
    if options.measure is not None:
        print(windows_per_second(options.measure == "1", options.batch))
        return 0
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(options.rounds):
        for name, (policy, mixed) in WAYS.items():
            command = [sys.executable, "-m", "benchmarks.bench_step", "--batch", str(options.batch)]
            done = subprocess.run(
                [*command, "--measure", str(int(mixed))],
                env={**os.environ, "OMP_WAIT_POLICY": policy},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            rates[name].append(float(done.stdout))
    first = statistics.median(rates["float32"])
    for name, values in rates.items():
        rate = statistics.median(values)
        print(f"{name:<18} {rate:7.2f} windows/s  {rate / first:5.2f} times")
    return 0


def windows_per_second(mixed: bool, batch: int, steps: int = 3) -> float:
    """Median over a few steps of forward, backward and update, after one that warms up."""
    import torch

    from avfake.features.front_ends import shape_of
    from avfake.model.detector import build
    from avfake.model.inference import to_device

    params = load(TrainParams, ROOT / "params.yaml")
    file = ROOT / "params.yaml"
    shape = shape_of(load(FeaturizeParams, file), load(ExtractParams, file).sample_rate)
    torch.set_num_threads(params.threads)
    torch.manual_seed(params.seed)
    detector = to_device(build(params.backbone, shape), torch.device("cpu")).train()
    optimiser = torch.optim.Adam(detector.parameters(), lr=params.lr)
    windows = torch.randint(0, 256, (batch, *shape), dtype=torch.uint8)
    targets = torch.arange(batch) % 2
    rates = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            loss = torch.nn.functional.cross_entropy(detector(windows).float(), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        rates.append(batch / (time.perf_counter() - start))
    return statistics.median(rates[1:])


if __name__ == "__main__":
    raise SystemExit(main())
