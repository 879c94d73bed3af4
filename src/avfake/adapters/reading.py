"""Reading the lists of published sets: lines, CSV and JSON, one row at a time, with file and line."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from avfake.dataset.layout import Problem
from avfake.errors import UserError

_CHUNK = 1 << 20
_LONGEST_ITEM = 1 << 26  # characters; an item that has not ended by then has lost its end


def inside(src: Path, path: Path) -> str:
    """A path below `src` as entries and messages name it."""
    return path.relative_to(src).as_posix()


def find(src: Path, names: tuple[str, ...], what: str) -> Path:
    """The first of some files or folders that exists below `src`.

    Raises:
        UserError: none of them does; `what` says what was looked for.
    """
    found = find_or_none(src, names)
    if found is None:
        raise UserError(
            f"{src}: no {what} (looked for {', '.join(names)})",
            "name the folder that the set was unpacked into; docs/import.md shows the layout of each set",
        )
    return found


def find_or_none(src: Path, names: tuple[str, ...]) -> Path | None:
    """The first of some files or folders that exists below `src`; a name may be a pattern."""
    for name in names:
        matches = sorted(src.glob(name)) if "*" in name else [src / name]
        for match in matches:
            if match.exists():
                return match
    return None


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text with their numbers from 1, without line ends; blank ones are left out.

    Raises:
        UserError: the text is not UTF-8.
    """
    number = 0
    with path.open(encoding="utf-8-sig", newline=None) as file:
        try:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip("\n")
        except UnicodeDecodeError:
            raise UserError(f"{path} after line {number}: not UTF-8 text", "save the file as UTF-8") from None


def words(src: Path, path: Path, least: int) -> Iterator[tuple[int, list[str]] | Problem]:
    """The rows of a list whose columns are separated by blanks; a row of fewer than `least` is a problem."""
    for number, line in lines(path):
        values = line.split()
        if len(values) < least:
            yield Problem(
                inside(src, path), number, " ".join(values)[:80],
                f"{len(values)} columns in place of {least} or more", "restore the line as published",
            )  # fmt: skip
        else:
            yield number, values


def table(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their line numbers, the header first; blanks around values are cut.

    Raises:
        UserError: the file is empty, not UTF-8, or no CSV.
    """
    empty = True
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            for values in reader:
                if any(value.strip() for value in values):
                    empty = False
                    yield reader.line_num, [value.strip() for value in values]
        except UnicodeDecodeError:
            raise UserError(
                f"{path} after line {reader.line_num}: not UTF-8 text", "save the file as UTF-8"
            ) from None
        except csv.Error as error:
            raise UserError(f"{path} line {reader.line_num}: not valid CSV: {error}", "restore it") from None
    if empty:
        raise UserError(f"{path}: empty", "restore the file as published")


def named_rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file by the names of its header; missing values are empty.

    Raises:
        UserError: as `table`, or the header lacks one of `needed`.
    """
    rows = table(path)
    line, header = next(rows)
    missing = [name for name in needed if name not in header]
    if missing:
        raise UserError(
            f"{path} line {line}: the header lacks {', '.join(missing)} (found {','.join(header)})",
            "restore the file as published",
        )
    for line, values in rows:
        yield line, dict.fromkeys(header, "") | dict(zip(header, values, strict=False))


def json_list(path: Path) -> Iterator[tuple[int, Any]]:
    """The items of a JSON list with the line each begins on; never more than a few in memory.

    Raises:
        UserError: the file is no list, or broken; with the line.
    """
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8-sig") as file:
        text, line, begun = "", 1, False

        def broken(why: str) -> UserError:
            return UserError(f"{path} line {line}: {why}", "download the file again, or restore it")

        try:
            while True:
                more = file.read(_CHUNK)
                text += more
                position = 0
                while True:
                    start = position
                    while position < len(text) and (text[position].isspace() or text[position] == ","):
                        position += 1
                    line += text.count("\n", start, position)
                    if position == len(text):
                        break
                    if not begun:
                        if text[position] != "[":
                            raise broken("not a JSON list")
                        begun, position = True, position + 1
                        continue
                    if text[position] == "]":
                        return
                    try:
                        item, end = decoder.raw_decode(text, position)
                    except json.JSONDecodeError as error:
                        if not more or len(text) - position > _LONGEST_ITEM:
                            raise broken(f"broken JSON: {error.msg}") from None
                        break
                    if end == len(text) and more:
                        break  # a number at the end of the chunk may go on
                    yield line, item
                    line += text.count("\n", position, end)
                    position = end
                text = text[position:]
                if not more:
                    raise broken("the list has no end" if begun else "empty")
        except UnicodeDecodeError:
            raise broken("not UTF-8 text") from None


def json_object(path: Path) -> dict[str, Any]:
    """A small JSON file that holds an object.

    Raises:
        UserError: broken, or no object; with the line.
    """
    value = json_value(path)
    if not isinstance(value, dict):
        raise UserError(f"{path}: not a JSON object", "restore the file as published")
    return value


def json_value(path: Path) -> Any:
    """A small JSON file.

    Raises:
        UserError: broken; with the line.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path} line {error.lineno}: broken JSON: {error.msg}", "restore it") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text", "save the file as UTF-8") from None


def flat(path: str) -> str:
    """A relative path as one file name."""
    return path.replace("/", "__")


def value_or_none(value: str) -> str | None:
    """A value of a list, None where it holds the dash or nothing."""
    return None if value in ("", "-") else value
