"""Codecs as label-keeping tools: at any rate as long, in step, as loud, and really coded."""

import numpy as np
import pytest
from pydantic import ValidationError

from avfake.media.errors import ClipError
from clips import speech
from kept_sound import RATES, TOOLS, change, lag, power_between, rms

SPEECH = {rate: speech(1.2, rate, seed=5) for rate in (*RATES, 11025, 37800)}
BIT_RATES = {"aac": 32, "mp3": 32, "opus": 24, "amr_nb": 12.2}


@pytest.mark.parametrize("rate", SPEECH)
@pytest.mark.parametrize("codec", BIT_RATES)
def test_in_step_as_long_about_as_loud_and_lossy(codec: str, rate: int) -> None:
    made = change(codec, SPEECH[rate], rate, bit_rates=[BIT_RATES[codec]])
    # AMR is a model of speech, in step with it to its own sample of 8 kHz.
    assert abs(lag(SPEECH[rate], made)) <= (1 + rate // 8000 if codec == "amr_nb" else 1)
    assert 0.8 < rms(made) / rms(SPEECH[rate]) < 1.2
    assert 0.85 < np.corrcoef(SPEECH[rate], made)[0, 1] < 0.99999
    assert np.count_nonzero(made[-200:]) > 100  # a codec that flushed too little would end in zeros


@pytest.mark.parametrize("rate", [16000, 48000])
def test_narrow_band_is_narrow(rate: int) -> None:
    made = change("amr_nb", SPEECH[rate], rate, bit_rates=[12.2])
    assert power_between(made, rate, 4300, rate) < 1e-5 * power_between(made, rate, 0, 4000)


def test_each_bit_rate_is_drawn() -> None:
    made = {change("opus", SPEECH[16000], 16000, seed, bit_rates=[8, 64]).tobytes() for seed in range(6)}
    ends = {change("opus", SPEECH[16000], 16000, bit_rates=[rate]).tobytes() for rate in (8, 64)}
    assert made == ends


def test_recode_changes_no_sample() -> None:
    made = change("recode", SPEECH[16000], 16000)
    assert np.array_equal(made, SPEECH[16000])
    assert not np.shares_memory(made, SPEECH[16000])


@pytest.mark.parametrize(
    ("codec", "wrong"),
    [("aac", 4), ("mp3", 500), ("opus", 300), ("amr_nb", 13.0), ("aac", 32.5)],
)
def test_bit_rates_that_there_are_not(codec: str, wrong: float) -> None:
    with pytest.raises(ValidationError, match="bit_rates"):
        TOOLS[codec].params.model_validate({"bit_rates": [wrong]})
    with pytest.raises(ValidationError, match="bit_rates"):
        TOOLS[codec].params.model_validate({"bit_rates": []})


@pytest.mark.parametrize("name", TOOLS)
def test_silent_and_short_clips_are_refused_by_every_tool(name: str) -> None:
    """The control refuses what the others refuse, or it would be a control of other clips."""
    with pytest.raises(ClipError, match="silent throughout"):
        change(name, np.zeros(16000, np.float32), 16000, **TOOLS[name].example)
    with pytest.raises(ClipError, match="shorter than"):
        change(name, SPEECH[16000][:1600], 16000, **TOOLS[name].example)
