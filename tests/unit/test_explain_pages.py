"""The picture, the numbers and the page of an explanation, without a model."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from avfake.explain.axis import axis_hz
from avfake.explain.clip import Heat, SoundExplained
from avfake.explain.page import Item, render
from avfake.explain.picture import DPI, WIDTH, draw
from avfake.explain.result import numbers, summary
from avfake.explain.time_line import spectrogram_line
from avfake.explain.worst import FALSE_ACCEPT, FALSE_ALARM, Worst, Wrong

MODEL = {"backbone": "resnet18", "sha256": "0" * 64}
CEPSTRAL = {"n_coefficients": 8, "deltas": 1}
LINEAR = {"n_fft": 64, "n_bands": 16, "fmin": 0.0, "fmax": 4000.0}


def explained(heat_sign: float = 1.0) -> SoundExplained:
    """Two channels of 16 rows, 2 s of sound of which the first 0.5 s were cut off, two windows."""
    line = spectrogram_line(16000, 8000, 80, (100, 51), kept=slice(50, 201))
    levels = np.random.default_rng(0).integers(0, 256, (2, 16, line.n_frames)).astype(np.float32)
    heat = np.zeros((16, line.n_frames), np.float32)
    heat[4:8, 50:75] = 3 * heat_sign
    return SoundExplained(
        score=0.75,
        seconds=2.0,
        line=line,
        window_scores=np.array([0.6, 0.9]),
        window_log_odds=np.log([0.6 / 0.4, 0.9 / 0.1]),
        window_shares=None,
        axes=[axis_hz("log_linear", LINEAR, 8000, 16), axis_hz("lfcc", CEPSTRAL, 8000, 16)],
        levels=levels,
        heat=Heat(heat, "layer4", (2, 4)),
        why_no_heat=None,
    )


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def test_a_picture_has_the_same_bytes_and_says_nothing_of_when_and_where():
    first = draw(explained(), 0.5)
    assert first == draw(explained(), 0.5)
    image = Image.open(io.BytesIO(first))
    assert image.size[0] == WIDTH * DPI
    assert set(image.info) == {"dpi"}


def test_a_picture_shows_both_directions_in_their_colours():
    def coloured(png: bytes) -> tuple[int, int]:
        # the spectrogram alone is grey; the legend and the profile stand at the right
        inside = pixels(png)[:, : int(0.8 * WIDTH * DPI)]
        red = (inside[..., 0] - inside[..., 2] > 60).sum()
        blue = (inside[..., 2] - inside[..., 0] > 60).sum()
        return int(red), int(blue)

    fake, real, none = (
        coloured(draw(sound)) for sound in (explained(), explained(-1), replace(explained(), heat=None))
    )
    assert fake[0] > 1000 > fake[1]
    assert real[1] > 1000 > real[0]
    assert max(none) < 1000


def test_a_window_has_its_share_where_windows_are_weighed():
    told = [
        numbers(Path("clip.mp4"), MODEL, sound)["sound"]["windows"]
        for sound in (explained(), replace(explained(), window_shares=np.array([0.25, 0.75])))
    ]
    assert [window.pop("share") for window in told[1]] == [0.25, 0.75]
    assert told[0] == told[1]


def test_numbers_are_in_seconds_of_the_clip_and_in_hertz():
    found = json.loads(json.dumps(numbers(Path("some/clip.mp4"), MODEL, explained()), allow_nan=False))
    assert (found["video_name"], found["score"]) == ("clip.mp4", 0.75)
    sound = found["sound"]
    assert sound["heard"] == [0.495, 2.0]
    assert [(w["begin"], w["end"], w["score"]) for w in sound["windows"]] == [
        (0.495, 1.495, 0.6),
        (1.005, 2.0, 0.9),
    ]
    assert sound["windows"][1]["log_odds"] == 2.1972
    assert [piece["score"] for piece in sound["curve"]] == [0.6, 0.75, 0.9]
    heat = sound["heat"]
    assert heat["cell"] == {"rows": 8.0, "seconds": 0.249}
    assert len(heat["values"]) == len(heat["bands"]) == 16
    assert len(heat["values"][0]) == len(heat["edges"]) - 1
    (region,) = heat["regions"]
    assert (region["towards"], region["begin"], region["end"]) == ("fake", 0.995, 1.245)
    edges = axis_hz("log_linear", LINEAR, 8000, 16).edges
    assert region["bands"] == [
        {"front_end": "log_linear", "low_hz": round(edges[4], 1), "high_hz": round(edges[8], 1)},
        {"front_end": "lfcc", "from": "coefficient 4", "to": "coefficient 7"},
    ]
    lines = summary(found)
    assert lines[0] == "score 0.750000, the mean of 2 windows"
    assert lines[3].startswith("towards fake: 0.99 to 1.25 s, ")
    assert "lfcc coefficient 4 to coefficient 7 (100% of that heat)" in lines[3]


def test_without_heat_the_reason_stands_there():
    sound = replace(explained(), heat=None, why_no_heat="a transformer")
    found = numbers("clip.mp4", MODEL, sound)
    assert found["sound"]["heat"] is None
    assert found["notes"] == ["no heat: a transformer"]
    assert summary(found)[-1] == "no heat: a transformer"


def test_the_page_has_every_clip_with_its_numbers_and_harmless_names():
    found = numbers("clip.mp4", MODEL, explained())
    bad_name = "<script>\u202e.mp4"
    items = [
        Item(Wrong(FALSE_ACCEPT, Path("clip.mp4"), 0.75, "hifigan", None), found, b"png", None),
        Item(Wrong(FALSE_ALARM, Path(bad_name), 0.9, None, "voice & co"), None, None, "no sound"),
        Item(Wrong(FALSE_ALARM, Path("b.mp4"), 0.8, None, None), found, b"png", None),
    ]
    worst = Worst("val", [item.wrong for item in items], 0.4, {FALSE_ACCEPT: 7, FALSE_ALARM: 2}, 3)
    page = render(worst, items)
    assert page == render(worst, items)
    assert "Fakes that pass as real: 7" in page
    assert "Real clips called fake: 2" in page
    assert "hifigan" in page
    assert "voice &amp; co" in page
    assert "not explained: no sound" in page
    assert "&lt;script&gt;\\u202e.mp4" in page
    assert "<script" not in page
    assert page.count("0.49 to 1.50 s: 0.600") == 2
    # only the clip whose score was another in the prediction file
    assert page.count("explained is the score 0.750000") == 1
    assert page.count("data:image/png;base64,cG5n") == 2
    assert "3 more on the wrong side" in page


def test_a_page_of_no_clip_says_so():
    page = render(Worst("test", [], 0.4, {FALSE_ACCEPT: 0, FALSE_ALARM: 0}, 0), [])
    assert page.count("<p>None.</p>") == 2
    assert "most wrong in the test" in page
