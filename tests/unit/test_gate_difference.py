"""Paired differences: against a slow bootstrap, on hand-made cases, and on noise and real drops."""

import numpy as np
import pytest
from benchmarks.gate_power import Case, draw

from avfake.evaluation import metrics
from avfake.evaluation.metrics import NoFigure
from avfake.gate import difference
from avfake.gate.difference import Method
from avfake.gate.disturbed import ConditionPair, DisturbedPair
from avfake.gate.pairs import Pair
from avfake.gate.verdict import KINDS

METHOD = Method(confidence=0.95, n_bootstrap=400, calibration_bins=10, seed=0)


def pair(target, base, head, source=None) -> Pair:
    n = len(target)
    return Pair(
        np.asarray(target),
        np.asarray(base, dtype=float),
        np.asarray(head, dtype=float),
        [None] * n if source is None else list(source),
        [None] * n,
        (),
        (),
        (),
    )


def made(seed: int = 0, n: int = 80, source=None) -> Pair:
    rng = np.random.default_rng(seed)
    target = np.arange(n) % 2
    hard = rng.normal(size=n)
    base, head = (1 / (1 + np.exp(-(1.5 * target + hard + 0.5 * rng.normal(size=n)))) for _ in range(2))
    return pair(target, base, head, source)


FUNCTIONS = {
    "eer": (difference.eer, metrics.eer),
    "log_loss": (difference.log_loss, metrics.log_loss),
    "ece": (difference.ece, lambda t, s: metrics.ece(t, s, 10)),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_difference_is_of_the_figures_and_the_interval_that_of_a_slow_bootstrap(name):
    function, figure = FUNCTIONS[name]
    clips = made()
    value, interval = function(clips, METHOD, name)
    assert value == pytest.approx(figure(clips.target, clips.head) - figure(clips.target, clips.base))
    rng = np.random.default_rng(7)
    slow = []
    for _ in range(250):
        drawn = np.concatenate([rng.choice(np.flatnonzero(clips.target == c), 40) for c in (0, 1)])
        slow.append(
            figure(clips.target[drawn], clips.head[drawn]) - figure(clips.target[drawn], clips.base[drawn])
        )
    low, high = np.quantile(slow, [0.025, 0.975])
    assert interval.low == pytest.approx(low, abs=0.3 * (high - low))
    assert interval.high == pytest.approx(high, abs=0.3 * (high - low))
    assert "paired bootstrap by single clips" in interval.how


def test_auc_without_sources_is_delongs_and_with_sources_a_bootstrap():
    alone, grouped = made(), made(source=[f"s{i % 8}" for i in range(80)])
    values = [difference.auc(clips, METHOD, "auc") for clips in (alone, grouped)]
    assert values[0][0] == pytest.approx(values[1][0])
    assert "DeLong" in values[0][1].how
    assert "paired bootstrap by source (8 sources" in values[1][1].how


def test_pairing_makes_the_interval_narrower_than_strangers_have():
    clips = made()
    others = made(seed=1)
    _, paired = difference.auc(clips, METHOD, "auc")
    _, unpaired = difference.auc(pair(clips.target, clips.base, others.head), METHOD, "auc")
    assert paired.high - paired.low < 0.8 * (unpaired.high - unpaired.low)


@pytest.mark.parametrize("name", ["auc", *FUNCTIONS])
@pytest.mark.parametrize("grouped", [False, True])
def test_identical_scores_differ_by_nothing(name, grouped):
    clips = made(source=[f"s{i % 4}" for i in range(80)] if grouped else None)
    same = pair(clips.target, clips.base, clips.base, clips.source)
    value, interval = getattr(difference, name)(same, METHOD, name)
    assert (value, interval.low, interval.high) == (0, 0, 0)


@pytest.mark.parametrize("name", ["auc", *FUNCTIONS])
def test_one_score_for_all_clips(name):
    clips = made()
    flat = pair(clips.target, np.full(80, 0.5), np.full(80, 0.5))
    assert getattr(difference, name)(flat, METHOD, name)[0] == 0


@pytest.mark.parametrize("name", ["auc", "eer"])
def test_one_class_has_no_ranking(name):
    with pytest.raises(NoFigure, match="one class only"):
        getattr(difference, name)(pair([1, 1, 1], [0.1, 0.2, 0.3], [0.3, 0.2, 0.1]), METHOD, name)


def test_one_class_has_a_log_loss():
    value, interval = difference.log_loss(pair([1, 1, 1], [0.5] * 3, [0.9] * 3), METHOD, "log_loss")
    assert value == pytest.approx(np.log(0.5) - np.log(0.9))
    assert interval.low == pytest.approx(value)


def test_no_clip_and_three_clips():
    with pytest.raises(NoFigure, match="no labelled clips"):
        difference.ece(pair([], [], []), METHOD, "ece")
    with pytest.raises(NoFigure, match="two clips of each class"):
        difference.auc(pair([0, 1, 1], [0.1, 0.4, 0.6], [0.3, 0.2, 0.1]), METHOD, "auc")


def test_the_worst_condition_may_be_another_one():
    clips = made()
    everything = np.arange(80)
    some = everything[:50]
    conditions = {
        "a": ConditionPair(everything, clips.base, clips.head * 0 + 0.5),
        "b": ConditionPair(some, (1 - clips.base)[:50], clips.head[:50]),
    }
    value, interval = difference.worst_auc(
        DisturbedPair(clips.target, [None] * 80, conditions), METHOD, "auc_worst"
    )
    expected = min(0.5, metrics.auc(clips.target[:50], clips.head[:50])) - min(
        metrics.auc(clips.target, clips.base), metrics.auc(clips.target[:50], (1 - clips.base)[:50])
    )
    assert value == pytest.approx(expected)
    assert interval.low < value < interval.high


def test_the_worst_condition_needs_both_classes():
    half = {"a": ConditionPair(np.array([1, 3]), np.array([0.1, 0.2]), np.array([0.1, 0.2]))}
    with pytest.raises(NoFigure, match="no condition"):
        difference.worst_auc(DisturbedPair(np.array([0, 1, 0, 1]), [None] * 4, half), METHOD, "auc_worst")


def share_failed(drop: float, trials: int) -> float:
    kind, failed = KINDS["auc"], 0
    for trial in range(trials):
        clips = draw(Case("test", n=200, sources=0, drop=drop), np.random.default_rng([3, trial]))
        _, interval = difference.auc(clips, METHOD, "auc")
        failed += kind.judge(interval, 0.02) == "worse"
    return failed / trials


def test_noise_alone_rarely_fails_and_a_real_drop_often():
    assert share_failed(0.0, 300) <= 0.02
    assert share_failed(0.1, 200) >= 0.5
