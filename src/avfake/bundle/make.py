"""Makes the bundle: reads commit and outputs, writes the documents, packs, and checks what it packed."""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from avfake.bundle import archive, contents, declared, pages, refuse
from avfake.bundle.archive import SUMS, Entry
from avfake.bundle.commit import EXECUTABLE, Commit, changed_files, read_commit
from avfake.bundle.contents import Outputs
from avfake.bundle.facts import Facts, context
from avfake.bundle.figures import Figures
from avfake.bundle.pictures import pictures
from avfake.bundle.rules import judged
from avfake.errors import RunError
from avfake.files import atomic_file, sha256_file
from avfake.gate.git import open_repository
from avfake.gate.revision import Revision, read_revision

FORMAT = 1
_PROJECT = "project"
_PACKAGE = "avfake.bundle"
# The one fault that the check of a bundle beside uncommitted changes is meant to find.
_MEANT = "not reproducible"


@dataclass(frozen=True)
class Bundle:
    """A bundle that was written.

    Attributes:
        path: of the archive.
        sha256: of the archive.
        sums_sha256: of SHA256SUMS inside, which check.py prints.
        commit: whose hand-in it is.
        uncommitted: files that differed from it.
        n_files: in the archive.
        n_bytes: of the archive.
    """

    path: Path
    sha256: str
    sums_sha256: str
    commit: str
    uncommitted: tuple[str, ...]
    n_files: int
    n_bytes: int


def make(root: Path, out: Path | None, allow_dirty: bool) -> Bundle:
    """Writes the hand-in of the checked-out commit; `out` is `avfake-<commit>.tar.gz` if not given.

    Raises:
        UserError: `root` is no repository's root, or not in a state that can be handed in.
        RunError: what was packed does not pass its own check; nothing is left behind.
    """
    repository = open_repository(root)
    commit, changed = read_commit(repository), changed_files(repository)
    if not allow_dirty:
        refuse.uncommitted(changed)
        refuse.other_program(commit)
    refuse.no_model(root)
    with tempfile.TemporaryDirectory() as scratch:
        head = read_revision(repository, commit.name, Path(scratch) / "tree")
    refuse.missing_metrics(commit, head.lock)
    refuse.stale(repository)
    found = contents.outputs(root, head.lock)
    entries = _entries(root, commit, tuple(changed), head, found)
    out = out or Path(f"avfake-{commit.short}.tar.gz")
    return _written(out, entries, commit, tuple(changed))


def _entries(
    root: Path, commit: Commit, changed: tuple[str, ...], head: Revision, found: Outputs
) -> dict[str, Entry]:
    """Every file of the bundle but SHA256SUMS."""
    labels = declared.labels_of(root, found.labels)
    recipes = head.section("augment").get("recipes") or []
    tools = declared.tools(commit.text("requirements.lock"), recipes)
    rules = judged(root)
    facts = Facts(
        commit, changed, head, labels, _model(root), _sizes(root, found), tools, _texts(found), rules
    )
    listings = {name: f"listings/{name.replace('/', '-')}.json" for name in found.listings}
    about = {
        "format": FORMAT,
        "commit": commit.name,
        "reproducible": not changed,
        "uncommitted": list(changed),
        "tracked": commit.modes,
        "whole": _whole(commit, head, found),
        "part": listings,
        "labels": f"{_PROJECT}/{found.labels}/clips.parquet",
    }
    documents = {
        "bundle.json": _json(about),
        "commit.txt": commit.content,
        "labels.csv": declared.labels_csv(labels),
        "rules.json": _json(rules),
        "tools.json": _json(tools),
        **{listings[name]: content for name, content in found.listings.items()},
        **_documents(facts, found),
        **_check(),
    }
    return {
        **{name: Entry(content) for name, content in documents.items()},
        **{f"{_PROJECT}/{path}": entry for path, entry in found.files.items()},
        **{
            f"{_PROJECT}/{path}": Entry(content, commit.modes[path] == EXECUTABLE)
            for path, content in commit.files.items()
        },
    }


def _documents(facts: Facts, found: Outputs) -> dict[str, bytes]:
    """Report, model card, list of tools, read-me, and the report's pictures."""
    tables = {
        path.removeprefix("plots/").removesuffix(".csv"): text
        for path, text in facts.texts.items()
        if path.startswith("plots/")
    }
    drawn = pictures(Figures(facts.head.metrics, facts.head.notes), tables)
    names = {
        **context(facts),
        "pictures": sorted(drawn),
        "whole": found.whole,
        "part": sorted(found.listings),
        "licence": _licence(facts.commit),
    }
    report = pages.markdown("report.md.j2", names)
    texts = {
        "REPORT.md": report,
        "REPORT.html": pages.html(report, drawn),
        "MODEL_CARD.md": pages.markdown("model_card.md.j2", names),
        "README.md": pages.markdown("readme.md.j2", names),
        "tools.md": pages.markdown("tools.md.j2", names),
    }
    return {name: text.encode() for name, text in texts.items()} | {
        f"{pages.PICTURES}/{name}": content for name, content in drawn.items()
    }


def _written(out: Path, entries: dict[str, Entry], commit: Commit, changed: tuple[str, ...]) -> Bundle:
    sums = archive.sums(entries)
    packed = {**entries, SUMS: Entry(sums)}
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "made"
        with made.open("wb") as file:
            archive.write(file, f"avfake-{commit.short}", packed, commit.seconds)
        _prove(made, Path(scratch) / "unpacked", meant=bool(changed))
        with made.open("rb") as whole, atomic_file(out) as place:
            shutil.copyfileobj(whole, place)
    return Bundle(
        out,
        sha256_file(out),
        hashlib.sha256(sums).hexdigest(),
        commit.name,
        changed,
        len(packed),
        out.stat().st_size,
    )


def _prove(path: Path, unpacked: Path, meant: bool) -> None:
    """Unpacks the archive and runs its own check. Raises RunError with what that finds."""
    with tarfile.open(path) as tar:
        tar.extractall(unpacked, filter="data")
    (folder,) = unpacked.iterdir()
    command = [sys.executable, "-I", str(folder / "check.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if meant:
        faults = [line for line in faults if _MEANT not in line]
    if faults or done.stderr:
        raise RunError(
            "the bundle does not agree with itself, so it was not written:\n"
            + "\n".join(faults or done.stderr.splitlines()[-1:]),
            "code that a stage ran with is not committed, or an output was changed: look at `git status "
            "--ignored` and `dvc status`, then `dvc repro` and commit",
        )


def _whole(commit: Commit, head: Revision, found: Outputs) -> list[str]:
    """What dvc.lock recorded and the bundle holds all of: code, outputs, and figures that Git keeps."""
    data_root = str(head.section("data").get("root"))
    kept = [path for path in head.lock.outs if path in commit.modes]
    return sorted({*found.whole, *contents.recorded_code(head.lock, commit.modes, data_root), *kept})


def _model(root: Path) -> dict[str, Any]:
    path = root / contents.MODELS / "model.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"{path}: not valid JSON: {error}", "`dvc checkout train`") from None
    return found


def _sizes(root: Path, found: Outputs) -> dict[str, tuple[int, str]]:
    paths = [path for path in sorted(found.files) if path.startswith(f"{contents.MODELS}/")]
    return {path: (found.files[path].size, sha256_file(root / path)) for path in paths}


def _texts(found: Outputs) -> Mapping[str, str]:
    """The tables among the outputs, as text."""
    wanted = [
        path for path in found.files if path.endswith((".csv", ".json")) and not path.startswith("models/")
    ]
    texts = {}
    for path in wanted:
        with found.files[path].open() as file:
            texts[path] = file.read().decode("utf-8", errors="replace")
    return texts


def _licence(commit: Commit) -> str:
    first = next((line for line in commit.text("LICENSE").splitlines() if line.strip()), "")
    return f"{first.strip()} (project/LICENSE)" if first else "none: the commit has no file LICENSE"


def _check() -> dict[str, bytes]:
    """check.py and what it is made of."""
    package = files(_PACKAGE)
    found = {"check.py": package.joinpath("check.py").read_bytes()}
    for item in package.joinpath("checks").iterdir():
        if item.name.endswith(".py") and item.name != "__init__.py":
            found[f"checks/{item.name}"] = item.read_bytes()
    return found


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True, allow_nan=False) + "\n").encode()
