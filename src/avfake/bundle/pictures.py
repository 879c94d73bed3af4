"""Pictures of the figures, as SVG: the same bytes for the same figures."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from avfake.bundle.figures import Figures

SPLITS = {"validation": "", "test": "_test"}
COLOURS = {"validation": "#1f6f8b", "test": "#c8553d"}
_SHORT = {"val": "validation", "test": "test"}
# Name of a row, and by split the file and the key of its figure.
Row = tuple[str, Mapping[str, tuple[str, str]]]


def pictures(figures: Figures, plots: Mapping[str, str]) -> dict[str, bytes]:
    """File name -> SVG, for what there are figures of.

    Args:
        figures: the committed figures.
        plots: name of a table of plots/ without `.csv` -> its text.
    """
    found = {
        "auc.svg": _intervals(figures, _overview(figures), "The detector, and what a shortcut would give")
    }
    names = figures.conditions("robustness")
    if names:
        rows = [(name.replace("_", " "), _of("robustness", f"auc_{name}")) for name in ["clean", *names]]
        found["robustness.svg"] = _intervals(figures, rows, "The detector on disturbed clips")
    for name, columns, labels in (
        ("roc", ("fpr", "tpr"), ("false-positive rate", "true-positive rate")),
        ("calibration", ("predicted", "observed"), ("mean score", "share of fakes")),
    ):
        if lines := _lines(plots.get(name, ""), columns):
            found[f"{name}.svg"] = _curve(lines, labels, marked=name == "calibration")
    return found


def _overview(figures: Figures) -> list[Row]:
    audit = {
        "telling facts made equal": "auc_equalised",
        "a model of those facts alone": "shortcut_auc",
    }
    rows: list[Row] = [
        ("forgeries never seen", _of("evaluate", "auc_unseen")),
        ("all forgeries", _of("evaluate", "auc")),
        ("forgeries seen in training", _of("evaluate", "auc_seen")),
    ]
    if figures.has("robustness"):
        rows.append(("worst disturbance", _of("robustness", "auc_worst")))
    if figures.has("audit"):
        ends = {"validation": "val", "test": "test"}
        rows += [
            (name, {split: ("audit", f"{key}_{end}") for split, end in ends.items()})
            for name, key in audit.items()
        ]
    return rows


def _of(file: str, key: str) -> dict[str, tuple[str, str]]:
    return {split: (f"{file}{end}", key) for split, end in SPLITS.items()}


def _intervals(figures: Figures, rows: Sequence[Row], title: str) -> bytes:
    """A line per row: for each split a point with its interval; the place of a null stays empty."""
    with _style():
        figure = Figure(figsize=(7, 1.2 + 0.3 * len(rows)), facecolor="white")
        axes = figure.subplots()
        for position, (_, by_split) in enumerate(rows):
            for shift, (split, (file, key)) in zip((-0.15, 0.15), by_split.items(), strict=True):
                value, low, high = (figures.value(file, f"{key}{end}") for end in ("", "_ci_low", "_ci_high"))
                if value is None:
                    continue
                if low is not None and high is not None:
                    axes.plot(
                        [low, high], [position + shift] * 2, color=COLOURS[split], linewidth=2, alpha=0.6
                    )
                axes.plot([value], [position + shift], "o", color=COLOURS[split], markersize=5)
        axes.axvline(0.5, color="#777777", linewidth=1, linestyle=":")
        axes.set_yticks(range(len(rows)), [name for name, _ in rows])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("AUC (0.5: as good as a coin)")
        axes.set_title(title, loc="left", fontsize=11)
        _finish(axes, list(COLOURS))
        return _svg(figure)


def _curve(lines: Mapping[str, list[tuple[float, float]]], labels: tuple[str, str], marked: bool) -> bytes:
    """A curve per split in the unit square, with its diagonal."""
    with _style():
        figure = Figure(figsize=(4.6, 4.4), facecolor="white")
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#777777", linewidth=1, linestyle=":")
        for split, points in lines.items():
            x, y = zip(*points, strict=True)
            axes.plot(x, y, "o-" if marked else "-", color=COLOURS[split], markersize=4)
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        _finish(axes, list(lines))
        return _svg(figure)


def _lines(text: str, columns: tuple[str, str]) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        split = _SHORT.get(row.get("split", ""))
        values = [row.get(column) for column in columns]
        if split and all(values):
            found.setdefault(split, []).append((float(values[0] or 0), float(values[1] or 0)))
    return found


def _finish(axes: Axes, splits: Sequence[str]) -> None:
    for split in splits:
        axes.plot([], [], "o-", color=COLOURS[split], label=split)
    axes.legend(loc="best", frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _style() -> AbstractContextManager[None]:
    """matplotlib's own defaults, whatever somebody's matplotlibrc says."""
    kept = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    return mpl.rc_context({**kept, "svg.hashsalt": "avfake", "svg.fonttype": "none"})


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    # The document type names an address that nobody needs to ask.
    return re.sub(rb"<!DOCTYPE[^>]*>\s*", b"", buffer.getvalue())
