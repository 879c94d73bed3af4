"""Running `avfake inspect` in the tests: the command by itself, and its page taken apart.

done = inspect(root, "--html", page)       # exit code and text, as on a terminal
page = Page(path.read_text())              # tags, attributes and text; asserts that the tags match
"""

from collections.abc import Callable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import typer
from click.testing import Result as Done
from typer.testing import CliRunner

from avfake.cli.inspect import inspect as command
from avfake.parallel import Result

VOID = {"meta", "img", "br", "link", "input", "hr"}

_app = typer.Typer()
_app.command()(command)


def inspect(root: Path, *arguments: object) -> Done:
    """Runs the command and returns its exit code, standard output and standard error."""
    return CliRunner().invoke(_app, [str(root), *map(str, arguments)])


def in_this_process(
    function: Callable[[Any], Any], items: Sequence[Any], *_: Any, **__: Any
) -> Iterator[Result[Any, Any]]:
    """Stands in for `map_ordered` where the processes are not what is tested: starting them takes seconds."""
    for item in items:
        yield Result(item, function(item), None)


class Page(HTMLParser):
    """A page's elements, in order, as (tag, attributes), and its text outside of the style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.style = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"{tag} was never opened"
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "style":
            self.style += data
            return
        self.text += data
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def row(self, head: str) -> list[str]:
        """The cells after the first one of the table row that begins with `head`."""
        return next(cells[1:] for cells in self.rows if cells and cells[0] == head)
