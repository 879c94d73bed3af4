"""Figures of weighted clips are the figures of the clips repeated as often as they are drawn."""

import numpy as np
import pytest

from avfake.evaluation import metrics
from avfake.evaluation.intervals import clip_weights, source_weights
from avfake.gate import weighted


def sample(seed: int, ties: bool):
    rng = np.random.default_rng(seed)
    target = (np.arange(60) % 3 == 0).astype(int)
    score = np.clip(0.3 * target + rng.uniform(size=60) * 0.7, 0, 1)
    return target, score.round(1) if ties else score


def repeated(target, score, weight):
    return np.repeat(target, weight), np.repeat(score, weight)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ties", [False, True])
def test_every_resample(seed, ties):
    target, score = sample(seed, ties)
    draws = list(clip_weights(target, 20, np.random.default_rng(seed)))
    made = {
        metrics.eer: weighted.eer(target, score, iter(draws)),
        metrics.log_loss: weighted.log_loss(target, score, iter(draws)),
        lambda t, s: metrics.ece(t, s, 10): weighted.ece(target, score, 10, iter(draws)),
    }
    for figure, values in made.items():
        expected = [figure(*repeated(target, score, weight)) for weight in draws]
        np.testing.assert_allclose(values, expected, atol=1e-12)


def test_a_resample_without_one_class_has_no_equal_error_rate():
    target, score = np.array([0, 0, 1]), np.array([0.1, 0.2, 0.9])
    weights = iter([np.array([1, 2, 0]), np.array([0, 0, 3]), np.array([1, 1, 1])])
    np.testing.assert_array_equal(weighted.eer(target, score, weights), [np.nan, np.nan, 0.0])


def test_certain_and_wrong_is_charged_as_in_the_figure_itself():
    target, score = np.array([1, 0]), np.array([0.0, 0.0])
    value = weighted.log_loss(target, score, iter([np.array([1, 1])]))
    np.testing.assert_allclose(value, metrics.log_loss(target, score))


def test_source_weights_fit_too():
    target, score = sample(9, ties=True)
    draws = list(source_weights(np.arange(60) % 5, 30, np.random.default_rng(1)))
    values = weighted.eer(target, score, iter(draws))
    expected = [metrics.eer(*repeated(target, score, weight)) for weight in draws]
    np.testing.assert_allclose(values, expected, atol=1e-12)
