"""When the audit warns and when it fails, and the sentence that it says then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from avfake.audit.correlate import Correlation
from avfake.audit.equalise import Equalised
from avfake.audit.facts import FACTS
from avfake.audit.leaks import Leaks
from avfake.audit.shortcuts import ALL, Auc, Shortcuts
from avfake.evaluation.metrics import Interval, NoFigure
from avfake.params import AuditParams

Level = Literal["warn", "fail"]
SPLIT_NAMES = {"train": "training (cross-validated)", "val": "validation", "test": "test"}
LEAK_NAMES = {
    "same_file": "are the same file",
    "sound": "have nearly the same sound",
    "picture": "have nearly the same picture",
    "derived": "are made from one another",
}
# Faces of two people can be near, and a set made from few photographs matches everywhere: a hint, no proof.
HINTS = frozenset({"picture"})
_LONGEST_VALUE = 40
_FIRST = 3
_KINDS = 2


@dataclass(frozen=True)
class Finding:
    """A sentence of the audit: how bad, about what (a fact, `all`, or a kind of leak), and in words."""

    level: Level
    subject: str
    text: str


def level_of(auc: Auc, split: str, tests: int, params: AuditParams) -> Level | None:
    """How bad an AUC of facts on a split is.

    It must be above the limit, its whole interval above one half (where there is an interval), and too
    large for chance among `tests` of its kind (Bonferroni, half of the error for either kind: all facts
    together, one fact alone): with twenty facts and few clips, one or the other exceeds the limit in the
    cleanest data. Train alone never fails: no figure of the detector is made
    on it.
    """
    by_chance = auc.p >= (1 - params.confidence) / (_KINDS * tests)
    if by_chance or (isinstance(auc.interval, Interval) and auc.interval.low <= 0.5):
        return None
    if auc.value > params.fail_auc and split != "train":
        return "fail"
    return "warn" if auc.value > params.warn_auc else None


def of_shortcuts(shortcuts: Shortcuts, table: pd.DataFrame, params: AuditParams) -> list[Finding]:
    """What the AUCs of the facts say, all facts together first and then by how much a fact tells.

    Args:
        shortcuts: as measured.
        table: the facts that they were measured on, for the values that the sentences name.
        params: the section `audit`.
    """
    made: list[tuple[tuple[bool, float, str], Finding]] = []
    by_subject: dict[str, dict[str, Auc]] = {}
    for (subject, split), auc in shortcuts.auc.items():
        if isinstance(auc, Auc) and auc.varies:
            by_subject.setdefault(subject, {})[split] = auc
    n_alone = sum(len(found) for subject, found in by_subject.items() if subject != ALL)
    for subject, found in by_subject.items():
        tests = len(found) if subject == ALL else n_alone
        levels = {split: level_of(auc, split, tests, params) for split, auc in found.items()}
        bad = {split: auc for split, auc in found.items() if levels[split]}
        if not bad:
            continue
        level: Level = "fail" if "fail" in levels.values() else "warn"
        worst = max(bad, key=lambda split: bad[split].value)
        shown = "; ".join(f"{_auc(auc)} on {SPLIT_NAMES[split]}" for split, auc in bad.items())
        limit = f"above audit.{level}_auc {getattr(params, f'{level}_auc'):g}"
        if subject == ALL:
            carriers = ", ".join(f"`{name}`" for name in shortcuts.carriers.get(worst, []))
            text = f"facts that should not tell tell real from fake: AUC {shown}; {limit}"
            text += f"; carried by {carriers}" if carriers else ""
        else:
            values = _values(table[table["split"] == worst], subject, SPLIT_NAMES[worst])
            text = f"`{subject}` alone tells real from fake: AUC {shown}; {limit}; {values}"
        made.append(((subject != ALL, -bad[worst].value, subject), Finding(level, subject, text)))
    return [finding for _, finding in sorted(made, key=lambda item: item[0])]


def of_correlations(correlations: Sequence[Correlation | NoFigure], params: AuditParams) -> list[Finding]:
    """Facts that the detector's score follows inside a class, more than chance among so many explains."""
    measured = [item for item in correlations if isinstance(item, Correlation)]
    found = [
        item
        for item in measured
        if abs(item.rho) > params.warn_correlation and item.p < (1 - params.confidence) / len(measured)
    ]
    found.sort(key=lambda item: (-abs(item.rho), item.fact, item.kind))
    return [
        Finding(
            "warn",
            item.fact,
            f"the detector's score follows `{item.fact}` among the {item.kind} clips of validation: rank "
            f"correlation {item.rho:.2f} over {item.n} clips; above audit.warn_correlation "
            f"{params.warn_correlation:g}"
            + ("" if item.within is None else f"; inside single sources {item.within:.2f}"),
        )
        for item in found
    ]


def of_drop(equalised: Mapping[str, Equalised | NoFigure]) -> list[Finding]:
    """Splits on which the detector is surely worse once the facts are equal."""
    found = []
    for split, made in equalised.items():
        if (
            isinstance(made, NoFigure)
            or isinstance(made.drop_interval, NoFigure)
            or made.drop_interval.low <= 0
        ):
            continue
        found.append(
            Finding(
                "warn",
                "equalised",
                f"the detector's AUC on {made.n} clips of {SPLIT_NAMES[split]} falls from {made.clean:.3f} "
                f"to {made.auc:.3f} once silence, bandwidth, length and level are equal (drop "
                f"{made.drop:.3f}, {made.drop_interval.low:.3f} to {made.drop_interval.high:.3f})",
            )
        )
    return found


def of_leaks(leaks: Leaks, params: AuditParams) -> list[Finding]:
    """What is in two splits, unless `audit.leaks` says that it does not matter; the first few by name.

    Like pictures warn at most.
    """
    if params.leaks == "ignore":
        return []
    found = []
    for kind, text in LEAK_NAMES.items():
        count = leaks.counts[kind]
        if not count:
            continue
        pairs = leaks.pairs[leaks.pairs["kind"] == kind].head(_FIRST)
        named = [
            f"{row.split_a}/{row.video_name_a} and {row.split_b}/{row.video_name_b}"
            for row in pairs.itertuples()
        ]
        what = "pair of clips in two splits" if count == 1 else "pairs of clips in two splits"
        concerned = f"{leaks.clips[kind]} clips outside training concerned"
        level: Level = "warn" if kind in HINTS else params.leaks
        found.append(Finding(level, kind, f"{count} {what} {text} ({concerned}): {_listed(named, count)}"))
    if leaks.sources:
        named = [f"`{name}` ({', '.join(splits)})" for name, splits in sorted(leaks.sources.items())[:_FIRST]]
        what = "source is" if len(leaks.sources) == 1 else "sources are"
        listed = _listed(named, len(leaks.sources))
        found.append(
            Finding(params.leaks, "source", f"{len(leaks.sources)} {what} in more than one split: {listed}")
        )
    return found


def _listed(named: Sequence[str], n: int) -> str:
    more = f"; and {n - len(named)} more" if n > len(named) else ""
    return "; ".join(named) + more


def _auc(auc: Auc) -> str:
    if isinstance(auc.interval, NoFigure):
        return f"{auc.value:.3f} (no interval: {auc.interval.reason})"
    return f"{auc.value:.3f} ({auc.interval.low:.3f} to {auc.interval.high:.3f})"


def _values(table: pd.DataFrame, name: str, split: str) -> str:
    """What the fact is among the real and among the fake clips."""
    is_category = next(fact.category for fact in FACTS if fact.name == name)
    shown = []
    for target, kind in ((0, "real"), (1, "fake")):
        column = table.loc[table["target"] == target, name]
        if column.isna().mean() > 0.5:
            value = "none"
        elif is_category:
            value = f"`{column.mode().iloc[0][:_LONGEST_VALUE]}`"
        else:
            value = f"{column.median():.6g}"
        shown.append(f"{kind} {value}")
    return f"{'commonest' if is_category else 'median'} in {split}: {', '.join(shown)}"
