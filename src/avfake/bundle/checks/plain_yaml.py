"""Reads the YAML that DVC writes into dvc.lock and that people write into params.yaml, without any package.

Block and flow mappings and sequences, plain and quoted scalars, comments; the types of YAML 1.2. What is not
of these (anchors, tags, block scalars) is refused, never guessed.
"""

import json
import re
from typing import Any

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\[\]{},#&*!|>'"%@`-][^#]*?|-[^\s#][^#]*?)\s*:(?:\s+|$)"""
)
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_COMMENT = re.compile(r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')|(?:^|(?<=\s))#.*""")


class Unreadable(ValueError):  # noqa: N818 - says what the text is
    """The text is not of the plain kind that is read here."""


def read(text: str) -> Any:
    """The tree: dict, list, str, int, float, bool, None. Raises Unreadable."""
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        bare = _COMMENT.sub(lambda match: match[1] or "", line).rstrip()
        if bare.strip() and bare != "---":
            if bare.lstrip(" ").startswith("\t"):
                raise Unreadable(f"line {number}: indented with a tab")
            lines.append((len(bare) - len(bare.lstrip(" ")), bare.lstrip(" "), number))
    reader = _Reader(lines)
    tree = reader.block(lines[0][0]) if lines else None
    if reader.at < len(lines):
        raise Unreadable(f"line {lines[reader.at][2]}: does not belong to what stands above it")
    return tree


class _Reader:
    """Goes through (indent, text, line number) once."""

    def __init__(self, lines: list[tuple[int, str, int]]) -> None:
        self.lines, self.at = lines, 0

    def block(self, indent: int) -> Any:
        text = self.lines[self.at][1]
        if _is_item(text):
            return self._sequence(indent)
        if _KEY.match(text):
            return self._mapping(indent)
        self.at += 1
        return _inline(self._continued(text, indent - 1), self.lines[self.at - 1][2])

    def _mapping(self, indent: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while self._is_at(indent) and not _is_item(self.lines[self.at][1]):
            _, text, number = self.lines[self.at]
            match = _KEY.match(text)
            if match is None:
                raise Unreadable(f"line {number}: no key")
            key, value = _inline(match[1], number), text[match.end() :]
            if key in found:
                raise Unreadable(f"line {number}: {key} stands twice")
            self.at += 1
            found[key] = _inline(self._continued(value, indent), number) if value else self._below(indent)
        return found

    def _sequence(self, indent: int) -> list[Any]:
        found = []
        while self._is_at(indent) and _is_item(self.lines[self.at][1]):
            _, text, number = self.lines[self.at]
            rest = text[1:].lstrip(" ")
            if rest and (_is_item(rest) or (_KEY.match(rest) and rest[0] not in "[{")):
                inner = indent + len(text) - len(rest)
                self.lines[self.at] = (inner, rest, number)
                found.append(self.block(inner))
                continue
            self.at += 1
            found.append(_inline(self._continued(rest, indent), number) if rest else self._below(indent + 1))
        return found

    def _below(self, indent: int) -> Any:
        """What stands under a key without a value: a deeper block, a sequence as deep as the key, or null."""
        if self.at == len(self.lines):
            return None
        deeper, text, _ = self.lines[self.at]
        if deeper > indent or (deeper == indent and _is_item(text)):
            return self.block(deeper)
        return None

    def _continued(self, text: str, indent: int) -> str:
        """The value with the deeper lines that follow it."""
        while self.at < len(self.lines) and self.lines[self.at][0] > indent:
            text = f"{text} {self.lines[self.at][1]}"
            self.at += 1
        return text

    def _is_at(self, indent: int) -> bool:
        return self.at < len(self.lines) and self.lines[self.at][0] == indent


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _inline(text: str, number: int) -> Any:
    """A value on one line."""
    try:
        value, rest = _flow(text.strip(), "") if text.strip()[:1] in ("[", "{", '"', "'") else (text, "")
    except IndexError:
        raise Unreadable(f"line {number}: a bracket or quote is not closed") from None
    except ValueError as error:
        raise Unreadable(f"line {number}: {error}") from None
    if rest.strip():
        raise Unreadable(f"line {number}: unexpected `{rest.strip()[:40]}`")
    if value is text:
        if text[:1] in ("&", "*", "!", "|", ">", "%", "@", "`"):
            raise Unreadable(f"line {number}: `{text[:40]}` is not plain")
        if ": " in text or text.endswith(":"):
            raise Unreadable(f"line {number}: a key where none can be: `{text[:40]}`")
        return _scalar(text.strip())
    return value


def _flow(text: str, ends: str) -> tuple[Any, str]:
    """A value at the beginning of `text` and what follows; a plain one goes up to one of `ends`."""
    text = text.lstrip()
    first = text[0]
    if first == '"':
        match = re.match(r'"(?:[^"\\]|\\.)*"', text)
        if match is None:
            raise ValueError("a quote is not closed")
        return json.loads(match[0]), text[match.end() :]
    if first == "'":
        match = re.match(r"'(?:[^']|'')*'", text)
        if match is None:
            raise ValueError("a quote is not closed")
        return match[0][1:-1].replace("''", "'"), text[match.end() :]
    if first == "[":
        return _items(text[1:], "]")
    if first == "{":
        pairs, rest = _items(text[1:], "}")
        return dict(pairs), rest
    match = re.match(rf"[^{re.escape(ends)}]*", text)
    plain = match[0] if match else ""
    return _scalar(plain.strip()), text[len(plain) :]


def _items(text: str, end: str) -> tuple[list[Any], str]:
    """The items, or pairs of key and value, up to the closing bracket."""
    found: list[Any] = []
    while (text := text.lstrip())[0] != end:
        item, text = _flow(text, ",]" if end == "]" else ",:}")
        text = text.lstrip()
        if end == "}":
            value = None
            if text[0] == ":":
                value, text = _flow(text[1:], ",}")
                text = text.lstrip()
            item = (item, value)
        found.append(item)
        if text[0] == ",":
            text = text[1:]
        elif text[0] != end:
            raise ValueError(f"unexpected `{text[:40]}`")
    return found, text[1:]


def _scalar(text: str) -> Any:
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
