"""What the audit writes: flat figures, and lists of sentences that name what is wrong or missing."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from avfake.audit.correlate import CLASSES, Correlation, within_chance
from avfake.audit.equalise import Equalised
from avfake.audit.facts import NAMES
from avfake.audit.leaks import KINDS, Leaks
from avfake.audit.shortcuts import ALL, SPLITS, Shortcuts
from avfake.audit.verdict import Finding, of_correlations, of_drop, of_leaks, of_shortcuts
from avfake.evaluation.metrics import Interval, NoFigure
from avfake.params import AuditParams

DECIMALS = 6

Figure = float | int | None


@dataclass(frozen=True)
class Audit:
    """Everything that the stage measured.

    Attributes:
        table: the facts. unreadable: labelled clips per split that could not be opened.
        shortcuts, correlations, equalised, leaks: as their modules return them.
    """

    table: pd.DataFrame
    unreadable: Mapping[str, int]
    shortcuts: Shortcuts
    correlations: Mapping[tuple[str, str], Correlation | NoFigure]
    equalised: Mapping[str, Equalised | NoFigure]
    leaks: Leaks


@dataclass(frozen=True)
class Report:
    """`figures`: the keys of metrics/audit.json. `notes`: lists of sentences, for audit_notes.json."""

    figures: dict[str, Figure]
    notes: dict[str, list[str]]


def report(audit: Audit, params: AuditParams) -> Report:
    """Figures and notes; a figure that cannot be had is None and its note `audit.<key>` says why."""
    findings: list[Finding] = [
        *of_shortcuts(audit.shortcuts, audit.table, params),
        *of_correlations(list(audit.correlations.values()), params),
        *of_drop(audit.equalised),
        *of_leaks(audit.leaks, params),
    ]
    builder = _Builder()
    failures = [finding.text for finding in findings if finding.level == "fail"]
    warnings = [finding.text for finding in findings if finding.level == "warn"]
    builder.notes = {"failures": failures, "warnings": warnings}
    builder.figures = {"failures": len(failures), "warnings": len(warnings)}
    _clips(builder, audit)
    _shortcuts(builder, audit.shortcuts)
    _correlations(builder, audit, params)
    for split, equalised in audit.equalised.items():
        _equalised(builder, split, equalised)
    _leaks(builder, audit.leaks)
    return Report(builder.figures, builder.notes)


class _Builder:
    """Collects figures and notes; a `NoFigure` becomes None and its reason a note."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.notes: dict[str, list[str]] = {}

    def add(self, key: str, value: float | NoFigure) -> None:
        """A figure, or the reason why there is none."""
        if isinstance(value, NoFigure):
            self.figures[key] = None
            self.note(key, value.reason)
        else:
            self.figures[key] = round(value, DECIMALS)

    def interval(self, key: str, interval: Interval | NoFigure) -> None:
        """Both ends of the interval of the figure `key`."""
        for end in ("low", "high"):
            value = interval if isinstance(interval, NoFigure) else getattr(interval, end)
            self.add(f"{key}_ci_{end}", value)
            if isinstance(interval, Interval):
                self.note(f"{key}_ci_{end}", interval.how)

    def note(self, key: str, text: str) -> None:
        """A remark on a figure."""
        self.notes.setdefault(f"audit.{key}", []).append(text)


def _clips(builder: _Builder, audit: Audit) -> None:
    for split in SPLITS:
        builder.figures[f"n_{split}"] = int((audit.table["split"] == split).sum())
    builder.figures["n_unreadable"] = sum(audit.unreadable.values())
    if audit.unreadable:
        where = ", ".join(f"{n} of {split}" for split, n in sorted(audit.unreadable.items()))
        builder.note("n_unreadable", f"labelled clips that could not be opened are left out: {where}")


def _shortcuts(builder: _Builder, shortcuts: Shortcuts) -> None:
    for split in SPLITS:
        key = "shortcut_auc_train_cv" if split == "train" else f"shortcut_auc_{split}"
        made = shortcuts.auc[ALL, split]
        builder.add(key, made if isinstance(made, NoFigure) else made.value)
        builder.interval(key, made if isinstance(made, NoFigure) else made.interval)
        if split == "train" and shortcuts.folds:
            builder.note(key, shortcuts.folds)
    for name in NAMES:
        for split in ("val", "test"):
            made = shortcuts.auc[name, split]
            key = f"fact_{name}_auc_{split}"
            builder.add(key, made if isinstance(made, NoFigure) else made.value)
            if not isinstance(made, NoFigure) and not made.varies:
                builder.note(key, "the same for every clip of training: it tells nothing")


def _correlations(builder: _Builder, audit: Audit, params: AuditParams) -> None:
    for name in NAMES:
        for kind in CLASSES.values():
            made = audit.correlations[name, kind]
            builder.add(f"corr_{name}_{kind}", made if isinstance(made, NoFigure) else made.rho)
    if remarks := within_chance(dict(audit.correlations), params):
        builder.notes["correlations"] = remarks


def _equalised(builder: _Builder, split: str, made: Equalised | NoFigure) -> None:
    auc, drop, n = f"auc_equalised_{split}", f"drop_equalised_{split}", f"n_equalised_{split}"
    if isinstance(made, NoFigure):
        builder.figures[n] = 0
        for key in (auc, drop):
            builder.add(key, made)
            builder.interval(key, made)
        return
    builder.figures[n] = made.n
    builder.add(auc, made.auc)
    builder.interval(auc, made.interval)
    builder.note(auc, f"{made.target}; the same {made.n} clips as they are: AUC {made.clean:.4f}")
    builder.add(drop, made.drop)
    builder.interval(drop, made.drop_interval)


def _leaks(builder: _Builder, leaks: Leaks) -> None:
    """Pairs per kind, and the clips outside training that are in one."""
    for kind in KINDS:
        for key, count in ((f"leak_{kind}", leaks.counts[kind]), (f"leak_{kind}_clips", leaks.clips[kind])):
            builder.figures[key] = count
            if count is None:
                builder.note(key, leaks.reasons[kind])
    builder.figures["leak_source"] = len(leaks.sources)
    if leaks.notes:
        builder.notes["leaks"] = list(leaks.notes)
