"""The audit as people read it, from the figures and notes that the stage wrote."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from avfake.audit.facts import NAMES

Figures = Mapping[str, float | int | None]
Notes = Mapping[str, Sequence[str]]
_MOST = 5
_LEAKS = {
    "leak_same_file": "same file",
    "leak_sound": "same sound",
    "leak_picture": "same picture",
    "leak_derived": "derived",
    "leak_source": "sources",
}


def as_text(figures: Figures, notes: Notes) -> str:
    """Verdict, failures, warnings, then the figures behind them; keys that are missing count as null."""
    lines = [
        *_verdict(figures, notes),
        "",
        *_shortcuts(figures),
        "",
        *_strongest(figures),
        "",
        *_leaks(figures),
    ]
    reasons = list(_reasons(notes, figures))
    if reasons:
        lines += ["", "Not to be had:", *reasons]
    return "\n".join(lines)


def _verdict(figures: Figures, notes: Notes) -> Iterator[str]:
    failures, warnings = (int(figures.get(key) or 0) for key in ("failures", "warnings"))
    verdict = "fails" if failures else "passes with warnings" if warnings else "passes"
    yield f"The audit {verdict}: {_count(failures, 'failure')}, {_count(warnings, 'warning')}."
    for key, title in (("failures", "Failures:"), ("warnings", "Warnings:")):
        if notes.get(key):
            yield ""
            yield title
            yield from (f"  - {text}" for text in notes[key])


def _shortcuts(figures: Figures) -> Iterator[str]:
    yield "AUC of a model that sees only facts which should not tell (0.5: they do not)"
    for key, name in (("train_cv", "training, cross-validated"), ("val", "validation"), ("test", "test")):
        yield f"  {name:<28}{_with_interval(figures, f'shortcut_auc_{key}')}"
    yield "AUC of the detector with silence, bandwidth, length and level made equal"
    for key, name in (("val", "validation"), ("test", "test")):
        shown = _with_interval(figures, f"auc_equalised_{key}")
        drop = _with_interval(figures, f"drop_equalised_{key}")
        yield f"  {name:<28}{shown}, drop {drop}"


def _strongest(figures: Figures) -> Iterator[str]:
    for key, name in (("val", "validation"), ("test", "test")):
        alone = {fact: figures.get(f"fact_{fact}_auc_{key}") for fact in NAMES}
        alone = {fact: value for fact, value in alone.items() if value != 0.5}  # most are the same everywhere
        yield f"Facts that tell most, each alone, {name}: {_largest(alone)}"
    for kind in ("real", "fake"):
        followed = {fact: figures.get(f"corr_{fact}_{kind}") for fact in NAMES}
        yield f"Facts that the score follows most among {kind} clips, validation: {_largest(followed)}"


def _largest(values: Mapping[str, float | None]) -> str:
    known = sorted(
        ((abs(value), fact, value) for fact, value in values.items() if value is not None), reverse=True
    )
    return ", ".join(f"{fact} {value:.2f}" for _, fact, value in known[:_MOST]) or "none"


def _leaks(figures: Figures) -> Iterator[str]:
    shown = ", ".join(f"{name} {_number(figures.get(key), 'd')}" for key, name in _LEAKS.items())
    yield f"In two splits: {shown}"


def _reasons(notes: Notes, figures: Figures) -> Iterator[str]:
    """Why figures are null, each reason once with the figures that it holds for."""
    keys: dict[str, list[str]] = defaultdict(list)
    for key, texts in notes.items():
        figure = key.removeprefix("audit.")
        if figure != key and figures.get(figure) is None:
            keys["; ".join(texts)].append(figure)
    for reason, names in keys.items():
        first = ", ".join(names[:_MOST])
        more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
        yield f"  - {first}{more}: {reason}"


def _with_interval(figures: Figures, key: str) -> str:
    value, low, high = (figures.get(f"{key}{end}") for end in ("", "_ci_low", "_ci_high"))
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else "")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _count(n: int, word: str) -> str:
    return f"{n} {word}{'' if n == 1 else 's'}"
