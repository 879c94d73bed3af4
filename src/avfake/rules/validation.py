"""Rule: no clip of validation or test was trained on, under its own name or any other."""

from avfake.errors import UserError
from avfake.model.clips import open_inputs, select_training
from avfake.model.packed import examples
from avfake.model.provenance import data_hash, names_hash
from avfake.model.visual import Sight
from avfake.rules.subject import CLIPS, FEATURES, LABELS, Subject
from avfake.rules.teachers import UNKNOWN_CLIPS, teachers
from avfake.rules.verdict import Case, Verdict, number, shown


def judge(subject: Subject) -> Verdict:
    """Ties data/training/clips.csv to the model, then looks for validation in it by name and by content."""
    case = Case("validation")
    _tie(case, subject)
    _tie_teachers(case, subject)
    tested = subject.tested
    named = {name for name in subject.trained if name in tested}
    copies = _copies(subject)
    made = _made_from(subject)
    _report(
        case,
        subject,
        {f"{name} ({tested[name]})" for name in named},
        "stand in the label files or folders of",
    )
    _report(case, subject, copies, "are, byte for byte, clips of")
    _report(case, subject, made, "were derived from clips of")
    if subject.limits.train_on_validation:
        case.found("rules.train_on_validation is true: clips of validation may be trained on")
    splits = ", ".join(
        f"{sum(split == name for split in tested.values())} of {name}"
        for name in sorted(set(tested.values()))
    )
    case.found(
        f"{number(len(subject.trained), 'clip')} trained on, compared by name and by SHA-256 with {splits};"
        f" validation chose the epoch ({subject.model.get('best_epoch')})"
    )
    return case.verdict()


def _tie(case: Case, subject: Subject) -> None:
    """The list of clips, the windows and the labels must be those that model.json was written about."""
    said, found = subject.model.get("clips_sha256"), names_hash(subject.trained)
    if said is None:
        case.fault(
            "model.json does not say which clips it was trained on (clips_sha256): run `dvc repro train`"
        )
    elif said != found:
        case.fault(f"{CLIPS} is not the list that the model was trained on: {found[:12]}, not {_short(said)}")
    else:
        case.found(
            f"{CLIPS} is the list that model.json was written about (SHA-256 of the names {found[:12]})"
        )
    try:
        features, labels = open_inputs(FEATURES, LABELS)
        modality = Sight.modality_of(subject.model)
        train, val = select_training(features.index, labels, examples(features, modality))
    except UserError as error:
        case.fault(error.message)
        return
    said, found = (
        subject.model.get("data_sha256"),
        data_hash(FEATURES, features, {"train": train, "val": val}, modality),
    )
    if said != found:
        case.fault(
            f"{FEATURES} and {LABELS} are not what the model was trained on: {found[:12]}, not {_short(said)}"
        )
    else:
        case.found(f"windows and labels in {FEATURES} and {LABELS} are those of model.json ({found[:12]})")
    if set(train.names) != set(subject.trained):
        odd = set(train.names) ^ set(subject.trained)
        case.fault(f"{CLIPS} and {LABELS} name other clips of training: {shown(odd)}")


def _tie_teachers(case: Case, subject: Subject) -> None:
    """A teacher read the very clips, windows and labels that are judged here."""
    for teacher in teachers(subject.model):
        if teacher.same_data(subject.model):
            case.found(f"the teacher {teacher.short} was trained on the same clips, windows and labels")
        elif subject.limits.train_on_validation:
            case.found(f"the teacher {teacher.short} was trained on other clips, which is allowed")
        else:
            case.fault(f"the teacher {teacher.short} {UNKNOWN_CLIPS}")


def _copies(subject: Subject) -> set[str]:
    """Training clips whose bytes are those of a clip of another split."""
    originals = {
        digest: f"{name} ({split})" for (split, name), digest in subject.hashes.items() if split != "train"
    }
    table = subject.clips[(subject.clips["split"] != "train") & subject.clips["clip_sha256"].notna()]
    for split, name, digest in zip(table["split"], table["video_name"], table["clip_sha256"], strict=True):
        originals.setdefault(digest, f"{name} ({split})")
    found = set()
    for name in subject.trained:
        for digest in (subject.read_as(name), subject.hashes.get(("train", name))):
            if digest in originals:
                found.add(f"{name} = {originals[digest]}")
    return found


def _made_from(subject: Subject) -> set[str]:
    """Derived clips trained on whose source or partner is a clip of another split."""
    digests = {digest for (split, _), digest in subject.hashes.items() if split != "train"}
    trained, tested = set(subject.trained), subject.tested
    found = set()
    for row in subject.manifest:
        for kind in ("source", "partner"):
            name, digest = row[f"{kind}_name"], row[f"{kind}_sha256"]
            if row["derived_name"] in trained and (name in tested or digest in digests):
                found.add(f"{row['derived_name']} from {name}")
    return found


def _report(case: Case, subject: Subject, found: set[str], what: str) -> None:
    if not found:
        return
    text = f"{number(len(found), 'training clip')} {what} validation or test: {shown(found)}"
    if subject.limits.train_on_validation:
        case.found(text)
    else:
        case.fault(text)


def _short(value: object) -> str:
    return str(value)[:12] if value else "(not said)"
