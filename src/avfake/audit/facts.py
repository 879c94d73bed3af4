"""The facts of every clip that should not tell real from fake: from its container and from its sound."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avfake.audit.sound import SoundFacts, sound_facts
from avfake.dataset.shards import list_shards, read_shard
from avfake.errors import RunError
from avfake.files import atomic_write_text
from avfake.media.pcm import from_pcm
from avfake.parallel import map_ordered


@dataclass(frozen=True)
class Fact:
    """A fact by its column; `category`: text or a kind, where larger means nothing."""

    name: str
    category: bool = False


FACTS = (
    Fact("sound_seconds"),
    Fact("audio_minus_video_seconds"),
    Fact("leading_silence_seconds"),
    Fact("trailing_silence_seconds"),
    Fact("rms_db"),
    Fact("peak_db"),
    Fact("bandwidth_hz"),
    Fact("cutoff_hz"),
    Fact("left_right_db"),
    Fact("bit_rate"),
    Fact("audio_bit_rate"),
    Fact("video_bit_rate"),
    Fact("file_bytes"),
    Fact("bytes_per_second"),
    Fact("container", category=True),
    Fact("encoder", category=True),
    Fact("audio_codec", category=True),
    Fact("video_codec", category=True),
    Fact("audio_rate"),
    Fact("audio_channels"),
    Fact("video_width"),
    Fact("video_height"),
    Fact("video_fps"),
)
NAMES = tuple(fact.name for fact in FACTS)
OF_SOUND = tuple(field.name for field in fields(SoundFacts))
_KEY = ["home", "video_name"]


@dataclass(frozen=True)
class _Shard:
    split: str
    path: Path
    silence_db: float


def sound_table(extracted: str | Path, silence_db: float, workers: int) -> pd.DataFrame:
    """What the sound of each clip with sound measures: home, video_name and the fields of `SoundFacts`.

    The shards are read one by one in worker processes, so no more than one per process is in memory.

    Raises:
        RunError: a process died on a shard.
    """
    shards = [_Shard(split, path, silence_db) for split, path in list_shards(extracted)]
    rows: list[dict[str, Any]] = []
    for result in map_ordered(_of_shard, shards, workers, "audit: sound"):
        if result.value is None:
            raise RunError(
                f"{result.item.path}: {result.error}", "free some memory, or lower parallel.workers"
            )
        rows += result.value
    return pd.DataFrame(rows, columns=[*_KEY, *OF_SOUND])


def fact_table(
    labels: pd.DataFrame, facts: pd.DataFrame, sound: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, int]]:
    """The facts of every labelled clip that could be opened, and how many of each split could not.

    Args:
        labels: split, home, video_name, target, source, generator, as `read_labels` of data/resplit gives.
        facts: as `avfake.dataset.facts.read_facts` gives them.
        sound: as `sound_table` gives it.

    Returns:
        a table by split, home and name: split, home, video_name, target (int64), source, generator (text or
        None), and a column per fact of `FACTS`: float64 with NaN, or text with None.
    """
    known = labels.loc[labels["target"].notna(), ["split", *_KEY, "target", "source", "generator"]]
    of_clip = facts.rename(columns={"split": "home"})
    seconds = of_clip["seconds"].where(of_clip["seconds"] > 0)
    of_clip["bytes_per_second"] = of_clip["file_bytes"] / seconds
    table = known.merge(of_clip, on=_KEY, how="left", validate="one_to_one")
    opened = table["error"].isna() & table["file_bytes"].notna()
    unreadable = table.loc[~opened, "split"].value_counts().to_dict()
    table = table[opened].merge(sound, on=_KEY, how="left", validate="one_to_one")
    table = table.sort_values(["split", *_KEY], ignore_index=True)
    columns: dict[str, Any] = {name: _texts(table[name]) for name in ("split", *_KEY)}
    columns["target"] = table["target"].astype("int64")
    columns |= {name: _texts(table[name]) for name in ("source", "generator")}
    for fact in FACTS:
        values = table[fact.name]
        columns[fact.name] = _texts(values) if fact.category else values.astype("float64")
    return pd.DataFrame(columns), {str(split): int(n) for split, n in unreadable.items()}


def write_facts(table: pd.DataFrame, path: str | Path) -> None:
    """Writes what `fact_table` made as CSV, without source and generator: the labels have them."""
    shown = table[["split", *_KEY, "target", *NAMES]]
    atomic_write_text(path, shown.to_csv(index=False, lineterminator="\n", float_format="%.10g"))


def _of_shard(shard: _Shard) -> list[dict[str, Any]]:
    columns = ["video_name", "audio_error", "sample_rate", "pcm", "pcm_shift"]
    rows = read_shard(shard.path, columns)
    return [_row(shard, row) for row in rows if row["audio_error"] is None]


def _row(shard: _Shard, row: Mapping[str, Any]) -> dict[str, Any]:
    sound = from_pcm(np.frombuffer(row["pcm"], "<i2"), row["pcm_shift"])
    measured = sound_facts(sound, row["sample_rate"], shard.silence_db)
    return {"home": shard.split, "video_name": row["video_name"], **asdict(measured)}


def _texts(column: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series([None if pd.isna(value) else str(value) for value in column], dtype=object)
