"""Rule: every training clip is in the label file or derived from such; and the files are still the same."""

from avfake.files import sha256_file
from avfake.rules.subject import AUGMENTED, FACTS, LABELS, Subject
from avfake.rules.teachers import UNKNOWN_CLIPS, teachers
from avfake.rules.verdict import Case, Verdict, number, shown


def judge(subject: Subject) -> Verdict:
    """Compares the clips trained on with the label file, their labels, and the files' hashes."""
    case = Case("external_data")
    train = subject.root.splits["train"]
    targets = {clip.video_name: clip.target for clip in train.clips if clip.target is not None}
    derived = {row["derived_name"]: row["label_after"] for row in subject.manifest}
    known = targets | derived
    strange = {name for name in subject.trained if name not in known}
    if subject.manifest_fault:
        case.fault(subject.manifest_fault)
    if strange:
        count = number(len(strange), "training clip")
        text = f"{count} in neither {train.label_file} nor the manifest: {shown(strange)}"
        if subject.limits.external_data:
            case.found(f"{text}; rules.external_data allows it")
        else:
            case.fault(text)
    for teacher in teachers(subject.model):
        if not teacher.same_data(subject.model):
            text = f"the teacher {teacher.short} {UNKNOWN_CLIPS}"
            (case.found if subject.limits.external_data else case.fault)(text)
    _compare_labels(case, subject, known)
    _compare_files(case, subject)
    n_derived = sum(name in derived and name not in targets for name in subject.trained)
    label_sha256 = sha256_file(train.label_file) if train.label_file else None
    case.found(
        f"{number(len(subject.trained) - n_derived - len(strange), 'training clip')} in {train.label_file}"
        f" (SHA-256 {label_sha256}), {n_derived} in the manifest of {AUGMENTED}"
    )
    return case.verdict()


def _compare_labels(case: Case, subject: Subject, known: dict[str, int]) -> None:
    """What a clip was trained as is what its label says."""
    table, trained = subject.labels[subject.labels["split"] == "train"], set(subject.trained)
    other = {
        name
        for name, target in zip(table["video_name"], table["target"], strict=True)
        if name in trained and name in known and target != known[name]
    }
    if other:
        case.fault(
            f"{number(len(other), 'clip')} trained on with another label than the label file's or manifest's"
            f" ({LABELS}): {shown(other)}"
        )


def _compare_files(case: Case, subject: Subject) -> None:
    """The clips are still those that were read: data/facts holds their hashes."""
    read = subject.clips[subject.clips["clip_sha256"].notna()]
    keys = list(zip(read["split"], read["video_name"], strict=True))
    gone = {f"{split}/{name}" for split, name in keys if (split, name) not in subject.hashes}
    changed = {
        f"{key[0]}/{key[1]}"
        for key, digest in zip(keys, read["clip_sha256"], strict=True)
        if subject.hashes.get(key, digest) != digest
    }
    unread = {name for name in subject.trained if subject.read_as(name) is None}
    recorded = {("train", row["derived_name"]): row["derived_sha256"] for row in subject.manifest}
    forged = {
        f"{key[0]}/{key[1]}" for key, digest in recorded.items() if subject.hashes.get(key, digest) != digest
    }
    for names, what in (
        (gone, "that {facts} knows are no longer there"),
        (changed, "changed since they were read ({facts})"),
        (unread, "were trained on and are unknown to {facts}"),
        (forged, "are not what the manifest says"),
    ):
        if names:
            case.fault(f"{number(len(names), 'clip')} {what.format(facts=FACTS)}: {shown(names)}")
    n_same = len(keys) - len(gone) - len(changed)
    case.found(f"{n_same} of {len(keys)} files of all splits have the SHA-256 that {FACTS} recorded")
