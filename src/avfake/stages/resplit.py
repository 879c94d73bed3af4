"""Stage `resplit`: the labels with some forgeries held out of train, or as they are.

    dvc repro resplit                  # as part of the pipeline
    python -m avfake.stages.resplit    # by itself, from the repository's root

Reads data/features, data/labels; writes data/resplit: clips.parquet (the labels, and the column `home`),
clusters.csv, resplit.json. With `resplit.hold_out: none` the table passes through, unread windows and all.
"""

import csv
import io
import shutil
from pathlib import Path

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_labels, read_name_column, write_table
from avfake.errors import UserError
from avfake.files import atomic_write_text, write_json
from avfake.params import ResplitParams, load
from avfake.resplit.plan import Resplit, pass_through, resplit
from avfake.stages._run import stage_main

FEATURES, LABELS = Path("data/features"), Path("data/labels")
RESPLIT = Path("data/resplit")


def main() -> None:
    """Resplits as params.yaml says."""
    params = load(ResplitParams)
    for path, stage in ((LABELS / "clips.parquet", "extract"), (FEATURES / "features.json", "featurize")):
        if not path.is_file():
            raise UserError(f"{path}: no such file", f"make it with `dvc repro {stage}`")
    labels = read_labels(LABELS)
    if params.hold_out == "none":
        done = pass_through(labels, params)
    else:
        done = resplit(labels, FeatureSet(FEATURES), params)
    shutil.rmtree(RESPLIT, ignore_errors=True)
    write_table(done.labels, RESPLIT, read_name_column(LABELS))
    atomic_write_text(RESPLIT / "clusters.csv", _csv(done))
    write_json(RESPLIT / "resplit.json", done.facts)
    for line in _report(done, params):
        print(line)


def _csv(done: Resplit) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["video_name", "cluster", "held_out"])
    writer.writerows([name, cluster, int(held)] for name, cluster, held in done.clusters)
    return text.getvalue()


def _report(done: Resplit, params: ResplitParams) -> list[str]:
    if params.hold_out == "none":
        return ["resplit: nothing is held out"]
    held, train = done.facts["counts"]["held_out"], done.facts["counts"]["train"]
    first = (
        f"resplit: {', '.join(done.facts['held_out'])} held out: {held['fake']} fakes and"
        f" {held['real']} reals; {train['fake']} fakes and {train['real']} reals are left to train on"
    )
    return [first, *(f"note: {note}" for note in done.facts["notes"])]


if __name__ == "__main__":
    stage_main(main)
