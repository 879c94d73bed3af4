"""The threshold against an exhaustive search and cases done by hand."""

import numpy as np
import pytest

from avfake.evaluation.metrics import NoFigure
from avfake.evaluation.threshold import choose


def draw(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=80)
    target[:2] = 0, 1
    return target, np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 2)


def rates(target: np.ndarray, score: np.ndarray, threshold: float) -> tuple[float, float]:
    called = score >= threshold
    return float(called[target == 0].mean()), float(called[target == 1].mean())


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_does_better(seed: int) -> None:
    target, score = draw(seed)
    every = [rates(target, score, x) for x in np.unique(score)]
    fpr, tpr = rates(target, score, choose(target, score, "youden", 0.1).value)
    assert tpr - fpr == pytest.approx(max(t - f for f, t in every))
    fpr, tpr = rates(target, score, choose(target, score, "eer", 0.1).value)
    assert abs(fpr - (1 - tpr)) == pytest.approx(min(abs(f - (1 - t)) for f, t in every))
    fpr, tpr = rates(target, score, choose(target, score, "fixed_fpr", 0.1).value)
    assert fpr <= 0.1
    assert tpr == pytest.approx(max([0.0, *(t for f, t in every if f <= 0.1)]))


def test_the_threshold_lies_halfway_between_separated_classes() -> None:
    chosen = choose([0, 0, 1, 1], [0.0, 0.2, 0.6, 0.9], "youden", 0.1)
    assert chosen.value == pytest.approx(0.4)
    assert "youden on validation" in chosen.why
    assert "TPR 1.0000, FPR 0.0000" in chosen.why


def test_equally_good_thresholds_give_the_fewest_false_alarms() -> None:
    # TPR - FPR is 1/2 at .9 (one fake, no real) and at .3 (both fakes, one of two reals)
    target, score = [1, 0, 1, 0], [0.9, 0.5, 0.3, 0.1]
    assert choose(target, score, "youden", 0.1).value == pytest.approx(0.7)


def test_neighbouring_scores_of_the_grid_are_told_apart() -> None:
    target, score = np.array([0, 1]), np.array([0.500000, 0.500001])
    value = choose(target, score, "eer", 0.1).value
    assert 0.5 < value <= 0.500001
    assert value == round(value, 6)


def test_scores_off_the_grid_are_told_apart() -> None:
    target, score = np.array([0, 1]), np.array([0.5000001, 0.5000002])
    assert rates(target, score, choose(target, score, "youden", 0.1).value) == (0.0, 1.0)


@pytest.mark.parametrize("top", [0.9, 1.0])
def test_fixed_fpr_may_call_nothing_fake(top: float) -> None:
    # the highest score is a real clip's, and no false alarm is allowed
    chosen = choose([0, 1, 1], [top, 0.5, 0.4], "fixed_fpr", 0.1)
    assert chosen.value > top
    assert "no clip is called fake" in chosen.why


def test_fixed_fpr_reaches_its_target_exactly() -> None:
    # 3 of 10 reals are allowed at 0.3, whatever 0.3 is in binary
    target = np.repeat([0, 1], [10, 2])
    score = np.concatenate([np.linspace(0.05, 0.95, 10), [0.7, 0.1]])
    assert rates(target, score, choose(target, score, "fixed_fpr", 0.3).value) == (0.3, 0.5)


@pytest.mark.parametrize("rule", ["youden", "eer"])
def test_identical_scores_still_have_a_threshold(rule) -> None:
    value = choose([0, 1, 1], [0.5, 0.5, 0.5], rule, 0.1).value
    assert 0 < value <= 0.5


@pytest.mark.parametrize("target", [[], [0, 0], [1, 1]])
def test_one_class_has_no_threshold(target: list[int]) -> None:
    with pytest.raises(NoFigure):
        choose(target, [0.5] * len(target), "youden", 0.1)


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown threshold rule"):
        choose([0, 1], [0.1, 0.2], "best", 0.1)  # type: ignore[arg-type]
