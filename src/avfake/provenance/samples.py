"""That every training sample is a clip of the label file or of the manifest, as later stages saw it."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from avfake.dataset.augmented import DERIVED_BY, DERIVED_FROM, DERIVED_WITH
from avfake.dataset.facts import FILE, read_facts
from avfake.dataset.labels import homes, read_labels
from avfake.dataset.layout import Clip
from avfake.provenance.seen import Row, Seen
from avfake.provenance.splits import FACTS
from avfake.provenance.verdict import Check, Finding, judged, unchecked

TABLES = (Path("data/labels"), Path("data/resplit"))
TRAINED = Path("data/training/clips.csv")
_NAME = "samples"
_CLAIM = "every training sample is a clip of the label file or of the manifest, with its label"


def check_samples(seen: Seen, rows: list[Row]) -> Check:
    """Tables of labels, what the training says that it used, and the bytes that were read."""
    known = {clip.video_name: clip for clip in seen.whole.splits["train"].clips}
    derived = {str(row["derived_name"]): row for row in rows}
    findings: list[Finding] = []
    looked = []
    for folder in TABLES:
        if (folder / "clips.parquet").is_file():
            table = read_labels(folder)
            train = table[(homes(table) == "train") | table["split"].isin(["train"])]
            looked.append(f"{len(train)} in {folder}")
            findings += _of_table(folder, train, known, derived)
            findings += _elsewhere(folder, table.drop(train.index), derived)
    if TRAINED.is_file():
        names = [row["video_name"] for row in csv.DictReader(io.StringIO(TRAINED.read_text("utf-8")))]
        looked.append(f"{len(names)} in {TRAINED}")
        for name in names:
            if name not in derived and (name not in known or known[name].target is None):
                text = f"{TRAINED}: trained on, and neither labelled in the label file nor in the manifest"
                findings.append(Finding(name, text))
    if not looked:
        return unchecked(
            _NAME, _CLAIM, "there are no samples yet: no data/labels, data/resplit or data/training"
        )
    if (FACTS / FILE).is_file():
        findings += _other_bytes(seen, known, derived)
        looked.append(f"their bytes in {FACTS}")
    return judged(_NAME, _CLAIM, "; ".join(looked), findings)


def _of_table(
    folder: Path, train: pd.DataFrame, known: Mapping[str, Clip], derived: Mapping[str, Row]
) -> Iterator[Finding]:
    for sample in train.to_dict("records"):
        name = str(sample["video_name"])
        if name in derived:
            row = derived[name]
            wanted = {
                "target": row["label_after"],
                "generator": row["generator"],
                "source": row["source"],
                DERIVED_FROM: row["source_name"],
                DERIVED_WITH: row["partner_name"],
                DERIVED_BY: row["tool"],
            }
            where = "the manifest"
        elif name in known:
            clip = known[name]
            wanted = {"target": clip.target, "generator": clip.generator, "source": clip.source}
            wanted |= dict.fromkeys((DERIVED_FROM, DERIVED_WITH, DERIVED_BY))
            where = "the label file"
        else:
            yield Finding(name, f"{folder}: neither in the label file nor in the manifest")
            continue
        for column, value in wanted.items():
            found = sample.get(column)
            found = None if found is None or pd.isna(found) else found
            if found != value:
                yield Finding(name, f"{folder}: `{column}` is {_shown(found)}, {where} says {_shown(value)}")


def _elsewhere(folder: Path, others: pd.DataFrame, derived: Mapping[str, Row]) -> Iterator[Finding]:
    for name, split in zip(others["video_name"], others["split"], strict=True):
        if name in derived:
            yield Finding(name, f"{folder}: a derived clip in the {split} split")


def _other_bytes(seen: Seen, known: Mapping[str, Clip], derived: Mapping[str, Row]) -> Iterator[Finding]:
    """Training clips that were read with other bytes than they have now."""
    facts = read_facts(FACTS)
    train = facts[facts["split"] == "train"]
    for name, read in zip(train["video_name"], train["clip_sha256"], strict=True):
        if name in derived:
            has = derived[name]["derived_sha256"]
        elif name in known:
            has = seen.sha256(known[name].path)
        else:
            continue  # named by the tables
        if read is not None and read != has:
            yield Finding(name, f"{FACTS}: read with SHA-256 {read}, now it is {has or 'gone'}")


def _shown(value: object) -> str:
    return "null" if value is None else str(value)
