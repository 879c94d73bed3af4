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

from avfake.bundle.figures import Figures
from avfake.bundle.pictures import SPLITS, pictures

ROOT = Path(__file__).parents[1]
README = Path("README.md")
PICTURES = Path("docs/pictures")
START, END = "<!-- figures: make figures -->", "<!-- end of figures -->"

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


def drawn(metrics: Metrics) -> dict[str, bytes]:
    """Both pictures by file name: those of the technical report."""
    by_split = {"evaluate": metrics.evaluate, "robustness": metrics.robustness}
    files = {f"{name}{end}": of[split] for name, of in by_split.items() for split, end in SPLITS.items()}
    return pictures(Figures({**files, "audit": metrics.audit}, {}), plots={})


def main() -> None:
    """Writes, or checks, the README's figures and pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; end with 1 if out of date")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of README.md and metrics/")
    options = parser.parse_args()
    metrics = read(options.root)
    text = (options.root / README).read_text(encoding="utf-8")
    wanted = {README: replaced(text, block(metrics)).encode()}
    wanted |= {PICTURES / name: data for name, data in drawn(metrics).items()}
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
