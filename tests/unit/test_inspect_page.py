"""The page and the sentences, made from figures that need no clip."""

import base64
import hashlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avfake.dataset.layout import Clip
from avfake.inspection import report, sheet
from avfake.inspection.page import chart, render
from avfake.inspection.reading import DEFAULT_DRAWING, DEFAULT_EXTRACT, Reading, Settings, settings_of, unread
from avfake.inspection.report import inspect_root
from avfake.inspection.sheet import HEIGHT, WIDTH, Picture, scale_of, spectrogram
from avfake.inspection.text import number, share, shown, summary
from avfake.params import ExtractParams, FeaturizeParams, load
from inspected import Page
from workspace import ROOT

SETTINGS = Settings(DEFAULT_EXTRACT, DEFAULT_DRAWING, None, 1)
EVIL = "<script>alert(1)</script>"
FACTS = {"container": "mp4", "audio_codec": "aac", "audio_rate": 16000, "bit_rate": 64000, "file_bytes": 9000}


def write_root(folder: Path, **labels: str) -> Path:
    """A root whose clips are empty files: what is in them is made up by `figures_of`."""
    for split, rows in labels.items():
        (folder / f"{split}set").mkdir(parents=True)
        (folder / f"{split}_label.txt").write_text("video_name,target,generator,source\n" + rows)
        for row in rows.splitlines():
            (folder / f"{split}set" / row.split(",")[0]).touch()
    return folder


def figures_of(root: Path, monkeypatch, reading_of=None, n=2) -> dict:
    def made_up(clip: Clip) -> Reading:
        return Reading(None, None, None, 2.0, 1, FACTS | {"seconds": 2.0})

    monkeypatch.setattr(
        report, "read_clips", lambda clips, _: ((clip, (reading_of or made_up)(clip)) for clip in clips)
    )
    return inspect_root(root, SETTINGS, None, 0, n)


def texts(figures: dict, level: str) -> str:
    return "\n".join(item["text"] for item in figures["findings"] if item["level"] == level)


def page_of(figures: dict) -> Page:
    return Page(render(figures, [Picture(None, "left out", None, 0, None) for _ in figures["sheet"]]))


ROWS = "".join(f"{i}.mp4,{i % 2},{'world' if i % 2 else 'real'},anna\n" for i in range(40))


@pytest.fixture
def root(tmp_path) -> Path:
    return write_root(tmp_path / "root", train=ROWS, val=ROWS.replace(".mp4", "v.mp4").replace("anna", "ben"))


def test_a_calm_root_has_no_problem_and_no_warning(root, monkeypatch):
    figures = figures_of(root, monkeypatch)
    assert texts(figures, "problem") == texts(figures, "warning") == ""
    assert "Nothing stands out" not in page_of(figures).text  # there is no test split, which is noted


def test_fakes_that_are_longer_are_a_warning(root, monkeypatch):
    def longer(clip: Clip) -> Reading:
        seconds = (
            2.0 + int(clip.video_name.removesuffix(".mp4").removesuffix("v")) % 7 + 3 * (clip.target or 0)
        )
        return Reading(None, None, None, seconds, 1, FACTS | {"seconds": seconds})

    figures = figures_of(root, monkeypatch, longer)
    assert "duration, larger in fakes (alone, AUC 0.8" in texts(figures, "warning")
    assert "larger in fakes" in page_of(figures).text


def test_fakes_with_another_codec_are_a_warning(root, monkeypatch):
    def coded(clip: Clip) -> Reading:
        codec = "mp3" if clip.target == 1 and clip.video_name[0] != "1" else "aac"
        return Reading(None, None, None, 2.0, 1, FACTS | {"seconds": 2.0, "audio_codec": codec})

    assert "audio codec (Cramér's V 0." in texts(figures_of(root, monkeypatch, coded), "warning")


def test_names_from_files_are_text_and_nothing_else(tmp_path, monkeypatch):
    train = f'{EVIL.replace("/", "")}.mp4,1,{EVIL},"a""><b onclick=x>"\nb.mp4,0,real,{EVIL}\n'
    val = f"c.mp4,1,{EVIL},ben\nd.mp4,0,real,ben\ne{{{{7*7}}}}.mp4,9,x,y\n"
    figures = figures_of(write_root(tmp_path / EVIL.replace("/", ""), train=train, val=val), monkeypatch)
    page = page_of(figures)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "b onclick", "iframe", "object"}
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert EVIL in page.text
    assert EVIL.replace("/", "") + ".mp4" in page.text
    assert "e{{7*7}}.mp4" in page.text


def test_characters_that_steer_are_escaped():
    assert shown("a\x1b[31m\u202e\n.mp4") == r"a\x1b[31m\u202e\n.mp4"
    assert shown("žluťoučký 猫\u202f1") == "žluťoučký 猫\u202f1"
    assert shown("\udcff") == r"\udcff"


def test_the_page_asks_for_nothing_and_allows_only_its_own_style(root, monkeypatch):
    html = render(figures_of(root, monkeypatch, n=0), [])
    page = Page(html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|style=", html)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert f"style-src 'sha256-{digest}'" in policy
    assert not page.all("link")
    assert all(link["href"].startswith("#") for link in page.all("a"))
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert {link["href"][1:] for link in page.all("a")} <= ids


def test_tables_and_pictures_can_be_read_without_eyes(root, monkeypatch):
    figures = figures_of(root, monkeypatch)
    image = spectrogram(np.zeros((8, 20), np.uint8), 1.0)
    page = Page(render(figures, [Picture(image, None, None, 0, None) for _ in figures["sheet"]]))
    assert all(cell.get("scope") in ("row", "col") for cell in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 10
    assert len(page.all("img")) == 4
    assert all(
        image["alt"] and image["src"].startswith("data:image/png;base64,") for image in page.all("img")
    )
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("meta")[2]["name"] == "viewport"
    assert len(page.all("h1")) == 1


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, as WCAG 2.2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", range(3))
def test_every_colour_of_text_stands_out(root, monkeypatch, theme):
    """Light, dark and print: 4.5 to 1 on the page and on its panels (WCAG 2.2, AA)."""
    style = page_of(figures_of(root, monkeypatch)).style
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", blocks[theme]))
    for ground in ("page", "panel"):
        for name in colours.keys() - {"page", "panel", "line"}:
            light, dark = sorted((luminance(colours[name]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, ground)


def test_long_tables_are_cut_and_say_so(tmp_path, monkeypatch):
    rows = "".join(f"{i}.mp4,{i % 2},g,source-{i:03}\n" for i in range(100))
    root = write_root(tmp_path, train=rows, val="v.mp4,0,real,source-000\nw.mp4,1,g,x\n")
    figures = figures_of(root, monkeypatch)
    page = page_of(figures)
    assert len(figures["sources"]) == 101
    assert "and 61 more values; the JSON has them all" in page.text
    # What is wrong is never among what is cut.
    assert page.row("source-000 in several splits") == ["1", "1", "2", "0"]
    assert "source-000" in texts(figures, "problem")


def test_a_split_of_one_class_is_a_problem(tmp_path, monkeypatch):
    root = write_root(tmp_path, train="a.mp4,0,real,x\nb.mp4,0,real,x\n", val="c.mp4,1,g,y\nd.mp4,0,real,y\n")
    figures = figures_of(root, monkeypatch)
    assert "The train split has no fake clip (2 real): nothing can be learned from it." in texts(
        figures, "problem"
    )
    assert "No training fake names its generator" in texts(figures, "warning")


def test_no_clip_that_opens_is_said(root, monkeypatch):
    figures = figures_of(root, monkeypatch, lambda _: unread("empty file"))
    assert texts(figures, "problem") == "Not one clip can be opened: 80 were tried."
    assert figures["histogram"] is None
    assert figures["notes"]["histogram"]
    page = page_of(figures)
    assert "There is no labelled clip that can be opened" in page.text
    assert "and 60 more clips; the JSON has them all" in page.text
    assert "Not one clip can be opened" in summary(figures)


def test_bars_of_the_chart_are_shares_of_their_class():
    drawn = chart(
        {"edges": [0, 1, 2], "real": [30, 10], "fake": [0, 2], "unlabelled": [9, 9], "open_end": False}
    )
    heights = {(bar["class"], bar["text"]): bar["height"] for bar in drawn["bars"]}
    assert heights == {
        ("real", "0 to 1 s: 75.0 % of the real clips"): 82.5,
        ("real", "1 to 2 s: 25.0 % of the real clips"): 27.5,
        ("fake", "1 to 2 s: 100.0 % of the fake clips"): 110.0,
    }
    assert chart(None) is None


def test_a_spectrogram_is_a_small_picture_with_low_frequencies_at_the_bottom():
    levels = np.zeros((128, 900), np.uint8)
    levels[:10] = 255
    data = spectrogram(levels, 0.5)
    image = Image.open(io.BytesIO(data))
    assert (image.mode, image.size) == ("P", (WIDTH, HEIGHT))
    pixels = np.asarray(image)
    assert (pixels[-10:, : WIDTH // 2] == 31).all()
    assert (pixels[:-11, : WIDTH // 2] == 0).all()
    assert (pixels[:, WIDTH // 2 :] == image.info["transparency"]).all()
    assert len(data) < 2000
    assert data == spectrogram(levels, 0.5)


def test_one_long_clip_does_not_shrink_the_others():
    assert scale_of([{"sound_seconds": s} for s in (3.0, 4.0, None, 5.0)]) == 5.0
    assert scale_of([{"sound_seconds": s} for s in (3.0, 4.0, 120.0)]) == 12.0
    assert scale_of([]) == 1.0


def test_numbers_for_people():
    assert [number(value) for value in (None, 0, 5.0, 0.1234, 1234567.8)] == [
        "–",
        "0",
        "5",
        "0.123",
        "1\u202f234\u202f568",
    ]
    assert share(0.5) == "50.0 %"


def test_the_defaults_are_those_of_the_project():
    """The same root gives the same page within the project and outside of it."""
    assert load(ExtractParams, ROOT / "params.yaml") == DEFAULT_EXTRACT
    featurize = load(FeaturizeParams, ROOT / "params.yaml")
    drawn = (featurize.log_mel, featurize.hop_length, featurize.dynamic_range)
    assert drawn == (DEFAULT_DRAWING.log_mel, DEFAULT_DRAWING.hop_length, DEFAULT_DRAWING.dynamic_range)


def test_settings_without_a_file_of_parameters(tmp_path):
    assert settings_of(tmp_path / "params.yaml", 3) == Settings(DEFAULT_EXTRACT, DEFAULT_DRAWING, None, 3)
    within = settings_of(ROOT / "params.yaml", None)
    assert within.memo is not None
    assert within.workers == 0


def test_a_sheet_whose_bands_reach_above_the_sound_is_drawn_all_the_same(monkeypatch, tmp_path):
    jobs = []
    monkeypatch.setattr(sheet, "map_ordered", lambda _, items, *__: jobs.extend(items) or [])
    settings = Settings(
        DEFAULT_EXTRACT.model_copy(update={"sample_rate": 8000, "n_faces": 0}), DEFAULT_DRAWING, None, 1
    )
    sheet.pictures(tmp_path, [{"split": "val", "video_name": "a.mp4", "sound_seconds": 1.0}], settings)
    assert jobs[0].drawing.log_mel.fmax == 4000
    assert jobs[0].extract.n_faces == DEFAULT_EXTRACT.n_faces
    assert jobs[0].path == tmp_path / "valset" / "a.mp4"
