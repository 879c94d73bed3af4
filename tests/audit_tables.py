"""Made-up tables of facts, as `avfake.audit.facts.fact_table` makes them, in which no fact tells anything."""

import numpy as np
import pandas as pd

from avfake.audit.facts import FACTS
from avfake.params import AuditParams, load
from workspace import ROOT

SIZES = {"train": 80, "val": 40, "test": 40}


def audit_params(**values: object) -> AuditParams:
    """The section `audit` of the project's params.yaml, with few resamples."""
    return load(AuditParams, ROOT / "params.yaml").model_copy(
        update={"n_bootstrap": 50, "device": "cpu", **values}
    )


def clean_table(seed: int = 0, sizes: dict[str, int] | None = None, sources: int = 8) -> pd.DataFrame:
    """Half real and half fake clips per split, of `sources` sources each (0: none), every fact by chance."""
    rng = np.random.default_rng(seed)
    parts = []
    for split, n in (sizes or SIZES).items():
        facts = {
            "sound_seconds": rng.uniform(3, 9, n),
            "audio_minus_video_seconds": rng.normal(0, 0.03, n).round(3),
            "leading_silence_seconds": rng.exponential(0.2, n).round(2),
            "trailing_silence_seconds": rng.exponential(0.2, n).round(2),
            "rms_db": rng.normal(-23, 2, n),
            "peak_db": rng.normal(-6, 2, n),
            "bandwidth_hz": rng.uniform(2000, 5000, n),
            "cutoff_hz": rng.uniform(6000, 9000, n),
            "left_right_db": np.where(rng.random(n) < 0.3, np.nan, rng.normal(-40, 6, n)),
            "bit_rate": rng.normal(600e3, 50e3, n).round(),
            "audio_bit_rate": rng.normal(96e3, 6e3, n).round(),
            "video_bit_rate": rng.normal(500e3, 50e3, n).round(),
            "file_bytes": rng.normal(400e3, 80e3, n).round(),
            "bytes_per_second": rng.normal(75e3, 6e3, n),
            "container": rng.choice(["mov,mp4,m4a", "matroska,webm"], n, p=[0.8, 0.2]),
            "encoder": rng.choice(["Lavf58.76.100", "Lavf60.3.100", ""], n),
            "audio_codec": rng.choice(["aac", "mp3"], n),
            "video_codec": np.full(n, "h264"),
            "audio_rate": rng.choice([44100.0, 48000.0], n),
            "audio_channels": rng.choice([1.0, 2.0], n),
            "video_width": rng.choice([384.0, 640.0, 1280.0], n),
            "video_height": rng.choice([384.0, 480.0, 720.0], n),
            "video_fps": rng.choice([25.0, 29.97, 30.0], n),
        }
        part = pd.DataFrame({fact.name: facts[fact.name] for fact in FACTS})
        for fact in FACTS:
            if fact.category:
                part[fact.name] = pd.Series([value or None for value in part[fact.name]], dtype=object)
        names = {
            "split": split,
            "home": split,
            "video_name": [f"{split}-{place:04d}.mp4" for place in range(n)],
        }
        target = np.arange(n) % 2
        source = [f"{split}-{place // 2 % sources}" if sources else None for place in range(n)]
        generator = ["comb" if fake else "real" for fake in target]
        part = part.assign(
            **names, target=target, source=pd.Series(source, dtype=object), generator=generator
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def of_class(table: pd.DataFrame, target: int, split: str | None = None) -> pd.Series:
    """Which rows are of a class, and of a split."""
    chosen = table["target"] == target
    return chosen if split is None else chosen & (table["split"] == split)
