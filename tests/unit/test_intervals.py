"""The bootstrap against scikit-learn, a plain implementation and theory."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from avfake.evaluation import intervals
from avfake.evaluation.intervals import auc_interval, clip_weights, generator, source_weights, weighted_auc
from avfake.evaluation.metrics import NoFigure, auc


def draw(seed: int, n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.integers(2, size=n)
    target[:2] = 0, 1
    return target, np.round(np.clip(rng.normal(0.4 + 0.2 * target, 0.2), 0, 1), 1)


def interval(target, score, source=None, *, n_bootstrap=400, confidence=0.95, seed=0):
    return auc_interval(
        target,
        score,
        source,
        confidence=confidence,
        n_bootstrap=n_bootstrap,
        rng=np.random.default_rng(seed),
    )


@pytest.mark.parametrize("seed", range(10))
def test_weighted_auc_is_the_auc_of_the_repeated_clips(seed: int) -> None:
    target, score = draw(seed)
    weight = np.random.default_rng(seed).integers(4, size=target.size)
    [value] = weighted_auc(target, score, iter([weight]))
    assert value == pytest.approx(
        roc_auc_score(np.repeat(target, weight), np.repeat(score, weight)), abs=1e-12
    )


def test_weighted_auc_of_one_class_is_no_number() -> None:
    target, score = draw(0)
    both, one = np.ones_like(target), target.copy()
    values = weighted_auc(target, score, iter([both, one]))
    assert values[0] == pytest.approx(auc(target, score))
    assert np.isnan(values[1])


def test_sources_are_drawn_first_and_then_clips_within_them() -> None:
    groups = np.array([0, 2, 0, 1, 0, 2])
    sizes = np.array([3, 1, 2])
    drawn_groups, mean = set(), np.zeros(6)
    for weight in source_weights(groups, 2000, np.random.default_rng(0)):
        times = np.array([weight[groups == group].sum() for group in range(3)]) / sizes
        assert times.sum() == 3  # each time a group is drawn, as many clips as it has
        assert (times == times.astype(int)).all()
        drawn_groups.add(tuple(times))
        mean += weight / 2000
    assert len(drawn_groups) == 10  # all multisets of 3 out of 3
    assert mean == pytest.approx(np.ones(6), abs=0.12)


def test_clips_are_drawn_within_their_class() -> None:
    target = np.array([0, 0, 0, 1, 1])
    for weight in clip_weights(target, 50, np.random.default_rng(0)):
        assert weight[target == 0].sum() == 3
        assert weight[target == 1].sum() == 2


def test_the_cluster_interval_equals_a_plain_one() -> None:
    target, score = draw(3)
    source = np.array([f"s{i % 12}" for i in range(target.size)])
    names = np.unique(source)
    rng, values = np.random.default_rng(7), []
    for _ in range(3000):
        members = [np.flatnonzero(source == names[i]) for i in rng.integers(12, size=12)]
        rows = np.concatenate([rng.choice(rows, size=rows.size) for rows in members])
        real, fake = score[rows][target[rows] == 0], score[rows][target[rows] == 1]
        values.append(np.mean((fake[:, None] > real) + 0.5 * (fake[:, None] == real)))
    found = interval(target, score, source.tolist(), n_bootstrap=3000, confidence=0.9, seed=7)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.05, 0.95])), abs=0.02)
    assert "12 sources" in found.how


def test_the_clip_interval_has_the_width_of_theory() -> None:
    """Standard error of an AUC after Hanley and McNeil 1982, for normal scores near their approximation."""
    rng = np.random.default_rng(0)
    n = 1500
    target = np.repeat([0, 1], n)
    score = 1 / (1 + np.exp(-rng.normal(target * 1.0, 1)))
    a = auc(target, score)
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    error = np.sqrt((a * (1 - a) + (n - 1) * (q1 - a * a + q2 - a * a)) / n**2)
    found = interval(target, score, n_bootstrap=1000)
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.12)
    assert found.low < a < found.high


def test_clips_of_one_source_that_agree_widen_the_interval() -> None:
    rng = np.random.default_rng(1)
    target = np.tile([0, 1], 300)
    source = [f"s{i // 20}" for i in range(600)]
    shift = np.repeat(rng.normal(0, 1, 30), 20)
    # the shift raises the fakes of a source and lowers its reals: sources differ in difficulty
    score = 1 / (1 + np.exp(-(0.5 + shift) * (2 * target - 1) - rng.normal(0, 0.5, 600)))
    by_source, by_clip = interval(target, score, source), interval(target, score)
    assert by_source.high - by_source.low > 1.5 * (by_clip.high - by_clip.low)


def test_more_confidence_is_wider() -> None:
    target, score = draw(0)
    wide, narrow = interval(target, score, confidence=0.99), interval(target, score, confidence=0.5)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_same_seed_same_interval_other_seed_another() -> None:
    target, score = draw(0)
    assert interval(target, score, seed=1) == interval(target, score, seed=1)
    assert interval(target, score, seed=1) != interval(target, score, seed=2)


def test_a_figure_has_its_own_randomness() -> None:
    def first(seed: int, name: str) -> int:
        return int(generator(seed, name).integers(2**62))

    assert first(0, "auc") == first(0, "auc")
    assert len({first(0, "auc"), first(1, "auc"), first(0, "auc_unseen")}) == 3


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (None, "the labels have no source"),
        ([None] * 10 + ["a"] * 50, "10 of 60 clips have no source"),
        (["a"] * 60, "all clips have the source `a`"),
    ],
)
def test_without_two_sources_single_clips_are_drawn(source, reason: str) -> None:
    target, score = draw(0)
    found = interval(target, score, source)
    assert reason in found.how
    assert (found.low, found.high) == (interval(target, score).low, interval(target, score).high)


def test_few_sources_are_told() -> None:
    target, score = draw(0)
    assert "too narrow" in interval(target, score, [f"s{i % 5}" for i in range(60)]).how
    assert "too narrow" not in interval(target, score, [f"s{i % 20}" for i in range(60)]).how


def test_resamples_of_one_class_are_counted_and_left_out() -> None:
    # two reals-only and two fakes-only sources: 2 of 16 resamples have one class
    target = np.array([0, 0, 0, 1, 1, 1, 1, 0])
    source = ["a", "a", "b", "c", "c", "d", "d", "b"]
    score = np.array([0.1, 0.6, 0.3, 0.5, 0.9, 0.4, 0.7, 0.2])
    found = interval(target, score, source, n_bootstrap=1000)
    left_out = int(found.how.split("(")[-1].split(" more")[0])
    assert left_out == pytest.approx(1000 / 8, abs=40)
    assert f"{1000 - left_out} resamples" in found.how
    assert 0 <= found.low <= found.high <= 1


def test_mostly_one_class_is_no_interval() -> None:
    # a generator that never draws the source with the only fake
    target = np.array([0, 0, 0, 1])
    with pytest.raises(NoFigure, match=r"resamples hold both classes"):
        auc_interval(
            target,
            np.array([0.1, 0.2, 0.3, 0.9]),
            ["a", "b", "c", "d"],
            confidence=0.9,
            n_bootstrap=200,
            rng=_Always(),  # type: ignore[arg-type]
        )


class _Always:
    """A generator that draws source 0 and clip 0 every time."""

    def random(self, size: int) -> np.ndarray:
        return np.zeros(size)

    def integers(self, high: int | np.ndarray, size: int | None = None) -> np.ndarray:
        return np.zeros(np.shape(high) if size is None else size, dtype=np.int64)


def test_perfect_separation_says_that_the_width_means_little() -> None:
    found = interval([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert (found.low, found.high) == (1, 1)
    assert "too small or too easy" in found.how


def test_one_class_is_no_interval() -> None:
    with pytest.raises(NoFigure, match="one class only"):
        interval([1, 1], [0.1, 0.2])


def test_a_source_per_clip_is_demanded() -> None:
    with pytest.raises(ValueError, match="1 sources for 2 clips"):
        intervals.resampling(np.array([0, 1]), ["a"])


def test_two_sources_show_the_spread_of_their_clips() -> None:
    target, score = draw(5)
    found = interval(target, score, [f"s{i % 2}" for i in range(60)])
    by_clip = interval(target, score)
    assert found.high - found.low > 0.8 * (by_clip.high - by_clip.low)
