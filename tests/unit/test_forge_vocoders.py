"""The vocoders as recipes name them: what they change, and what they leave as it was."""

import numpy as np
import pytest
from pydantic import ValidationError

from avfake.forge.take import Sound, Take
from avfake.forge.tools import vocoders
from avfake.forge.voice import envelope, griffin_lim, world
from avfake.forge.voice.channel import band_top, rms
from avfake.media.errors import ClipError
from clips import speech

RATE = 16000
TOOLS = {tool.name: tool for tool in vocoders.TOOLS}


def apply(name, x, rate=RATE, seed=3, **params):
    """The tool with its example parameters, but for those given."""
    tool = TOOLS[name]
    checked = tool.params.model_validate({**tool.example, **params})
    edited = tool.apply(Take(Sound(x, rate)), checked, np.random.default_rng(seed), None)
    assert edited.sound.rate == rate
    assert edited.begins == 0
    assert edited.speed == 1
    return edited.sound.samples


@pytest.fixture(scope="module")
def sound():
    return speech(1.2, RATE, seed=5)


@pytest.mark.parametrize("rate", [8000, 44100])
@pytest.mark.parametrize("name", TOOLS)
def test_length_loudness_peak_and_band_are_those_of_the_source(name, rate):
    x = speech(0.6, rate, seed=5)
    spectrum = np.fft.rfft(x)
    spectrum[np.fft.rfftfreq(len(x), 1 / rate) > 3000] *= 1e-4
    x = np.fft.irfft(spectrum, len(x)).astype(np.float32)
    before = x.copy()
    made = apply(name, x, rate)
    assert np.array_equal(x, before)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    assert np.isfinite(made).all()
    assert rms(made) == pytest.approx(rms(x), rel=0.08)
    assert np.abs(made).max() <= np.abs(x).max() * 1.0001
    assert band_top(made, rate) == pytest.approx(band_top(x, rate), abs=300)
    assert not np.allclose(made, x, atol=0.01)
    assert np.array_equal(made, apply(name, x, rate))


@pytest.mark.parametrize("name", TOOLS)
def test_what_cannot_be_worked_on_is_refused(name, sound):
    with pytest.raises(ClipError, match="silent"):
        apply(name, np.zeros(RATE, np.float32))
    with pytest.raises(ClipError, match="shorter"):
        apply(name, sound[:1000])


def test_a_voice_without_pitch_cannot_be_moved():
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    with pytest.raises(ClipError, match="no voiced speech"):
        apply("world", noise)


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.6])
def test_world_moves_the_pitch_by_the_ratio(ratio, sound):
    made = apply("world", sound, pitch=[ratio, ratio], envelope=[1.0, 1.0], aperiodicity=[1.0, 1.0])
    before, after = (world.analyse(x, RATE).pitch for x in (sound, made))
    both = (before > 0) & (after > 0)
    assert both.sum() > 50
    assert np.median(after[both] / before[both]) == pytest.approx(ratio, rel=0.03)


@pytest.mark.parametrize("ratio", [0.8, 1.25])
def test_formants_move_by_the_ratio_and_the_band_stays(ratio):
    frequencies = np.linspace(0, 8000, 513)
    peaks = np.exp(-(((frequencies - 1000) / 200) ** 2)) + 1e-3
    row = np.where(frequencies <= 6000, peaks, 1e-12)[None]
    moved = envelope.warped(row, ratio, RATE, 6000.0)[0]
    assert frequencies[np.argmax(moved)] == pytest.approx(1000 * ratio, abs=20)
    assert np.all(moved[frequencies <= 5950] > 1e-4)
    assert np.all(moved[frequencies >= 6050] < 1e-10)
    assert envelope.warped(row, 1.0, RATE, 6000.0)[0] == pytest.approx(row[0], rel=1e-6)


def test_world_moves_the_envelope_of_speech(sound):
    kept = {"pitch": [1.0, 1.0], "aperiodicity": [1.0, 1.0]}
    rows = [world.analyse(apply("world", sound, envelope=[r, r], **kept), RATE) for r in (1.0, 1.25)]
    same, moved = (np.log(row.envelope[row.pitch > 0]).mean(axis=0, keepdims=True) for row in rows)
    ratios = np.arange(0.8, 1.4, 0.05)
    likeness = [
        np.corrcoef(np.log(envelope.warped(np.exp(same), ratio, RATE, 8000.0))[0, 10:350], moved[0, 10:350])
        for ratio in ratios
    ]
    assert ratios[np.argmax([found[0, 1] for found in likeness])] == pytest.approx(1.25, abs=0.06)


def test_more_aperiodicity_makes_the_voice_noisier(sound):
    kept = {"pitch": [1.0, 1.0], "envelope": [1.0, 1.0]}

    def harmonics(factor):
        """How much the sound of one period is like that of the next, where it is voiced."""
        made = apply("world", sound, aperiodicity=[factor, factor], **kept)
        pitch = world.analyse(sound, RATE).pitch
        likeness = []
        for k in np.flatnonzero(pitch > 0)[::10]:
            period = round(RATE / pitch[k])
            part = made[80 * k : 80 * k + 2 * period]
            if len(part) == 2 * period and rms(part) > 0.03:
                likeness.append(np.corrcoef(part[:period], part[period:])[0, 1])
        return np.mean(likeness)

    assert harmonics(10.0) < harmonics(0.0) - 0.1


def test_griffin_lim_gets_nearer_with_iterations_and_farther_by_mel_bands(sound):
    def distance(iterations, bands):
        made = griffin_lim.resynthesise(sound, RATE, iterations, bands)
        magnitudes = [np.abs(np.lib.stride_tricks.sliding_window_view(x, 512)[::128]) for x in (sound, made)]
        spectra = [np.abs(np.fft.rfft(frames * np.hanning(512), axis=1)) for frames in magnitudes]
        return np.linalg.norm(spectra[0] - spectra[1]) / np.linalg.norm(spectra[0])

    assert distance(40, 0) < distance(2, 0)
    assert distance(40, 0) < distance(40, 40)


def test_mel_phase_smears_magnitudes_and_keeps_the_phase(sound):
    coarse, fine = (apply("mel_phase", sound, mel_bands=[n, n]) for n in (20, 128))

    def likeness(x):
        return np.corrcoef(x, sound)[0, 1]

    assert likeness(coarse) < likeness(fine)
    assert likeness(coarse) > 0.5
    assert abs(likeness(apply("griffin_lim", sound))) < likeness(coarse)


def test_magnitudes_that_mel_bands_hold_go_through_them():
    magnitude = np.abs(np.random.default_rng(0).standard_normal((513, 7))).astype(np.float32)
    once = griffin_lim.through_mel(magnitude, RATE, 80)
    flat = griffin_lim.through_mel(np.ones((513, 1), np.float32), RATE, 80)
    assert once.shape == magnitude.shape
    assert once.dtype == np.float32
    assert once.min() >= 0
    assert once.std() < 0.7 * magnitude.std()
    assert flat[10:500] == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("world", {"pitch": [0.1, 1.0]}),
        ("world", {"envelope": [1.0, 3.0]}),
        ("griffin_lim", {"mel_bands": [8]}),
        ("griffin_lim", {"mel_bands": []}),
        ("griffin_lim", {"iterations": [0, 10]}),
        ("mel_phase", {"mel_bands": [10, 40]}),
        ("lpc", {"excitation": ["hum"]}),
        ("lpc", {"bits": [1]}),
        ("lpc", {"order": [14, 10]}),
        ("hifigan", {"loud": True}),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(name, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TOOLS[name].params.model_validate({**TOOLS[name].example, **wrong})
