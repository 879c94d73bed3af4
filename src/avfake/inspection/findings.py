"""What a careful person would say of the figures, in sentences, the worst first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from avfake.inspection.tables import FAKE, REAL, Row

PROBLEM, WARNING, NOTE = "problem", "warning", "note"
LEVELS = (PROBLEM, WARNING, NOTE)
FACT_NAMES = {
    "seconds": "duration",
    "sound_seconds": "seconds of sound as read",
    "audio_minus_video_seconds": "sound longer than picture, seconds",
    "file_bytes": "file size, bytes",
    "bit_rate": "bit rate, bit/s",
    "audio_bit_rate": "bit rate of the sound, bit/s",
    "video_bit_rate": "bit rate of the picture, bit/s",
    "left_right_db": "difference of left and right against their sum, dB",
    "container": "container",
    "encoder": "encoder tag",
    "audio_codec": "audio codec",
    "audio_rate": "sample rate, Hz",
    "audio_channels": "channels",
    "video_codec": "video codec",
    "resolution": "resolution",
    "video_fps": "frames per second",
    "n_faces": "faces found",
}
# From here on a fact alone is worth a warning, if chance is out of the question: many facts are looked at.
TELLING_AUC = 0.65
TELLING_V = 0.3
CHANCE = 0.001
_UNBALANCED = 0.2  # share of the smaller class in training
_FEW_FACES = 0.5  # share of clips with a readable picture and a face
_NAMED = 5

Finding = dict[str, str]


def findings(figures: Mapping[str, Any]) -> list[Finding]:
    """Sentences about the figures of `avfake.inspection.report.inspect_root`: level and text."""
    rows = {row["split"]: row for row in figures["counts"]}
    found = [
        *_of_splits(rows),
        *_of_labels(figures),
        *_of_generators(figures, rows),
        *_of_reading(figures, rows["all"]),
        *_of_differences(figures["differences"]),
        *_of_faces(figures),
    ]
    return [{"level": level, "text": text} for level in LEVELS for kind, text in found if kind == level]


def named(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _NAMED} more" if len(listed) > _NAMED else ""
    return ", ".join(listed[:_NAMED]) + more


def _of_splits(rows: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    if "test" not in rows:
        yield NOTE, "There is no test split: the figures will be those of validation, which chose the model."
    for split, row in rows.items():
        if split == "all":
            continue
        if not row["clips"]:
            yield PROBLEM, f"The {split} split has no clip."
        elif row[REAL] + row[FAKE] == 0:
            level = NOTE if split == "test" else PROBLEM
            yield level, f"No clip of the {split} split has a label: it can be scored, but not evaluated."
        elif not row[REAL] or not row[FAKE]:
            one, other = (FAKE, REAL) if row[FAKE] else (REAL, FAKE)
            lost = "nothing can be learned from it" if split == "train" else "it has no AUC"
            yield PROBLEM, f"The {split} split has no {other} clip ({row[one]} {one}): {lost}."
        elif split == "train" and min(row["share_fake"], 1 - row["share_fake"]) < _UNBALANCED:
            yield (
                WARNING,
                f"The classes of the train split are out of balance: {row[REAL]} real and {row[FAKE]} fake.",
            )


def _of_labels(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    problems = figures["label_problems"]
    if problems:
        files = sorted({row["file"] for row in problems})
        yield PROBLEM, f"Wrong labels and names: {len(problems)}, in {named(files)}."
    shared = [row["value"] for row in figures["sources"] if row["shared"]]
    if shared:
        yield (
            PROBLEM,
            f"Sources in more than one split, so that the figures will flatter: {named(shared)}.",
        )
    if not figures["sources"]:
        yield NOTE, "No label file names a source: intervals and splits cannot be grouped by it."
    for row in figures["generators"]:
        if row["value"] is not None and row[REAL] and row[FAKE]:
            yield (
                PROBLEM,
                f"The generator {row['value']} stands for both classes: {row[REAL]} real, {row[FAKE]} fake.",
            )


def _of_generators(figures: Mapping[str, Any], rows: Mapping[str, Row]) -> Iterator[tuple[str, str]]:
    table = figures["generators"]
    if not table:
        yield NOTE, "No label file names a generator: figures for unseen forgeries cannot be had."
        return
    for row in table:
        if row["value"] is None and row[FAKE]:
            yield WARNING, f"Fakes that name no generator, hence neither seen nor unseen: {row[FAKE]}."
    if not any(row["value"] is not None and row[FAKE] and row["train"] for row in table):
        yield WARNING, "No training fake names its generator: figures for unseen forgeries cannot be had."
        return
    for split in ("val", "test"):
        if split not in rows or not rows[split][FAKE]:
            continue
        unseen = [row["value"] for row in table if row["unseen"] and row[split]]
        if unseen:
            yield NOTE, f"Generators of the {split} split that training has not: {named(unseen)}."
        else:
            yield NOTE, f"Every named generator of the {split} split is in training too: none is unseen."


def _of_reading(figures: Mapping[str, Any], total: Row) -> Iterator[tuple[str, str]]:
    n_read, n_unread = total["read"], total["unreadable_file"]
    if n_read and n_read == n_unread:
        yield PROBLEM, f"Not one clip can be opened: {n_read} were tried."
        return
    reasons = Counter[str]()
    for row in figures["unreadable"]:
        reasons[row["track"]] += len(row["clips"])
    for track, level, text in (
        ("file", PROBLEM, "Clips that cannot be opened"),
        ("sound", PROBLEM, "Clips whose sound cannot be used"),
        ("picture", WARNING, "Clips whose picture cannot be used"),
    ):
        if reasons[track]:
            yield level, f"{text}: {reasons[track]} of {n_read}."


def _of_differences(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    for row in rows:
        if row["value"] is None or row["p_value"] >= CHANCE:
            continue
        name, value = FACT_NAMES[row["fact"]], row["value"]
        if row["measure"] == "auc" and max(value, 1 - value) > TELLING_AUC:
            side = "larger" if value > 0.5 else "smaller"
            yield (
                WARNING,
                f"Real and fake differ in a fact that should not tell: {name}, {side} in fakes "
                f"(alone, AUC {max(value, 1 - value):.2f}).",
            )
        elif row["measure"] == "cramers_v" and value > TELLING_V:
            yield (
                WARNING,
                f"Real and fake differ in a fact that should not tell: {name} (Cramér's V {value:.2f}).",
            )


def _of_faces(figures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    searched = [row for row in figures["values"]["n_faces"] if row["value"] is not None]
    n = sum(row["clips"] for row in searched)
    without = sum(row["clips"] for row in searched if row["value"] == "0")
    if n and 1 - without / n < _FEW_FACES:
        yield NOTE, f"Clips without a face, of those whose picture can be read: {without} of {n}."
