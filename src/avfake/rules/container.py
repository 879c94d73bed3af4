"""Rule: the container builds what the repository says - its packages, its code, its parameters, its model."""

import json
import re
import tomllib
from pathlib import Path

from avfake.model.saved import FACTS, WEIGHTS
from avfake.rules.dockerfile import Ignored, Instruction, commands, copied, files_below, parse
from avfake.rules.lock import DVC_LOCK, file_md5, locked_md5, normal, pinned, without_hash
from avfake.rules.subject import MODELS, Subject
from avfake.rules.verdict import Case, Verdict, number, shown

DOCKERFILE, DOCKERIGNORE, PROJECT = Path("Dockerfile"), Path(".dockerignore"), Path("pyproject.toml")
# Without these the image has no program, cannot train again, or has nothing to score with.
# The stages that write into models/.
_WRITE_MODELS = ("train", "decide")
NEEDED = ("src", "pyproject.toml", "params.yaml", "dvc.yaml", "dvc.lock", "models")
ENTRY_POINT = ["avfake"]
# By-products that no build needs.
_LEFT_OUT = re.compile(r"(^|/)(__pycache__|[^/]+\.egg-info)(/|$)|\.pyc$")


def judge(subject: Subject) -> Verdict:
    """Reads the Dockerfile and what it copies; nothing is built."""
    case = Case("container")
    try:
        instructions = parse(DOCKERFILE.read_text(encoding="utf-8"))
        sources = copied(instructions)
        words = list(commands(instructions))
    except (OSError, ValueError) as error:  # no such file, no text, an open quotation mark
        case.fault(f"{DOCKERFILE} cannot be read: {error}")
        return case.verdict()
    _judge_copies(case, sources)
    locks = _judge_packages(case, words, sources)
    _judge_entry_point(case, instructions)
    _judge_model(case)
    _name_tools(case, subject, locks)
    return case.verdict()


def _judge_copies(case: Case, sources: list[str]) -> None:
    ignored = Ignored(DOCKERIGNORE.read_text(encoding="utf-8") if DOCKERIGNORE.is_file() else "")
    n_files = 0
    for source in sources:
        files = [path for path in files_below(source) if not _LEFT_OUT.search(path)]
        kept_out = [path for path in files if ignored(path)]
        if not files:
            case.fault(f"{DOCKERFILE} copies {source}, which is not there")
        if kept_out:
            case.fault(f"{DOCKERIGNORE} keeps out what {DOCKERFILE} copies: {shown(kept_out)}")
        n_files += len(files) - len(kept_out)
    missing = [name for name in NEEDED if not any(_covers(source, name) for source in sources)]
    if missing:
        case.fault(f"{DOCKERFILE} does not copy {', '.join(missing)}")
    case.found(f"{DOCKERFILE} copies {number(n_files, 'file')}: {', '.join(sources)}")


def _covers(source: str, name: str) -> bool:
    return source == "." or name == source or Path(name).is_relative_to(source)


def _judge_packages(case: Case, words: list[list[str]], sources: list[str]) -> list[Path]:
    """Every installation is by hash from a lock file that is copied, or of this project alone."""
    locks: list[Path] = []
    for command in words:
        if not re.search(r"\b(pip3? install|pip3? sync)\b", " ".join(command)):
            continue
        named = [
            Path(word) for word in command if re.fullmatch(r"[\w./-]*requirements[\w.-]*\.(lock|txt)", word)
        ]
        if "--require-hashes" in command and named:
            locks += named
        elif not ("--no-deps" in command and command[-1] in (".", "./")):
            case.fault(f"{DOCKERFILE} installs without hashes: {' '.join(command)}")
    if not locks:
        case.fault(f"{DOCKERFILE} installs no lock file with --require-hashes")
    there = [path for path in locks if path.is_file()]
    for path in locks:
        if not any(_covers(source, path.as_posix()) for source in sources):
            case.fault(f"{DOCKERFILE} installs {path} and does not copy it")
    for path in there:
        if bare := without_hash(path):
            case.fault(f"{path} has no hash for {shown(bare)}")
    held: dict[str, str] = {}
    for path in there:
        held |= pinned(path)
    if absent := [name for name in _dependencies() if name not in held]:
        case.fault(f"{PROJECT} depends on what the image does not install: {shown(absent)}")
    case.found(f"installs {', '.join(map(str, locks)) or 'nothing'} by hash: {number(len(held), 'package')}")
    return there


def _dependencies() -> list[str]:
    """The distributions that the project names as its dependencies, normalised."""
    try:
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return []
    found = [re.match(r"[A-Za-z0-9._-]+", text) for text in project.get("dependencies", [])]
    return [normal(match[0]) for match in found if match]


def _judge_entry_point(case: Case, instructions: list[Instruction]) -> None:
    texts = [item.text for item in instructions if item.name == "ENTRYPOINT"]
    try:
        entry = json.loads(texts[-1]) if texts else None
    except json.JSONDecodeError:
        entry = texts[-1]
    if entry != ENTRY_POINT:
        case.fault(f"the entry point is {entry if entry else 'not set'}, expected {json.dumps(ENTRY_POINT)}")
    else:
        case.found(f"the entry point is {json.dumps(entry)}")


def _judge_model(case: Case) -> None:
    """The model that is copied is the one that dvc.lock, copied with it, speaks of, and nothing is beside."""
    here = {path for path in MODELS.rglob("*") if path.is_file() and path.name != ".gitignore"}
    for path in sorted({MODELS / FACTS, MODELS / WEIGHTS} | here):
        locked = next(filter(None, (locked_md5(stage, path.as_posix()) for stage in _WRITE_MODELS)), None)
        if locked is None:
            case.fault(f"{DVC_LOCK} does not say which {path} the repository has: run `dvc repro`")
            continue
        found = file_md5(path) if path.is_file() else "nothing"
        if found != locked:
            case.fault(f"{path} is {found}, {DVC_LOCK} says {locked}: run `dvc repro`")
        else:
            case.found(f"{path} is what {DVC_LOCK} says: {locked}")


def _name_tools(case: Case, subject: Subject, locks: list[Path]) -> None:
    """Recipes that cannot be run inside the image, because of packages that it leaves out on purpose."""
    from avfake.forge.registry import TOOLS

    held = {name for path in locks for name in pinned(path)}
    absent: dict[str, list[str]] = {}
    for recipe in subject.augment.recipes:
        for package in TOOLS[recipe.tool].packages if recipe.tool in TOOLS else ():
            if normal(package) not in held:
                absent.setdefault(package, []).append(recipe.name)
    for package, recipes in sorted(absent.items()):
        case.found(
            f"not in the image: {package}, for the recipes {shown(recipes)}; their clips are made outside"
        )
