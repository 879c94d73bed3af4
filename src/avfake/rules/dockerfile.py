"""Reading a Dockerfile and a .dockerignore, as far as they say what gets into the image."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True)
class Instruction:
    """One instruction, continuation lines joined: its name in capitals, and the rest."""

    name: str
    text: str


def parse(text: str) -> list[Instruction]:
    """The instructions in their order; comments and blank lines are left out."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\[ \t]*\n", " ", "\n".join(lines))
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [Instruction(pair[0].upper(), pair[1].strip() if len(pair) > 1 else "") for pair in pairs]


def copied(instructions: list[Instruction]) -> list[str]:
    """What COPY and ADD take from the build's context, cleaned; copies between stages are left out."""
    sources = []
    for item in instructions:
        words = shlex.split(item.text) if item.name in ("COPY", "ADD") else []
        if words and not any(word.startswith("--from=") for word in words):
            sources += [word for word in words if not word.startswith("--")][:-1]
    return [PurePosixPath(source.lstrip("/") or ".").as_posix() for source in sources]


def commands(instructions: list[Instruction]) -> Iterator[list[str]]:
    """The words of each shell command of RUN."""
    for item in instructions:
        if item.name == "RUN":
            for part in re.split(r"&&|\|\||;", item.text):
                if words := shlex.split(part):
                    yield words


class Ignored:
    """What a .dockerignore keeps out: the last pattern decides that meets the path or a folder above it.

    Args:
        text: of the file (https://docs.docker.com/build/concepts/context/#dockerignore-files).
    """

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines()]
        patterns = [line for line in lines if line and not line.startswith("#")]
        self._rules = [
            (_regex(line.removeprefix("!").strip()), not line.startswith("!")) for line in patterns
        ]

    def __call__(self, path: str) -> bool:
        """Whether the file or folder at `path`, from the context's root, is left out."""
        parts = [path, *(parent.as_posix() for parent in PurePosixPath(path).parents)]
        out = False
        for regex, excludes in self._rules:
            if any(regex.fullmatch(part) for part in parts if part != "."):
                out = excludes
        return out


def files_below(source: str) -> list[str]:
    """The files that COPY would take for a source, as paths from the root; none if there is nothing."""
    found = [Path(source)] if Path(source).exists() else sorted(Path().glob(source))
    files: list[Path] = []
    for path in found:
        files += sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    return [path.as_posix() for path in files]


def _regex(pattern: str) -> re.Pattern[str]:
    cleaned = pattern.strip("/").removeprefix("./")
    out, place = "", 0
    while place < len(cleaned):
        if cleaned.startswith("**/", place):
            out, place = out + "(?:.*/)?", place + 3
        elif cleaned.startswith("**", place):
            out, place = out + ".*", place + 2
        elif cleaned[place] == "*":
            out, place = out + "[^/]*", place + 1
        elif cleaned[place] == "?":
            out, place = out + "[^/]", place + 1
        else:
            out, place = out + re.escape(cleaned[place]), place + 1
    return re.compile(out)
