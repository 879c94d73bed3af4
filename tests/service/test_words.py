"""A result in words."""

from dataclasses import replace

import pytest

from avfake.result import Result
from avfake.service.verdict import uncertainty, verdict

SURE = Result("a.mp4", 0.93, "fake", 0.5, 0.9, 0.02, [], 2.0, "x", [])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "This clip is probably fake."),
        ({"label": "real", "score": 0.1, "probability": 0.1}, "This clip is probably real."),
        ({"probability": 0.6}, "Undecided: this clip may be real as well as fake."),
        ({"label": "real", "probability": 0.45}, "Undecided: this clip may be fake as well as real."),
        ({"probability": None}, "This clip is probably fake."),
        ({"label": None, "probability": None}, "The score is 0.93, from 0 (real) to 1 (fake)."),
    ],
)
def test_the_verdict_says_what_is_known(changed, words):
    assert verdict(replace(SURE, **changed)) == words


def test_the_uncertainty_has_the_figures_that_there_are():
    text = uncertainty(SURE)
    assert "probability of fake is 90 %" in text
    assert "2 % of real clips" in text
    assert "no threshold" not in text
    assert "Fewer than 1 in 1000 of real clips" in uncertainty(replace(SURE, expected_fpr=0.0))
    bare = uncertainty(replace(SURE, label=None, probability=None, expected_fpr=None))
    assert "no threshold" in bare
    assert "%" not in bare
