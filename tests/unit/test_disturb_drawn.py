"""Disturbances of random strength: each changes the sound, as its generator alone says."""

import numpy as np
import pytest

from avfake.disturb.drawn import DRAWN, SHORTEST_SECONDS, check, disturbed
from avfake.errors import UserError
from avfake.media.errors import ClipError
from avfake.params import TrainParams, load
from clips import speech, tone
from workspace import ROOT

RATE = 22050
QUIET = np.linspace(0, 0.002, RATE // 10, dtype=np.float32)
SPEECH = np.concatenate([QUIET, speech(1.2, RATE, seed=2), QUIET[::-1]])
WHERE = "train.augmentation.waveform.disturbances"


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", DRAWN)
def test_each_disturbance_has_its_strength_from_the_generator_alone(name: str) -> None:
    before = SPEECH.copy()
    made = [disturbed(SPEECH, [name], 1, rng(seed), RATE) for seed in (1, 1, 2, 3)]
    assert np.array_equal(SPEECH, before)
    for sound in made:
        assert sound.dtype == np.float32
        assert np.abs(sound).max() <= 1
        assert 0.7 * len(SPEECH) < len(sound) < 2.5 * len(SPEECH)
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], SPEECH)
    assert any(len(made[0]) != len(sound) or not np.array_equal(made[0], sound) for sound in made[2:])


def test_as_many_as_asked_for_are_chained_in_any_order() -> None:
    names = list(DRAWN)
    one = {disturbed(SPEECH, names, 1, rng(seed), RATE).tobytes() for seed in range(4)}
    many = {disturbed(SPEECH, names, 4, rng(seed), RATE).tobytes() for seed in range(4)}
    assert len(one | many) == 8
    # More than there are: each of them once.
    both = disturbed(SPEECH, ["gain", "tilt"], 9, rng(5), RATE)
    assert both.tobytes() in {disturbed(SPEECH, ["gain", "tilt"], 2, rng(5), RATE).tobytes()}


def test_what_is_louder_than_full_scale_becomes_softer_as_a_whole() -> None:
    made = disturbed(tone(1.0, RATE, amplitude=1.0), ["speech_shaped_noise"], 1, rng(), RATE)
    assert np.abs(made).max() == pytest.approx(1)
    assert (np.abs(made) > 0.999).sum() < 3


@pytest.mark.parametrize(
    ("sound", "names"),
    [
        (np.zeros(RATE, np.float32), ["noise"]),
        (np.zeros(RATE, np.float32), ["silence_trimmed"]),
        (SPEECH[: int(SHORTEST_SECONDS * RATE) - 1], ["gain"]),
    ],
)
def test_a_sound_that_cannot_be_disturbed(sound: np.ndarray, names: list[str]) -> None:
    with pytest.raises(ClipError):
        disturbed(sound, names, 1, rng(), RATE)


@pytest.mark.parametrize("name", DRAWN)
def test_the_shortest_sound_that_is_disturbed(name: str) -> None:
    short = SPEECH[5000 : 5000 + int(SHORTEST_SECONDS * RATE) + 1]
    try:
        made = disturbed(short, [name], 1, rng(), RATE)
    except ClipError as error:
        assert name in ("speed", "silence_trimmed"), error  # noqa: PT017
    else:
        assert np.isfinite(made).all()


def test_the_shipped_names_are_all_that_there_are() -> None:
    waveform = load(TrainParams, ROOT / "params.yaml").augmentation.waveform
    check(waveform.disturbances, WHERE)
    assert waveform.disturbances == list(DRAWN)


@pytest.mark.parametrize(
    ("names", "message", "remedy"),
    [
        (["aac", "mp4"], "unknown disturbance `mp4`", "did you mean `mp3`"),
        (["telepathy"], "unknown disturbance `telepathy`", "Known are: aac, mp3"),
        (["room", "aac", "room"], "`room` stands twice", "remove one"),
    ],
)
def test_wrong_names(names: list[str], message: str, remedy: str) -> None:
    with pytest.raises(UserError, match=r"^train\.augmentation\.waveform\.disturbances: ") as caught:
        check(names, WHERE)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
