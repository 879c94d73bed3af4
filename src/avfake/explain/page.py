"""The worst clips of a split as one HTML page: a picture of each explanation with its numbers beside it.

It asks for nothing outside itself and runs no script.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from avfake.explain.face_result import part_text
from avfake.explain.result import region_text
from avfake.explain.worst import FALSE_ACCEPT, FALSE_ALARM, Worst, Wrong
from avfake.inspection.text import shown

# Scores are written with six decimals.
_SAME = 1e-6
_KINDS = {
    FALSE_ACCEPT: "fakes that pass as real",
    FALSE_ALARM: "real clips called fake",
}
_SPLITS = {"val": "validation", "test": "the test"}


@dataclass(frozen=True)
class Item:
    """A clip of the page.

    Attributes:
        wrong: what the prediction file says of it.
        found: what `avfake.explain.result.numbers` made; None where `error` says why.
        picture: what `avfake.explain.picture.draw` made; likewise.
    """

    wrong: Wrong
    found: dict[str, Any] | None
    picture: bytes | None
    error: str | None

    @property
    def differs(self) -> bool:
        """Whether the score explained is not the one of the prediction file."""
        return self.found is not None and abs(self.found["score"] - self.wrong.score) > 2 * _SAME


def render(worst: Worst, items: Sequence[Item]) -> str:
    """The page. The same clips and explanations give the same text."""
    environment = Environment(
        loader=PackageLoader("avfake.explain", ""),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"region": region_text, "part": part_text, "data": _data}
    style = files("avfake.inspection").joinpath("page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        worst=worst,
        split=_SPLITS[worst.split],
        groups=[
            (kind, text, [item for item in items if item.wrong.kind == kind]) for kind, text in _KINDS.items()
        ],
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


def _finalize(value: Any) -> Any:
    """Names of clips come from elsewhere: what does not print is shown as an escape."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data(image: bytes) -> str:
    return base64.b64encode(image).decode("ascii")
