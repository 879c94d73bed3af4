"""Stage `audit`: could a detector win here without telling real from fake? Shortcuts and leaks.

    dvc repro audit                  # as part of the pipeline
    python -m avfake.stages.audit    # by itself, from the repository's root

Reads data/extracted, data/facts, data/resplit, data/predictions and models; writes metrics/audit.json (flat
figures), metrics/audit_notes.json (sentences) and data/audit/*.csv. It ends with 0 even when the audit
fails, so that the figures can be committed; `avfake audit` and `avfake gate` fail on them.
"""

from pathlib import Path

import pandas as pd

from avfake.audit import correlate, shortcuts
from avfake.audit.equalise import equalise
from avfake.audit.facts import fact_table, sound_table, write_facts
from avfake.audit.leaks import find_leaks
from avfake.audit.report import Audit, report
from avfake.dataset.facts import FILE, read_facts
from avfake.dataset.labels import read_labels
from avfake.dataset.predictions import FILES, UNSCORED, read_predictions, read_unscored
from avfake.errors import UserError
from avfake.files import atomic_write_text, write_json
from avfake.memo import Memo
from avfake.model.saved import FACTS as MODEL_FACTS
from avfake.params import AuditParams, MemoParams, ParallelParams, load
from avfake.stages._run import stage_main

EXTRACTED, FACTS, LABELS = Path("data/extracted"), Path("data/facts"), Path("data/resplit")
MODELS, PREDICTIONS = Path("models"), Path("data/predictions")
AUDIT, METRICS = Path("data/audit"), Path("metrics")


def main() -> None:
    """Parses, calls, writes."""
    params, memo, workers = load(AuditParams), load(MemoParams), load(ParallelParams).workers
    needed = (
        EXTRACTED,
        FACTS / FILE,
        LABELS / "clips.parquet",
        PREDICTIONS / FILES["val"],
        PREDICTIONS / UNSCORED,
        MODELS / MODEL_FACTS,
    )
    for path in needed:
        if not path.exists():
            raise UserError(
                f"{path}: no such file or folder", "run the stages before this one: `dvc repro audit`"
            )
    labels = read_labels(LABELS)
    table, unreadable = fact_table(
        labels, read_facts(FACTS), sound_table(EXTRACTED, params.silence_db, workers)
    )
    correlations = correlate.correlate(table, _scores())
    audit = Audit(
        table=table,
        unreadable=unreadable,
        shortcuts=shortcuts.measure(table, params),
        correlations=correlations,
        equalised=equalise(table, EXTRACTED, MODELS, params),
        leaks=find_leaks(labels, EXTRACTED, params, memo, workers),
    )
    made = report(audit, params)
    write_facts(table, AUDIT / "facts.csv")
    _write_csv(shortcuts.csv_table(audit.shortcuts), AUDIT / "shortcuts.csv")
    _write_csv(correlate.csv_table(correlations), AUDIT / "correlations.csv")
    _write_csv(audit.leaks.pairs, AUDIT / "leaks.csv")
    write_json(METRICS / "audit.json", made.figures)
    write_json(METRICS / "audit_notes.json", made.notes)
    Memo(memo.folder, memo.max_gib).trim()
    for level in ("failures", "warnings"):
        print(f"audit: {level}: {made.figures[level]}")
        for text in made.notes[level]:
            print(f"  {text}")


def _scores() -> pd.DataFrame:
    """The validation clips that the detector really scored."""
    scores = read_predictions(PREDICTIONS / FILES["val"])
    unscored = [item.video_name for item in read_unscored(PREDICTIONS / UNSCORED) if item.split == "val"]
    return scores[~scores["video_name"].isin(unscored)]


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    atomic_write_text(path, table.to_csv(index=False, lineterminator="\n", float_format="%.6f"))


if __name__ == "__main__":
    stage_main(main)
