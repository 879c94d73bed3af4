"""How does the search for leaks grow with the number of clips?

    python -m benchmarks.bench_leaks [1000 10000 100000]

Makes fingerprints of clips of 8 s from energies that move smoothly through some spectral shapes, so that the
search keys of two clips meet as often as those of speech do (2 ** -22; 992 clips of real and forged speech
gave that), with silent ends, with one jingle in one of a hundred clips, and with known copies in other
splits. Prints the processor time of the search (one thread), its growth, the share of the copies that were
found, the false pairs and the peak memory of the process.
"""

import argparse
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from avfake.audit.fingerprint import BANDS, SoundPrint, print_of_bands
from avfake.audit.picture_hash import PictureHashes, same_picture
from avfake.audit.sound_search import SoundPrints, same_sound

SIZES = (1000, 10_000, 100_000)
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}
FRAMES = 345  # 8 s
COPIES = 0.01  # of the clips of validation and test
JINGLE = 0.01  # of all clips
JINGLE_FRAMES = 60
FACES = 4
SOUND_MATCH = 0.8
PICTURE_BITS = 6
_SMOOTH = 8  # frames: bits of speech lose their memory after half a window
_SHAPES = 16
_ROUGH = 0.3  # of a band that follows no shape


@dataclass(frozen=True)
class Split:
    """The clips of a split; `copies` maps a clip's place to the place in train of what it is a copy of."""

    sound: SoundPrints
    pictures: PictureHashes
    copies: dict[int, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; always 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of clips")
    before = None
    for size in parser.parse_args(arguments).sizes:
        splits = build(size)
        sound, found, false = search_sound(splits)
        pictures = search_pictures(splits)
        print(
            f"{size} clips: sound {sound:.1f} s, pictures {pictures:.1f} s; "
            f"{found:.1%} of the copies found, {false} false pairs; peak memory {peak_mib()} MiB"
        )
        if before:
            print(
                f"  {size / before[0]:.0f} times the clips: {sound / before[1]:.1f} times the time for "
                f"sound, {pictures / before[2]:.1f} times for pictures"
            )
        before = (size, sound, pictures)
    return 0


def build(size: int) -> dict[str, Split]:
    """Fingerprints of `size` clips in three splits."""
    rng = np.random.default_rng(size)
    shapes = np.random.default_rng(0).standard_normal((_SHAPES, BANDS), np.float32)
    jingle = smooth(rng, JINGLE_FRAMES, shapes)
    kept: list[np.ndarray] = []  # energies of train that are copied
    splits = {}
    for split, share in SHARES.items():
        prints, hashes, copies = [], [], {}
        for place in range(round(size * share)):
            energy = smooth(rng, FRAMES + 1, shapes)
            if split == "train" and len(kept) < size * COPIES:
                kept.append(energy)
            elif split != "train" and rng.random() < COPIES:
                copies[place] = int(rng.integers(len(kept)))
                energy = kept[copies[place]] * rng.lognormal(0, 0.05, energy.shape).astype(np.float32)
            elif rng.random() < JINGLE:
                energy[43 : 43 + JINGLE_FRAMES] = jingle
            prints.append(silent_ends(energy, rng))
            hashes.append(faces(rng))
        splits[split] = Split(SoundPrints(prints), PictureHashes(hashes), copies)
    return splits


def smooth(rng: np.random.Generator, frames: int, shapes: np.ndarray) -> np.ndarray:
    """Energies of bands, float32 [frames, BANDS]: log-normal, smooth in time as overlapping windows are."""
    level = rng.standard_normal((frames, len(shapes)), np.float32) @ shapes
    level += _ROUGH * rng.standard_normal((frames, BANDS), np.float32)
    for _ in range(2):
        level = uniform_filter1d(level, _SMOOTH, axis=0, mode="wrap")
    return np.exp(level)


def silent_ends(energy: np.ndarray, rng: np.random.Generator) -> SoundPrint:
    """The fingerprint, up to a second silent at either end."""
    energy = energy.copy()
    energy[: rng.integers(43)] = 0
    energy[len(energy) - rng.integers(43) :] = 0
    return print_of_bands(energy, energy.sum(axis=1))


def faces(rng: np.random.Generator) -> np.ndarray:
    """Hashes of one face in four frames, uint64 [FACES]: a few bits apart."""
    turned = np.uint64(1) << rng.integers(0, 64, FACES, np.uint64)
    return rng.integers(0, 2**64, 1, np.uint64) ^ turned


def search_sound(splits: dict[str, Split]) -> tuple[float, float, int]:
    """Seconds of the search, the share of the copies that it found, and the number of false pairs."""
    train = splits["train"]
    seconds, found, copies, false = 0.0, 0, 0, 0
    for other in (splits["val"], splits["test"]):
        start = time.process_time()
        matches = same_sound(train.sound, other.sound, SOUND_MATCH)
        seconds += time.process_time() - start
        pairs = set(zip(matches.b.tolist(), matches.a.tolist(), strict=True))
        found += sum(pair in pairs for pair in other.copies.items())
        copies += len(other.copies)
        false += sum(clip not in other.copies for clip, _ in pairs)
    start = time.process_time()
    same_sound(splits["val"].sound, splits["test"].sound, SOUND_MATCH)
    return seconds + time.process_time() - start, found / max(1, copies), false


def search_pictures(splits: dict[str, Split]) -> float:
    """Seconds of the search for near pictures."""
    start = time.process_time()
    for a, b in (("train", "val"), ("train", "test"), ("val", "test")):
        same_picture(splits[a].pictures, splits[b].pictures, PICTURE_BITS)
    return time.process_time() - start


def peak_mib() -> int:
    """The largest memory that the process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    raise SystemExit(main())
