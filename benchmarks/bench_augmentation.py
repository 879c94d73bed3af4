"""What augmentation costs, beside the training step of a backbone in the same run.

    OMP_NUM_THREADS=1 python -m benchmarks.bench_augmentation [--backbone tf_efficientnet_lite0] [--seconds 5]

Prints windows per second of processor time on one thread, for batches of 32 windows of 128 by 256, and how
much longer than its step alone an epoch takes with each kind of augmentation. Then milliseconds per clip of 5
seconds for each disturbance of the waveform, without the front end.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avfake.disturb.drawn import disturbed
from avfake.model.batches import Preparation
from avfake.model.detector import build
from avfake.params import TrainParams, load

ROOT = Path(__file__).parents[1]
BATCH, SHAPE, SOUND_RATE = 32, (1, 128, 256), 22050
INFO = {"front_end": ["log_mel"], "params": {"normalise": "peak", "dynamic_range": 80.0}}
LEVELS = {"gain_db": 3.0, "tilt_db": 3.0}
MASKS = {"time_masks": 2, "band_masks": 2, "high_cut": 0.5}
KINDS: dict[str, dict[str, Any]] = {
    "gain and tilt": LEVELS,
    "masks": MASKS,
    "noise": {"noise_db": 2.0},
    "mixup": {"mixup": 0.3},
    "cutmix": {"cutmix": 1.0},
    "all, mixup": LEVELS | MASKS | {"noise_db": 2.0, "mixup": 0.3},
    "all, cutmix": LEVELS | MASKS | {"noise_db": 2.0, "cutmix": 1.0},
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", default="tf_efficientnet_lite0", help="of timm")
    parser.add_argument("--seconds", type=float, default=5.0, help="that each kind is measured for")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    windows, targets = rng.integers(0, 256, (BATCH, *SHAPE)).astype(np.uint8), np.arange(BATCH) % 2
    step = rate(training_step(options.backbone, windows, targets), options.seconds)
    print(f"{options.backbone:<24} {step:9.1f} windows/s")
    plain = load(TrainParams, ROOT / "params.yaml").augmentation
    numbers = {name: value for name, value in plain.model_dump().items() if not isinstance(value, dict)}
    off = {name: type(value)(0) for name, value in numbers.items() if not name.endswith("share")}
    for name, values in KINDS.items():
        prepare = Preparation(plain.model_copy(update=off | values), INFO, 0)
        found = rate(partial(prepare, windows, targets, 1, 0), options.seconds)
        print(f"{name:<24} {found:9.1f} windows/s  + {100 * step / found:.1f} %")
    sound = (0.1 * rng.standard_normal(5 * SOUND_RATE)).astype(np.float32)
    for name in plain.waveform.disturbances:
        draws = np.random.default_rng(0)
        found = rate(partial(disturbed, sound, [name], 1, draws, SOUND_RATE), options.seconds) / BATCH
        print(f"{name:<24} {1000 / found:9.1f} ms/clip")
    return 0


def training_step(backbone: str, windows: np.ndarray, targets: np.ndarray) -> Callable[[], object]:
    """One update by Adam, of a detector on random weights."""
    detector = build(backbone, SHAPE).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(detector.parameters())
    inputs, wanted = torch.from_numpy(windows), torch.from_numpy(targets)

    def step() -> None:
        loss = torch.nn.functional.cross_entropy(detector(inputs), wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def rate(work: Callable[[], object], seconds: float) -> float:
    """Windows per second of processor time, over at least so many seconds, after one round to warm up."""
    work()
    start, rounds = time.process_time(), 0
    while time.process_time() - start < seconds:
        work()
        rounds += 1
    return BATCH * rounds / (time.process_time() - start)


if __name__ == "__main__":
    raise SystemExit(main())
