"""Codecs in memory: what comes back is as long as what went in, in step with it, and really coded."""

from fractions import Fraction

import av
import numpy as np
import pytest
from scipy.signal import correlate

from avfake.disturb import codec as module
from avfake.disturb.codec import CODECS, Codec, recoded
from avfake.disturb.conditions import CONDITIONS
from avfake.disturb.sound import RATE
from avfake.media.audio import read_audio
from avfake.media.errors import ClipError
from clips import speech

NAMES = ("aac_64k", "aac_32k", "aac_16k", "mp3_64k", "mp3_32k", "opus_24k", "amr_nb")
SPEECH = speech(1.5, RATE, seed=1)


def coded(name: str, sound: np.ndarray = SPEECH) -> np.ndarray:
    return recoded(sound, **CONDITIONS[name].settings)


def lag(before: np.ndarray, after: np.ndarray) -> int:
    return int(np.argmax(correlate(after, before, method="fft"))) - (len(before) - 1)


@pytest.mark.parametrize("name", NAMES)
def test_length_and_step_stay_and_the_sound_is_lossy(name: str) -> None:
    made = coded(name)
    assert made.dtype == np.float32
    assert len(made) == len(SPEECH)
    # AMR is a model of speech, in step with the speech to its own sample of 8 kHz.
    assert abs(lag(SPEECH, made)) <= (RATE // 8000 if name == "amr_nb" else 2)
    likeness = np.corrcoef(SPEECH, made)[0, 1]
    assert 0.7 < likeness < 0.99999
    assert np.array_equal(made, coded(name))


def test_fewer_bits_lose_more() -> None:
    def error(name: str) -> float:
        return float(np.mean((coded(name) - SPEECH) ** 2))

    assert error("aac_64k") < error("aac_32k") < error("aac_16k")
    assert error("mp3_64k") < error("mp3_32k")


def test_the_end_is_there() -> None:
    """A codec that flushed too little would end in zeros."""
    for name in NAMES:
        tail = coded(name)[-400:]
        assert np.count_nonzero(tail) > 200, name


def test_narrow_band_is_narrow() -> None:
    spectrum = np.abs(np.fft.rfft(coded("amr_nb"))) ** 2
    frequencies = np.fft.rfftfreq(len(SPEECH), 1 / RATE)
    assert spectrum[frequencies > 4100].sum() < 1e-4 * spectrum.sum()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [40, 2205])
def test_sound_shorter_than_a_frame(name: str, n: int) -> None:
    assert coded(name, SPEECH[:n]).shape == (n,)


def test_as_through_a_file(tmp_path) -> None:
    """The same encoder into an mp4, read by the pipeline's own reader."""
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("aac", rate=RATE, layout="mono")
        stream.bit_rate = 32_000
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        frame = av.AudioFrame.from_ndarray(SPEECH[None], "fltp", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    read = read_audio(path, RATE)
    assert len(read) == len(SPEECH)
    # The reader, as the reference, takes 3 dB off a single channel.
    np.testing.assert_allclose(read * np.sqrt(2), coded("aac_32k"), atol=1 / 32768)


def test_a_codec_that_refuses_says_so(monkeypatch) -> None:
    monkeypatch.setitem(module.CODECS, "amr_nb", Codec("libopencore_amrnb", "amrnb", 16000, "s16", 40))
    with pytest.raises(ClipError, match="libopencore_amrnb cannot encode the sound"):
        coded("amr_nb")
    assert CODECS["amr_nb"].rate == 16000
