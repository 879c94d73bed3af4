"""The detector's AUC once the facts are made equal: no silent ends, one bandwidth, one length, one level.

What remains of the container - bit rate, encoder - never reaches the detector, which hears the mono sound
that the pipeline keeps. The faces of a detector with eyes stay as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from avfake.audit.sound import at_level, band_limited, of_length, trimmed
from avfake.clip_scorer import ClipScorer, unpacked_faces
from avfake.dataset.shards import list_shards, read_shard
from avfake.disturb.draw import draw
from avfake.errors import UserError
from avfake.evaluation import intervals, metrics
from avfake.evaluation.delong import paired_difference
from avfake.evaluation.metrics import Interval, NoFigure
from avfake.features import front_ends
from avfake.media.pcm import from_pcm, to_pcm
from avfake.model.inference import clip_score, deterministic
from avfake.model.streams import PICTURE, SOUND, Looks, make_streams
from avfake.params import AuditParams

SPLITS = ("val", "test")
# Of cut-off and length over all clips: nearly every clip can be brought down to it, and a few oddities
# do not drag all others along.
QUANTILE = 0.05
LEAST_SECONDS = 1.0
# Quiet enough that no clip is cut off at full scale.
RMS_DB = -30.0


@dataclass(frozen=True)
class Target:
    """What every clip is brought to."""

    silence_db: float
    cutoff_hz: float
    seconds: float
    rms_db: float = RMS_DB

    def apply(self, sound: np.ndarray, rate: int) -> np.ndarray:
        """Equalised sound float32 [seconds * rate] of sound float32 [n >= 1]."""
        limited = band_limited(trimmed(sound, rate, self.silence_db), rate, self.cutoff_hz)
        return at_level(of_length(limited, max(1, round(self.seconds * rate))), self.rms_db)

    def __str__(self) -> str:
        return (
            f"silence below {self.silence_db:g} dB of the peak trimmed at both ends, nothing above "
            f"{self.cutoff_hz:.0f} Hz, {self.seconds:.2f} s long, RMS {self.rms_db:g} dB"
        )


@dataclass(frozen=True)
class Equalised:
    """A split's AUC before and after, on the same clips.

    Attributes:
        n: clips drawn that have sound. clean: AUC before. auc: after, with `interval`, or why there is none.
        drop: clean - auc. drop_interval: paired, or why there is none.
        target: what the clips were brought to.
    """

    n: int
    clean: float
    auc: float
    interval: Interval | NoFigure
    drop: float
    drop_interval: Interval | NoFigure
    target: Target


def common_target(table: pd.DataFrame, params: AuditParams) -> Target:
    """What the clips of a table of facts have in common: low quantiles, over all of them, of any class.

    Raises:
        NoFigure: no clip has sound that is not silence.
    """
    with_sound = table[table["cutoff_hz"].notna() & table["sound_seconds"].notna()]
    if with_sound.empty:
        raise NoFigure("no labelled clip has sound")
    silence = with_sound["leading_silence_seconds"] + with_sound["trailing_silence_seconds"]
    seconds = float((with_sound["sound_seconds"] - silence).quantile(QUANTILE))
    cutoff = float(with_sound["cutoff_hz"].quantile(QUANTILE))
    return Target(params.silence_db, cutoff, max(LEAST_SECONDS, seconds))


def equalise(
    table: pd.DataFrame, extracted: str | Path, model: str | Path, params: AuditParams
) -> dict[str, Equalised | NoFigure]:
    """Scores clips of validation and test as they are and equalised, with the model in the folder `model`.

    Args:
        table: as `avfake.audit.facts.fact_table` makes it.
        extracted: the packed sound.
        model: with model.json and the weights.
        params: the section `audit`: how many clips, drawn with which seed.

    Raises:
        UserError: there is no model, or it listens at another sample rate.
    """
    scorer = ClipScorer(model, params.device)
    found: dict[str, Equalised | NoFigure] = {}
    with deterministic(scorer.model.facts["train"]["threads"]):
        for split in SPLITS:
            try:
                if scorer.modality == PICTURE:
                    raise NoFigure("the detector does not listen: the facts made equal are of the sound")
                target = common_target(table, params)
                of_split = table[(table["split"] == split) & table["sound_seconds"].notna()]
                clips = draw(of_split, params.equalised_clips, params.seed)
                metrics.need_both_classes(clips["target"].to_numpy(dtype=np.int64))
                scores = list(_scored(clips, Path(extracted), scorer, target, params.batch_size))
                found[split] = _compared(split, clips, scores, target, params)
            except NoFigure as none:
                found[split] = none
    return found


def _scored(
    clips: pd.DataFrame, extracted: Path, scorer: ClipScorer, target: Target, batch_size: int
) -> Iterator[tuple[str, str, float, float]]:
    """(home, name, clean score, equalised score) of each clip, by shard: one is in memory at a time."""
    wanted = set(zip(clips["home"], clips["video_name"], strict=True))
    homes = set(clips["home"])
    columns = ["video_name", "sample_rate", "pcm", "pcm_shift"]
    columns += [] if scorer.modality == SOUND else ["n_faces", "faces", "face_times"]
    for home, path in list_shards(extracted):
        if home not in homes:
            continue
        for row in read_shard(path, columns):
            if (home, row["video_name"]) not in wanted:
                continue
            rate = row["sample_rate"]
            if rate != scorer.extract.sample_rate:
                raise UserError(
                    f"{extracted} holds sound at {rate} Hz, the model listens at "
                    f"{scorer.extract.sample_rate} Hz",
                    "bring both up to date: `dvc repro`",
                )
            sound = from_pcm(np.frombuffer(row["pcm"], "<i2"), row["pcm_shift"])
            scores = []
            for heard in (sound, target.apply(sound, rate)):
                pcm, shift = to_pcm(heard)
                windows = front_ends.compute(pcm, rate, scorer.featurize, shift)
                looks: Looks = windows
                if scorer.modality != SOUND:
                    faces = unpacked_faces(row["faces"], row["n_faces"], row["face_times"], scorer.extract)
                    looks = make_streams(windows, *faces, scorer.model.facts["features"])
                scores.append(clip_score(scorer.model.detector, looks, batch_size, scorer.device))
            yield home, row["video_name"], scores[0], scores[1]


def _compared(
    split: str,
    clips: pd.DataFrame,
    scores: list[tuple[str, str, float, float]],
    target: Target,
    params: AuditParams,
) -> Equalised:
    scored = pd.DataFrame(scores, columns=["home", "video_name", "clean", "equalised"])
    both = clips.merge(scored, on=["home", "video_name"], how="inner", validate="one_to_one")
    y = both["target"].to_numpy(dtype=np.int64)
    clean, after = (both[name].to_numpy(dtype=np.float64) for name in ("clean", "equalised"))
    before_auc, after_auc = metrics.auc(y, clean), metrics.auc(y, after)
    interval: Interval | NoFigure
    drop_interval: Interval | NoFigure
    source = both["source"].tolist()
    try:
        interval = intervals.best_interval(
            y,
            after,
            source if any(name is not None for name in source) else None,
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            rng=intervals.generator(params.seed, f"equalised {split}"),
        )
    except NoFigure as none:
        interval = none
    try:
        _, change = paired_difference(y, clean, after, params.confidence)
        drop_interval = Interval(-change.high, -change.low, change.how)
    except NoFigure as none:
        drop_interval = none
    return Equalised(
        len(both), before_auc, after_auc, interval, before_auc - after_auc, drop_interval, target
    )
