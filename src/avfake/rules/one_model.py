"""Rule: `score` uses a single file of weights, and it is the one that model.json is about."""

from pathlib import Path

from avfake.files import sha256_file
from avfake.model.saved import FACTS, WEIGHTS
from avfake.rules.subject import Subject
from avfake.rules.trial import Trial
from avfake.rules.verdict import Case, Verdict, number, shown
from avfake.rules.watch import WEIGHT_SUFFIXES

# Beside the two files of a model: what people read, and what DVC writes.
_HARMLESS_SUFFIXES = frozenset((".md", ".txt", ".html"))
_HARMLESS = frozenset((FACTS, ".gitignore"))


def judge(subject: Subject, trial: Trial) -> Verdict:
    """Looks at the folder, the checksum, and the files that loading and scoring opened."""
    case = Case("one_model")
    folder = subject.folder
    others = [path for path in _files(folder) if path != subject.weights and not _harmless(path)]
    used = {path.resolve() for path in trial.opened}
    weights = {
        path for path in used if path.suffix in WEIGHT_SUFFIXES or path.is_relative_to(folder.resolve())
    }
    foreign = {
        path for path in weights if path not in (subject.weights.resolve(), (folder / FACTS).resolve())
    }
    if others and subject.limits.one_model:
        case.fault(f"{folder} holds more than {WEIGHTS} and {FACTS}: {shown(map(str, others))}")
    if foreign and subject.limits.one_model:
        case.fault(f"`score` opened other weights: {shown(map(str, foreign))}")

    found, recorded = sha256_file(subject.weights), subject.model["sha256"]
    size = subject.weights.stat().st_size / 1e6
    if found != recorded:
        case.fault(f"SHA-256 of {subject.weights} is {found}, {FACTS} says {recorded}")
    if trial.error:
        case.fault(f"`score` does not work: {trial.error}")
    elif subject.weights.resolve() not in weights:
        case.fault(f"`score` did not open {subject.weights}")

    count = number(1 + sum(path.suffix in WEIGHT_SUFFIXES for path in others), "file")
    case.found(f"{folder} holds {count} of weights: {WEIGHTS}, {size:.1f} MB, SHA-256 {found}")
    if not trial.error:
        names = sorted({path.name for path in weights})
        case.found(
            f"loading and scoring opened {', '.join(names)}" + ("" if foreign else ", and no other weights")
        )
    if not subject.limits.one_model:
        case.found("rules.one_model is false: several files are allowed")
    return case.verdict()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _harmless(path: Path) -> bool:
    return path.name in _HARMLESS or path.suffix in _HARMLESS_SUFFIXES
