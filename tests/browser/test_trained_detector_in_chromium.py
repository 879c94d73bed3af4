"""The page with the detector that `make repro` trains, and clips of the default data set.

With AVFAKE_PICTURES=DIR it writes the picture of docs/service.md there.
"""

import csv
import os
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from avfake.scoring import Scorer
from avfake.service.settings import Settings
from served import served

ROOT = Path(__file__).parents[2]
MODEL, CLIPS = ROOT / "models", ROOT / "data/sample/testset"
LABELS = ROOT / "data/sample/test_label.txt"
SECONDS = 120_000  # milliseconds

pytestmark = pytest.mark.skipif(
    not ((MODEL / "decision.json").is_file() and CLIPS.is_dir()), reason="`make repro` has not run"
)


@pytest.fixture(scope="module")
def scorer():
    return Scorer(MODEL, "cpu")


@pytest.fixture(scope="module")
def judged(scorer):
    """The first real and the first fake clip of the test whose label the detector finds, with its result."""
    found = {}
    for row in csv.DictReader(LABELS.read_text(encoding="utf-8").splitlines()):
        label = "fake" if row["target"] == "1" else "real"
        if label not in found:
            result = scorer.judge(CLIPS / row["video_name"])
            if result.label == label:
                found[label] = result
        if len(found) == 2:
            return found
    raise AssertionError(f"the detector found {sorted(found)} only")


def test_a_real_and_a_fake_clip_have_the_verdicts_of_the_command(judged, scorer, tmp_path):
    with served(Settings(state=tmp_path), scorer) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(SECONDS)
        page.goto(f"http://127.0.0.1:{server.port}")
        page.set_input_files("#clips", [str(CLIPS / result.video_name) for result in judged.values()])
        for label, result in judged.items():
            clip = page.locator("article", has=page.locator("h2", has_text=result.video_name))
            expect(clip.locator(".verdict")).to_have_text(f"This clip is probably {label}.", timeout=SECONDS)
            expect(clip.locator(".facts dd").first).to_have_text(f"{result.score:.6f}")
            clip.locator(".heat-on").check()
            # Chromium shows a player's first picture once it has been moved.
            clip.locator("video").evaluate("video => { video.currentTime = 1 }")
        if folder := os.environ.get("AVFAKE_PICTURES"):
            page.wait_for_timeout(2000)
            page.screenshot(path=Path(folder) / "service_page.png", full_page=True)
        browser.close()
