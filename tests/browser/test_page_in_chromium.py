"""The page in a real browser: clips go in by the file chooser and by keyboard, verdicts come out.

Needs Debian's `chromium` and the package playwright: `make browser`. With AVFAKE_PICTURES=DIR it writes the
pictures of docs/service.md there.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from avfake.decoding.limits import Limits
from avfake.scoring import Scorer
from avfake.service.settings import Settings
from clips import make_clip
from served import served
from toy_detector import make_model

TOKEN = "a-token-of-the-tests"
SECONDS = 60_000  # milliseconds


class Decided(Scorer):
    """A scorer with a threshold."""

    threshold = 0.5

    def judge_row(self, row, name):
        result = super().judge_row(row, name)
        label = "fake" if result.score >= self.threshold else "real"
        sure = 0.9 if label == "fake" else 0.1
        return replace(
            result,
            label=label,
            threshold=self.threshold,
            probability=sure,
            expected_fpr=0.05,
            warnings=["a warning"],
        )


@pytest.fixture(scope="module")
def scorer(tmp_path_factory):
    return Decided(make_model(tmp_path_factory.mktemp("model")), "cpu")


@pytest.fixture(scope="module")
def clips(tmp_path_factory, scorer):
    """Two clips named after their labels, at a threshold between their scores; a broken one, a large one."""
    folder = tmp_path_factory.mktemp("clips")
    found = [
        make_clip(folder / "a.mp4", seconds=3.0, kind="speech", seed=1, size=96),
        make_clip(folder / "b.mp4", seconds=3.0, kind="speech", seed=2, size=96, forgery="alias"),
    ]
    scores = [scorer.score(path) for path in found]
    scorer.threshold = sum(scores) / 2
    for path, score in zip(found, scores, strict=True):
        path.rename(folder / ("fake.mp4" if score > scorer.threshold else "real.mp4"))
    (folder / "broken.mp4").write_bytes((folder / "real.mp4").read_bytes()[:3000])
    (folder / "large.mp4").write_bytes(bytes(3 * 2**20))
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory, scorer):
    limits = Limits(max_bytes=2 * 2**20)
    with served(Settings(state=tmp_path_factory.mktemp("state"), limits=limits), scorer) as running:
        yield running


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A page with what it asked for and complained about."""

    def __init__(self, browser, server, **settings):
        self.page = browser.new_page(**settings)
        self.page.set_default_timeout(SECONDS)
        self.asked: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.home = f"http://127.0.0.1:{server.port}"
        self.page.goto(self.home)

    def send(self, *paths: Path):
        self.page.set_input_files("#clips", [str(path) for path in paths])

    def clip(self, name: str):
        return self.page.locator("article", has=self.page.locator("h2", has_text=name))


@pytest.fixture
def visit(browser, server):
    visit = Visit(browser, server)
    yield visit
    visit.page.close()


def picture(page, name: str) -> None:
    if folder := os.environ.get("AVFAKE_PICTURES"):
        page.screenshot(path=Path(folder) / name, full_page=True)


def test_a_real_and_a_fake_clip_have_their_verdicts(visit, clips, scorer):
    visit.send(clips / "real.mp4", clips / "fake.mp4")
    for label in ("real", "fake"):
        clip = visit.clip(f"{label}.mp4")
        expect(clip.locator(".verdict")).to_have_text(f"This clip is probably {label}.", timeout=SECONDS)
        expect(clip.locator(".uncertainty")).to_contain_text("probability of fake")
        expect(clip.locator(".warnings li")).to_have_text("a warning")
        score = scorer.score(clips / f"{label}.mp4")
        expect(clip.locator(".facts dd").first).to_have_text(f"{score:.6f}")
        expect(clip.locator("video")).to_be_visible()
        expect(clip.locator(".time .curve")).to_have_count(1)
        loaded = clip.locator(".time img").first.evaluate("image => image.complete && image.naturalWidth > 0")
        assert loaded
    expect(visit.page.locator("#status")).to_contain_text("fake.mp4: This clip is probably fake.")
    assert [
        url for url in visit.asked if not url.startswith((visit.home, "blob:" + visit.home, "data:"))
    ] == []
    assert visit.said == []


def test_clicks_and_keys_jump_along_the_time_line(visit, clips):
    visit.send(clips / "fake.mp4")
    time = visit.clip("fake.mp4").locator(".time")
    expect(time).to_be_visible(timeout=SECONDS)
    box = time.bounding_box()
    time.click(position={"x": box["width"] / 2, "y": 10})
    assert abs(float(time.get_attribute("aria-valuenow")) - 1.5) < 0.1
    time.focus()
    visit.page.keyboard.press("ArrowRight")
    assert abs(float(time.get_attribute("aria-valuenow")) - 2.0) < 0.1
    visit.page.keyboard.press("Home")
    assert float(time.get_attribute("aria-valuenow")) == 0
    assert "score" in time.get_attribute("aria-valuetext")
    plain = time.locator("img").first.get_attribute("src")
    visit.clip("fake.mp4").locator(".heat-on").check()
    assert time.locator("img").first.get_attribute("src") != plain


def test_a_broken_file_is_explained_and_the_next_clip_is_scored(visit, clips):
    visit.send(clips / "broken.mp4", clips / "real.mp4")
    problem = visit.clip("broken.mp4").get_by_role("alert")
    expect(problem).to_be_visible(timeout=SECONDS)
    expect(problem.locator(".why")).not_to_be_empty()
    expect(visit.clip("real.mp4").locator(".verdict")).to_be_visible(timeout=SECONDS)
    assert visit.clip("broken.mp4").locator(".verdict").is_hidden()


def test_a_file_that_is_too_large_is_not_sent(visit, clips):
    visit.send(clips / "large.mp4")
    problem = visit.clip("large.mp4").get_by_role("alert")
    expect(problem).to_contain_text("too large", timeout=SECONDS)
    expect(problem).to_contain_text("2 MB are accepted")
    assert not any("/v1/score" in url for url in visit.asked)


def test_results_are_saved(visit, clips, scorer):
    visit.send(clips / "real.mp4")
    clip = visit.clip("real.mp4")
    expect(clip.locator(".verdict")).to_be_visible(timeout=SECONDS)
    with visit.page.expect_download() as download:
        clip.get_by_role("button", name="JSON").click()
    found = json.loads(Path(download.value.path()).read_text())
    assert found["score"] == round(scorer.score(clips / "real.mp4"), 6)
    assert "pictures" not in found["explanation"]
    with visit.page.expect_download() as download:
        clip.get_by_role("button", name="print").click()
    assert download.value.suggested_filename == "real.mp4.html"
    text = Path(download.value.path()).read_text()
    assert "This clip is probably real." in text
    assert "<script" not in text


def test_a_name_is_text_wherever_it_is_shown(visit, clips, tmp_path):
    odd = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    odd.write_bytes((clips / "real.mp4").read_bytes())
    visit.send(odd)
    clip = visit.page.locator("article")
    expect(clip.locator(".verdict")).to_be_visible(timeout=SECONDS)
    expect(clip.locator("h2")).to_have_text(odd.name)
    with visit.page.expect_download() as download:
        clip.get_by_role("button", name="print").click()
    assert "<img src=x" not in Path(download.value.path()).read_text()


def test_it_can_be_used_by_keyboard_and_on_a_phone(browser, server, clips):
    visit = Visit(browser, server, viewport={"width": 360, "height": 640}, has_touch=True)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.id") == "clips"
    visit.send(clips / "real.mp4")
    expect(visit.clip("real.mp4").locator(".verdict")).to_be_visible(timeout=SECONDS)
    assert visit.page.evaluate("document.activeElement.tagName") == "ARTICLE"
    assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    picture(visit.page, "service_phone.png")
    visit.page.close()


def test_a_token_is_asked_for_where_one_is_needed(browser, scorer, clips, tmp_path):
    with served(Settings(state=tmp_path, tokens=(TOKEN,)), scorer) as server:
        visit = Visit(browser, server)
        expect(visit.page.locator("#token")).to_be_visible()
        visit.send(clips / "real.mp4")
        expect(visit.clip("real.mp4").get_by_role("alert")).to_contain_text("token", timeout=SECONDS)
        visit.page.fill("#token", TOKEN)
        visit.send(clips / "fake.mp4")
        expect(visit.clip("fake.mp4").locator(".verdict")).to_be_visible(timeout=SECONDS)
        assert visit.clip("real.mp4").locator(".verdict").is_hidden()
        visit.page.close()
