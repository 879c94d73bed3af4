"""How a head on many features and one number that is evidence by itself become one linear function."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from avfake.model.feature_table import Table
from avfake.model.held_out_heads import Heads
from avfake.model.linear_heads import HEADS, Linear, fit_linear
from avfake.model.stacking import fit_shares, stacked
from train_params import train_params

N = 96  # clips
WIDTH = 24  # features, the number of lines not among them
GROUP = (np.arange(N) // 2) % 3  # a way of forging, or a speaker
FOLDS = np.stack([group == GROUP for group in range(3)])
STRENGTHS = {"linear": 0.003, "discriminant": 0.5}


def problem(n: int = 200, seed: int = 0):
    """Log-odds of a head, a number, targets and weights; both say something, and not the same."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < 0.4).astype(np.int64)
    odds = 5 + 3 * (rng.normal(size=n) + targets)
    more = np.abs(rng.normal(size=n)) + 2 * targets * rng.random(n)
    return odds, more, targets, rng.uniform(0.2, 1.5, n)


def test_the_head_alone_has_the_share_of_scikit_learn():
    odds, _, targets, weights = problem()
    middle = np.average(odds, weights=weights)
    spread = np.sqrt(np.average((odds - middle) ** 2, weights=weights))
    model = LogisticRegression(C=1.0, tol=1e-10)
    model.fit(((odds - middle) / spread)[:, None], targets, sample_weight=weights)
    of_head, of_more, bias = fit_shares(odds, np.zeros(len(odds)), targets, weights)
    assert of_head == pytest.approx(model.coef_[0, 0] / spread, rel=1e-3) != 0
    assert bias == pytest.approx(model.intercept_[0] - of_head * middle, abs=1e-2)
    assert of_more == pytest.approx(0.5)  # nothing is learned about what never rises


def test_shares_are_where_likelihood_and_what_is_known_beforehand_are_at_their_highest():
    odds, more, targets, weights = problem()
    of_head, of_more, bias = fit_shares(odds, more, targets, weights)
    assert of_head > 0.05
    assert of_more > 0.05
    left = weights * (targets - 1 / (1 + np.exp(-(of_head * odds + of_more * more + bias))))
    spread = np.sqrt(np.average((odds - np.average(odds, weights=weights)) ** 2, weights=weights))
    assert left.sum() == pytest.approx(0, abs=0.02)
    assert left @ odds / spread == pytest.approx(of_head * spread, abs=0.05)
    assert left @ more == pytest.approx((of_more - 0.5) / 0.25**2, abs=0.05)


def test_a_row_of_twice_the_weight_is_there_twice():
    odds, more, targets, _ = problem(60)
    twice = np.arange(60) % 3 == 0
    heavy = fit_shares(odds, more, targets, 1.0 + twice)
    columns = (np.concatenate([column, column[twice]]) for column in (odds, more, targets))
    np.testing.assert_allclose(heavy, fit_shares(*columns, np.ones(60 + twice.sum())), rtol=1e-2, atol=1e-3)


def test_neither_counts_against_itself():
    odds, more, targets, weights = problem()
    of_head, of_more, _ = fit_shares(-odds, more, targets, weights)
    assert of_head == 0 < of_more
    of_head, of_more, _ = fit_shares(odds, 4 * (1 - targets) + more, targets, weights)
    assert of_more == 0 < of_head
    of_head, of_more, bias = fit_shares(-odds, 4 * (1 - targets) + more, targets, weights)
    assert of_head == of_more == 0
    share = np.average(targets, weights=weights)
    assert bias == pytest.approx(np.log(share / (1 - share)), abs=1e-2)


def test_a_head_that_says_the_same_of_all_has_no_share():
    _, more, targets, weights = problem()
    of_head, of_more, _ = fit_shares(np.zeros(len(more)), more, targets, weights)
    assert of_head == 0 < of_more


@pytest.mark.parametrize("level", [0.0, 3.0])
def test_what_is_the_same_in_all_clips_is_worth_half_a_log_odds_per_unit(level):
    odds, _, targets, weights = problem()
    found = fit_shares(odds, np.full(len(odds), level), targets, weights)
    without = fit_shares(odds, np.zeros(len(odds)), targets, weights)
    np.testing.assert_allclose(found, without - [0, 0, level / 2], atol=2e-3)


def test_many_clips_outweigh_what_was_known_beforehand():
    rng = np.random.default_rng(0)
    more = np.abs(rng.normal(size=4000))
    targets = (rng.random(4000) < 1 / (1 + np.exp(1 - 1.5 * more))).astype(np.int64)
    few, many = (fit_shares(np.zeros(n), more[:n], targets[:n], np.ones(n))[1] for n in (20, len(targets)))
    assert abs(few - 0.5) < 0.25
    assert many == pytest.approx(1.5, abs=0.2)


def test_the_scale_of_the_heads_log_odds_does_not_matter():
    odds, more, targets, weights = problem()
    one, scaled = (fit_shares(values, more, targets, weights) for values in (odds, 100 * odds - 7))
    np.testing.assert_allclose(
        scaled[0] * (100 * odds - 7) + scaled[2], one[0] * odds + one[2], rtol=1e-3, atol=1e-3
    )


def test_what_is_joined_is_the_linear_function_that_it_says():
    rng = np.random.default_rng(0)
    head, features = Linear(rng.normal(size=5), -0.7), rng.normal(size=(9, 6))
    joined = stacked(head, np.array([0.3, 1.2, 0.05]))
    expected = 0.3 * head.log_odds(features[:, :-1]) + 1.2 * features[:, -1] + 0.05
    np.testing.assert_allclose(joined.log_odds(features), expected)
    alone = stacked(head, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(alone.log_odds(features), head.log_odds(features[:, :-1]), rtol=1e-12)


def table(seed: int = 0, groups: np.ndarray = GROUP, common: float = 1.0, per_clip: int = 2) -> Table:
    """Every group of fakes has a feature of its own that tells it; the last feature tells those of all.

    A group above the third has none. `common` is by how much feature 0 tells all fakes.
    """
    rng = np.random.default_rng(seed)
    targets = np.arange(len(groups)) % 2
    features = rng.normal(size=(len(groups), WIDTH + 1))
    features[:, 0] += common * targets
    for group in range(3):
        features[(targets == 1) & (groups == group), 1 + group] += 5
    features[:, -1] = np.abs(features[:, -1]) + 5 * targets * rng.random(len(groups))
    clip = np.repeat(np.arange(len(groups)), per_clip)
    noise = 0.1 * rng.normal(size=(len(clip), WIDTH + 1))
    return Table((features[clip] + noise).astype(np.float32), clip, targets)


TRAIN, VAL = table(common=2.0), table(1, GROUP[:48], common=2.0)


def heads(
    train: Table = TRAIN, kind: str = "discriminant", folds: np.ndarray = FOLDS, lines: bool = True, **more
) -> Heads:
    values = {"val": VAL, "weights": np.ones(N), "own": np.ones(N, bool)} | more
    return Heads(train, folds=folds, params=train_params(frozen_head=kind), lines=lines, **values)


def part_of_last(head: Linear) -> float:
    """Of what standard deviations of the features add."""
    added = np.abs(head.weights) * TRAIN.features.std(axis=0)
    return float(added[-1] / np.linalg.norm(added))


def direction(head: Linear) -> np.ndarray:
    """Of the head without the lines."""
    return head.weights[:-1] / np.linalg.norm(head.weights[:-1])


def changed(where: np.ndarray, last: float = 7.0, flip: bool = False) -> Table:
    """The training clips with another number of lines in some of them, or other targets."""
    features, targets = TRAIN.features.copy(), TRAIN.targets.copy()
    if flip:
        targets[where] = 1 - targets[where]
    else:
        features[where[TRAIN.clip], -1] = last
    return Table(features, TRAIN.clip, targets)


@pytest.mark.parametrize("kind", STRENGTHS)
def test_lines_that_tell_forgeries_of_other_groups_have_more_say_than_a_plain_fit_gives_them(kind):
    joined = heads(kind=kind).of_all(STRENGTHS[kind])
    plain = heads(kind=kind, lines=False).of_all(STRENGTHS[kind])
    assert part_of_last(joined) > 1.3 * part_of_last(plain) > 0
    strangers = table(5, np.full(400, 3), common=0.0)
    told = {
        name: roc_auc_score(strangers.targets, strangers.odds(head, "mean"))
        for name, head in {"joined": joined, "plain": plain}.items()
    }
    assert told["joined"] > told["plain"] + 0.02 > 0.5


@pytest.mark.parametrize("pooling", ["mean", "log_odds"])
@pytest.mark.parametrize("kind", STRENGTHS)
def test_without_lines_it_is_the_plain_fit_on_all_columns(kind, pooling):
    weights = np.random.default_rng(0).uniform(0, 1, N)
    params = train_params(frozen_head=kind, pooling=pooling)
    made = Heads(TRAIN, VAL, weights, np.zeros((0, N), bool), np.ones(N, bool), params, lines=False)
    rows, clip = TRAIN.asked(pooling)
    of_row = weights[clip] / np.bincount(clip)[clip]
    fit, strength = HEADS[kind][0], STRENGTHS[kind]
    expected = fit(rows, TRAIN.targets[clip], of_row, strength)
    found = made.of_all(strength)
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert found.bias == expected.bias
    kept = ~FOLDS[1][clip]
    expected = fit(rows[kept], TRAIN.targets[clip[kept]], of_row[kept], strength)
    folded = Heads(TRAIN, VAL, weights, FOLDS, np.ones(N, bool), params, lines=False)
    np.testing.assert_array_equal(folded.without(1, strength).weights, expected.weights)


def test_with_folds_shares_are_of_what_the_heads_of_the_folds_say_of_their_clips():
    found = heads(kind="linear").of_all(0.01)
    odds = np.zeros(len(TRAIN.clip))
    for fold in FOLDS[:, TRAIN.clip]:
        kept = ~fold
        head = fit_linear(
            TRAIN.features[kept, :-1], TRAIN.window_targets[kept], np.full(kept.sum(), 0.5), 0.01
        )
        odds[fold] = head.log_odds(TRAIN.features[fold, :-1])
    last = TRAIN.features[:, -1].astype(float)
    shares = fit_shares(odds, last, TRAIN.window_targets, np.full(len(odds), 0.5))
    assert shares[0] > 0
    plain = fit_linear(TRAIN.features[:, :-1], TRAIN.window_targets, np.full(len(odds), 0.5), 0.01)
    expected = stacked(plain, shares)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-3, atol=1e-4)
    assert found.bias == pytest.approx(expected.bias, abs=1e-2)


def test_without_folds_shares_are_of_validation():
    found = heads(kind="linear", folds=FOLDS[:0]).of_all(0.01)
    half = np.full(len(TRAIN.clip), 0.5)
    plain = fit_linear(TRAIN.features[:, :-1], TRAIN.window_targets, half, 0.01)
    odds, last = plain.log_odds(VAL.features[:, :-1]), VAL.features[:, -1].astype(float)
    expected = stacked(plain, fit_shares(odds, last, VAL.window_targets, np.full(len(odds), 0.5)))
    np.testing.assert_allclose(found.weights, expected.weights)
    assert found.bias == pytest.approx(expected.bias)


@pytest.mark.parametrize("right", [True, False])
def test_where_the_heads_of_folds_are_wrong_validation_joins_and_where_it_is_wrong_too_the_head_stays(right):
    # each group's fakes have less of a feature that those of the others have more of
    features = TRAIN.features.copy()
    fake = TRAIN.window_targets == 1
    features[:, :-1] = np.random.default_rng(0).normal(size=(len(features), WIDTH))
    for group in range(3):
        signs = np.where(np.arange(3) == group, -8.0, 4.0)
        features[fake & (GROUP[TRAIN.clip] == group), :3] += signs
    train = Table(features, TRAIN.clip, TRAIN.targets)
    plain = HEADS["linear"][0](features[:, :-1], train.window_targets, np.full(len(features), 0.5), 0.01)
    said = VAL.features.copy()
    towards = plain.weights / np.linalg.norm(plain.weights)
    said[:, :-1] += np.where(VAL.window_targets == (1 if right else 0), 3.0, -3.0)[:, None] * towards
    val = Table(said, VAL.clip, VAL.targets)
    made = heads(train, "linear", val=val)
    found = made.of_all(0.01)
    shares = fit_shares(
        plain.log_odds(said[:, :-1]), said[:, -1].astype(float), val.window_targets, np.full(len(said), 0.5)
    )
    assert (shares[0] > 0) == right
    expected = stacked(plain, shares if right else np.array([1.0, shares[1], 0.0]))
    np.testing.assert_allclose(found.weights, expected.weights)
    assert found.bias == pytest.approx(expected.bias)
    otherwise = heads(train, "linear", val=VAL).of_all(0.01)
    assert not np.allclose(otherwise.weights, expected.weights)  # it is validation that says it


@pytest.mark.parametrize("kind", STRENGTHS)
@pytest.mark.parametrize("fold", [0, 2])
def test_a_head_without_a_fold_knows_neither_its_targets_nor_its_lines(kind, fold):
    strength = STRENGTHS[kind]
    found = heads(kind=kind).without(fold, strength)
    flipped = heads(changed(FOLDS[fold], flip=True), kind).without(fold, strength)
    np.testing.assert_allclose(direction(flipped), direction(found), rtol=1e-9)
    lines = heads(changed(FOLDS[fold]), kind).without(fold, strength)
    np.testing.assert_array_equal(lines.weights, found.weights)
    assert lines.bias == found.bias
    # of the other folds it knows both
    other = FOLDS[1]
    assert not np.allclose(direction(heads(changed(other, flip=True), kind).without(fold, strength)),
                           direction(found), rtol=1e-3)  # fmt: skip
    lines = heads(changed(other), kind).without(fold, strength)
    assert abs(lines.weights[-1] - found.weights[-1]) > 1e-3


def test_derived_clips_are_fitted_on_and_do_not_say_what_lines_are_worth():
    own = np.arange(N) % 8 < 6
    found = heads(own=own).of_all(0.5)
    lines = heads(changed(~own), own=own).of_all(0.5)
    np.testing.assert_array_equal(lines.weights, found.weights)
    fitted = heads(changed(~own, flip=True), own=own).of_all(0.5)
    assert not np.allclose(direction(fitted), direction(found), rtol=1e-3)


def test_clips_of_no_weight_are_as_good_as_not_there():
    there = np.arange(N) % 8 < 6
    found = heads(weights=there.astype(float)).of_all(0.5)
    for other in (changed(~there), changed(~there, flip=True)):
        again = heads(other, weights=there.astype(float)).of_all(0.5)
        np.testing.assert_allclose(again.weights, found.weights, rtol=1e-4)


@pytest.mark.parametrize("level", [0.001, -7.123, 0.0])
def test_log_odds_that_are_constant_but_for_rounding_get_no_share(level):
    weights = np.random.default_rng(2).uniform(0.2, 1, 40)
    shares = fit_shares(np.full(40, level), np.zeros(40), np.arange(40) % 2, weights)
    assert shares[0] == 0


@pytest.mark.parametrize("kind", ["linear", "discriminant"])
def test_a_fold_is_judged_by_a_head_that_knows_nothing_of_its_targets(kind):
    own = heads(kind=kind).without(0, 0.5)
    other = heads(changed(FOLDS[0], flip=True), kind).without(0, 0.5)
    np.testing.assert_array_equal(other.weights, own.weights)
    assert other.bias == own.bias
