"""How close is `avfake.features.baseline_image` to the reference recipe?

    python -m benchmarks.bench_equality [CLIP_OR_FOLDER ...]

Without a path: clips built here, mono and stereo at four sample rates, AAC and MP3, speech and tones. Prints
the share of equal pixels and of pixels within one grey level; fails if a clip has under 99.9 % within one.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from tests.clips import make_clip

from avfake.features import baseline_image
from benchmarks import reference

REQUIRED = 0.999


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares and prints; 1 if any clip differs too much."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, help="clips, or folders of .mp4 clips")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        clips = list(_listed(options.paths)) if options.paths else build(Path(folder))
        shares = {clip: compare(clip) for clip in clips}
    equal, within = (np.array([share[i] for share in shares.values()]) for i in (0, 1))
    worst = min(shares, key=lambda clip: shares[clip][1])
    print(
        f"{len(shares)} clips: {equal.mean():.4%} of pixels equal, {within.mean():.4%} within one grey level"
    )
    print(f"worst clip: {within.min():.4%} within one grey level ({worst.name})")
    return int(within.min() < REQUIRED)


def compare(clip: Path) -> tuple[float, float]:
    """Shares of pixels that are equal, and within one grey level."""
    difference = np.abs(baseline_image(clip).astype(int) - reference.baseline_image(clip).astype(int))
    return float((difference == 0).mean()), float((difference <= 1).mean())


def build(folder: Path) -> list[Path]:
    """Clips of every combination that the pipeline meets: rate, channels, codec, kind of sound."""
    kinds = product((44100, 48000, 22050, 16000), (1, 2), ("aac", "libmp3lame"), ("speech", "tone"))
    return [
        make_clip(
            folder / f"{rate}-{channels}-{codec}-{kind}.mp4", seconds=1.7, rate=rate, channels=channels,
            audio_codec=codec, kind=kind, seed=seed,
        )
        for seed, (rate, channels, codec, kind) in enumerate(kinds)
    ]  # fmt: skip


def _listed(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.glob("**/*.mp4")) if path.is_dir() else [path]


if __name__ == "__main__":
    raise SystemExit(main())
