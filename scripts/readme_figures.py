"""Writes the figures of the README and its two pictures from the committed metrics.

    python scripts/readme_figures.py            # make figures
    python scripts/readme_figures.py --check    # ends with 1 if something is not as the metrics say

Nothing here computes a figure: what stands in metrics/*.json is put into words, so that the README cannot
say anything else.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
README = Path("README.md")
PICTURES = Path("docs/pictures")
START, END = "<!-- figures: make figures -->", "<!-- end of figures -->"
SPLITS = {"validation": "", "test": "_test"}
COLOURS = {"validation": "#1f6f8b", "test": "#c8553d"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Metrics:
    """The committed figures: by split those of evaluate and robustness, and the audit's."""

    evaluate: dict[str, Json]
    robustness: dict[str, Json]
    audit: Json
    audit_notes: Json


def read(root: Path) -> Metrics:
    """Reads metrics/*.json below `root`."""

    def load(name: str) -> Json:
        figures: Json = json.loads((root / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
        return figures

    return Metrics(
        {split: load(f"evaluate{end}") for split, end in SPLITS.items()},
        {split: load(f"robustness{end}") for split, end in SPLITS.items()},
        load("audit"),
        load("audit_notes"),
    )


def conditions(figures: Json) -> list[str]:
    """The conditions of a file of robustness figures, in its order, without `clean` and `worst`."""
    names = [key.removeprefix("drop_") for key in figures if key.startswith("drop_")]
    return [name for name in names if f"auc_{name}" in figures and not name.endswith(("_ci_low", "_ci_high"))]


def number(figures: Json, key: str, digits: int = 2) -> str:
    """A figure, or `none` where it is null."""
    value = figures.get(key)
    return "none" if value is None else f"{value:.{digits}f}"


def with_interval(figures: Json, key: str) -> str:
    """A figure with its interval, where both can be had."""
    low, high = figures.get(f"{key}_ci_low"), figures.get(f"{key}_ci_high")
    text = number(figures, key)
    return text if text == "none" or low is None or high is None else f"{text} ({low:.2f} to {high:.2f})"


def worst(figures: Json) -> str:
    """The worst condition, by name."""
    had = [name for name in conditions(figures) if figures[f"auc_{name}"] is not None]
    return min(had, key=lambda name: (figures[f"auc_{name}"], name), default="none")


def shortened(text: str) -> str:
    """A finding without the clips that it names and what follows them; `avfake audit` has the whole of it."""
    for mark in ("; above audit.", ": train/", ": val/", ": test/"):
        text = text.partition(mark)[0]
    return text


def block(metrics: Metrics) -> str:
    """The README's part between the marks."""
    lines = [
        START,
        "| | clips | AUC | seen in training | **never seen** | EER | worst disturbance | ECE |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for split in SPLITS:
        figures, disturbed = metrics.evaluate[split], metrics.robustness[split]
        cells = [
            split, str(figures["n"]), with_interval(figures, "auc"), with_interval(figures, "auc_seen"),
            f"**{with_interval(figures, 'auc_unseen')}**", number(figures, "eer"),
            f"{with_interval(disturbed, 'auc_worst')}, `{worst(disturbed)}`", number(figures, "ece"),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    audit = metrics.audit
    lines += [
        "",
        f"The audit: failures: {audit['failures']}, warnings: {audit['warnings']}. A model that sees only "
        "facts which should not tell (length, silence,",
        f"loudness, bit rate ...) has AUC {with_interval(audit, 'shortcut_auc_val')} on validation and "
        f"{with_interval(audit, 'shortcut_auc_test')} on the test;",
        f"with those facts made equal the detector has {with_interval(audit, 'auc_equalised_val')} and "
        f"{with_interval(audit, 'auc_equalised_test')}.",
    ]
    for kind in ("failures", "warnings"):
        lines += [f"- {kind[:-1]}: {shortened(text)}" for text in metrics.audit_notes.get(kind, [])]
    lines += [
        "",
        f"![AUC of the detector with intervals, validation and test]({PICTURES.as_posix()}/auc.svg)",
        f"![AUC after each disturbance, validation and test]({PICTURES.as_posix()}/robustness.svg)",
        END,
    ]
    return "\n".join(lines)


def replaced(text: str, part: str) -> str:
    """`text` with what stands between the marks replaced. Raises SystemExit where there are no marks."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise SystemExit(f"{README}: the marks `{START}` and `{END}` are not there")
    return before + part + after


def svg(figure: Figure) -> bytes:
    """The figure as SVG: the same bytes for the same figures."""
    from io import BytesIO

    buffer = BytesIO()
    with mpl.rc_context({"svg.hashsalt": "avfake", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
    return buffer.getvalue()


def points(axes: Axes, rows: list[tuple[str, dict[str, tuple[Json, str]]]]) -> None:
    """A line per row: for each split a point with its interval; the place of a null stays empty."""
    for position, (_, by_split) in enumerate(rows):
        for shift, (split, (figures, key)) in zip((-0.15, 0.15), by_split.items(), strict=True):
            value = figures.get(key)
            if value is None:
                continue
            low, high = figures.get(f"{key}_ci_low"), figures.get(f"{key}_ci_high")
            if low is not None and high is not None:
                axes.plot([low, high], [position + shift] * 2, color=COLOURS[split], linewidth=2, alpha=0.6)
            axes.plot([value], [position + shift], "o", color=COLOURS[split], markersize=5)
    axes.axvline(0.5, color="#777777", linewidth=1, linestyle=":")
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("AUC (0.5: as good as a coin)")
    for split, colour in COLOURS.items():
        axes.plot([], [], "o-", color=colour, label=split)
    axes.legend(loc="lower left", frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def drawn(rows: list[tuple[str, dict[str, tuple[Json, str]]]], title: str) -> bytes:
    """A picture of `points`, as SVG."""
    figure = Figure(figsize=(7, 1.2 + 0.3 * len(rows)), facecolor="white")
    axes = figure.subplots()
    points(axes, rows)
    axes.set_title(title, loc="left", fontsize=11)
    return svg(figure)


def pictures(metrics: Metrics) -> dict[str, bytes]:
    """Both pictures by file name."""
    evaluate, robustness = metrics.evaluate, metrics.robustness

    def of(source: dict[str, Json], key: str) -> dict[str, tuple[Json, str]]:
        return {split: (source[split], key) for split in SPLITS}

    def of_audit(key: str) -> dict[str, tuple[Json, str]]:
        return {"validation": (metrics.audit, f"{key}_val"), "test": (metrics.audit, f"{key}_test")}

    rows = [
        ("all forgeries", of(evaluate, "auc")),
        ("forgeries seen in training", of(evaluate, "auc_seen")),
        ("forgeries never seen", of(evaluate, "auc_unseen")),
        ("worst disturbance", of(robustness, "auc_worst")),
        ("telling facts made equal", of_audit("auc_equalised")),
        ("a model of those facts alone", of_audit("shortcut_auc")),
    ]
    names = conditions(robustness["validation"])
    disturbed = [(name.replace("_", " "), of(robustness, f"auc_{name}")) for name in ["clean", *names]]
    return {
        "auc.svg": drawn(rows, "The detector, and what a shortcut would give"),
        "robustness.svg": drawn(disturbed, "The detector on disturbed clips"),
    }


def main() -> None:
    """Writes, or checks, the README's figures and pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of README.md and metrics/")
    options = parser.parse_args()
    metrics = read(options.root)
    text = (options.root / README).read_text(encoding="utf-8")
    wanted = {README: replaced(text, block(metrics)).encode()}
    wanted |= {PICTURES / name: data for name, data in pictures(metrics).items()}
    stale = [
        path
        for path, data in wanted.items()
        if not (options.root / path).is_file() or (options.root / path).read_bytes() != data
    ]
    if options.check:
        for path in stale:
            print(f"error: {path} does not say what metrics/ says", file=sys.stderr)
        if stale:
            print("remedy: make figures", file=sys.stderr)
            raise SystemExit(1)
        return
    for path in stale:
        (options.root / path).parent.mkdir(parents=True, exist_ok=True)
        (options.root / path).write_bytes(wanted[path])
        print(f"written: {path}")


if __name__ == "__main__":
    main()
