"""All figures of all splits in one table, each beside its interval and its remark."""

from collections.abc import Mapping

import pandas as pd

from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.report import FIGURES, Report

COLUMNS = ("split", "figure", "value", "ci_low", "ci_high", "note")


def figures_table(reports: Mapping[str, Report]) -> pd.DataFrame:
    """A row per split and figure, with the columns `COLUMNS`; null where there is none, and `note` says why.

    Args:
        reports: split name -> its figures, in the table's order.
    """
    rows = []
    for split, made in reports.items():
        for key in FIGURES:
            interval = made.intervals[key]
            if isinstance(interval, NoFigure):
                low, high, how = None, None, interval.reason
            else:
                low, high, how = interval.low, interval.high, interval.how
            notes = dict.fromkeys(filter(None, (made.notes.get(key), how)))
            rows.append([split, key, made.figures[key], low, high, "; ".join(notes)])
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(("value", "ci_low", "ci_high"), "float64"))
