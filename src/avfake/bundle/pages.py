"""The report, the model card and the list of tools as Markdown, and the report as one page of HTML.

The page asks for nothing outside itself and runs no script: its pictures are data, and its own
Content-Security-Policy forbids the rest.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from avfake.inspection.text import shown

_PACKAGE = "avfake.bundle"
PICTURES = "pictures"
# Signs that mean something to Markdown wherever they stand, and the underline at the edge of a word.
_CODE = re.compile(r"(`[^`|\\]+`)")
_SPECIAL = re.compile(r"([\\`*\[\]<>|])|((?<!\w)_|_(?!\w))")


def markdown(template: str, names: Mapping[str, Any]) -> str:
    """A template of this package, filled. The same values give the same text.

    Every value is written so that Markdown shows it as it is, unless it is `Markup`.
    """
    environment = Environment(
        loader=PackageLoader(_PACKAGE, ""),
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,  # so that a macro's text counts as finished; what is escaped, `_finalize` says
    )
    environment.filters |= {"code": code, "strong": strong}
    text = environment.get_template(template).render(**names)
    return re.sub(r"\n{3,}", "\n\n", text)


def html(text: str, pictures: Mapping[str, bytes]) -> str:
    """Markdown as a page.

    Args:
        text: as `markdown` made it; its first heading is the title.
        pictures: file name in `PICTURES` -> SVG, put in the place of the references.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text)
    headings: list[tuple[str, str]] = []
    for position, token in enumerate(tokens):
        for child in token.children or []:
            if child.type == "image":
                content = pictures[str(child.attrs["src"]).removeprefix(f"{PICTURES}/")]
                child.attrSet("src", f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}")
        if token.type == "th_open":
            token.attrSet("scope", "col")
        if token.type == "heading_open" and token.tag == "h2":
            anchor = f"part-{len(headings) + 1}"
            token.attrSet("id", anchor)
            headings.append((anchor, tokens[position + 1].content))
    body = parser.renderer.render(tokens, parser.options, {})
    body = body.replace(
        "<table>", '<div class="scroll" role="region" aria-label="table" tabindex="0"><table>'
    )
    body = body.replace("</table>", "</table></div>")
    style = files(_PACKAGE).joinpath("page.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader(_PACKAGE, ""),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html.j2").render(
        title=text.splitlines()[0].lstrip("# ").replace("`", ""),
        style=Markup(style),
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        headings=headings,
        body=Markup(body),
    )


def code(value: object) -> Markup:
    """A value in the type of code, where its signs allow that."""
    text = shown(str(value))
    return Markup(_escaped(text) if re.search(r"[`|]", text) or not text.strip() else f"`{text}`")


def strong(value: object) -> Markup:
    """A value in bold."""
    return Markup(f"**{_escaped(shown(str(value)))}**")


def _finalize(value: Any) -> Markup:
    return value if isinstance(value, Markup) else Markup(_escaped(shown(str(value))))


def _escaped(text: str) -> str:
    """The text as Markdown shows it; what stands in single backticks stays in the type of code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(part if at % 2 else _SPECIAL.sub(r"\\\g<0>", part) for at, part in enumerate(parts))
