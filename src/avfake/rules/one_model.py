"""Rule: `score` uses one model from a single file of weights, and it is the one that model.json is about.

An ensemble in one file is several models. A model that was taught by an ensemble is one: its score needs
nothing of the teacher.
"""

import re
from pathlib import Path

from avfake.decision.saved import DECISION
from avfake.files import sha256_file
from avfake.model.saved import FACTS, WEIGHTS, n_members
from avfake.rules.subject import Subject
from avfake.rules.teachers import teachers
from avfake.rules.trial import Trial
from avfake.rules.verdict import Case, Verdict, number, shown
from avfake.rules.watch import WEIGHT_SUFFIXES

# Beside the two files of a model: what scores mean, what people read, and what DVC writes.
_HARMLESS_SUFFIXES = frozenset((".md", ".txt", ".html"))
_HARMLESS = frozenset((FACTS, DECISION, ".gitignore"))
_MEMBER = re.compile(r"members\.(\d+)\.")


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
        path
        for path in weights
        if path not in {(folder / name).resolve() for name in (subject.weights.name, FACTS, DECISION)}
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
    _count_members(case, subject)
    if not subject.limits.one_model:
        case.found("rules.one_model is false: several files and ensembles are allowed")
    return case.verdict()


def _count_members(case: Case, subject: Subject) -> None:
    """How many detectors the file holds, by its own table of tensors and by model.json."""
    inside = _members(subject.weights)
    said = n_members(subject.model)
    if inside != said:
        case.fault(f"{FACTS} speaks of {number(said, 'detector')}, {WEIGHTS} holds {inside}")
    members = max(inside, said)
    if members > 1 and subject.limits.one_model:
        case.fault(
            f"train.ensemble: the score is the mean of {members} detectors, rules.one_model allows one;"
            " train.distil makes one of them"
        )
    elif members > 1:
        case.found(f"an ensemble: the score is the mean of {members} detectors")
    for teacher in teachers(subject.model):
        case.found(
            f"taught by {number(teacher.members, 'detector')} (SHA-256 {teacher.sha256}), of which the score"
            f" needs nothing: {number(members, 'detector')}"
        )


def _members(weights: Path) -> int:
    """Detectors in a file of weights; one, where it cannot be read: other rules say so."""
    import safetensors

    try:
        with safetensors.safe_open(weights, framework="pt") as file:
            found = {match[1] for key in file.keys() if (match := _MEMBER.match(key))}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError):
        return 1
    return max(1, len(found))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _harmless(path: Path) -> bool:
    return path.name in _HARMLESS or path.suffix in _HARMLESS_SUFFIXES
