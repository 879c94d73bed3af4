"""The page as it is served: whole, from here alone, and as strict as its policy."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

PAGE = files("avfake.service") / "page"
NAMES = ["index.html", "page.css", "page.js", "draw.js", "report.js", "favicon.svg"]
TEXTS = {name: (PAGE / name).read_text() for name in NAMES}


class Tags(HTMLParser):
    """All tags with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


TAGS = Tags(TEXTS["index.html"]).found


def test_every_file_is_served_and_nothing_else_is_asked_for(server):
    assert server.get("/").body.decode() == TEXTS["index.html"]
    asked = {value for _, attributes in TAGS for key, value in attributes.items() if key in ("src", "href")}
    asked |= {name for text in TEXTS.values() for name in re.findall(r'from "([^"]+)"', text)}
    for address in asked:
        answer = server.get(address)
        assert answer.status == 200, address
        assert answer.body.decode() == TEXTS[address.removeprefix("/")]
    assert server.get("/page.js").headers["content-type"] == "text/javascript; charset=utf-8"


@pytest.mark.parametrize("name", NAMES)
def test_no_other_site_is_named(name):
    found = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"']*", TEXTS[name])
    assert set(found) <= {"http://www.w3.org/2000/svg"}


def test_nothing_on_the_page_needs_a_weaker_policy():
    for tag, attributes in TAGS:
        assert tag != "style"
        assert "style" not in attributes
        assert not any(name.startswith("on") for name in attributes)
        assert tag != "script" or "src" in attributes
    for name in NAMES:
        if name.endswith(".js"):
            assert not re.search(
                r"\beval\(|new Function|innerHTML|insertAdjacentHTML|document\.write", TEXTS[name]
            )


def test_what_the_scripts_look_for_is_on_the_page():
    ids = {attributes["id"] for _, attributes in TAGS if "id" in attributes}
    classes = {name for _, attributes in TAGS for name in (attributes.get("class") or "").split()}
    for name in ("page.js", "draw.js"):
        assert set(re.findall(r'byId\("([\w-]+)"\)', TEXTS[name])) <= ids
        wanted = set(re.findall(r'(?:find|querySelector)\("\.([\w-]+)', TEXTS[name]))
        assert wanted <= classes, wanted - classes


def test_every_input_has_a_label_and_the_state_is_announced():
    labelled = {attributes.get("for") for tag, attributes in TAGS if tag == "label"}
    for tag, attributes in TAGS:
        if tag == "input" and attributes["type"] != "checkbox":
            assert attributes["id"] in labelled
    roles = {attributes.get("role") for _, attributes in TAGS}
    assert {"status", "alert", "slider"} <= roles
    assert ("html", {"lang": "en"}) in TAGS


def test_the_page_knows_the_limits(server, settings):
    about = server.get("/v1/service").json()
    assert about["max_bytes"] == settings.limits.max_bytes
    assert about["token_needed"] is False
