import numpy as np
import pytest
import torch
from benchmarks.frozen_features import aucs, fit_heads, source_groups
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfake.errors import RunError
from avfake.model import feature_table, frozen, linear_heads
from avfake.model.clips import Clips, open_inputs, select_training
from avfake.model.detector import build
from avfake.model.inference import clip_score, deterministic, fake_probability, window_logits
from avfake.model.linear_heads import SHRINKAGES, STRENGTHS, Linear, calibrated, fit_discriminant, fit_linear
from avfake.model.saved import load_model, save_model
from avfake.model.validation import Data
from toy_features import make_workspace
from train_params import train_params

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    folder = make_workspace(tmp_path_factory.mktemp("frozen"), contrast=40)
    features, labels = open_inputs(folder / "data/features", folder / "data/labels")
    return Data(features, *select_training(features.index, labels))


def make(data: Data):
    torch.manual_seed(0)
    return build("test_efficientnet", data.features.shape)


def fit(detector, data: Data, told=None, **values):
    params = train_params(**{"frozen_head": "linear", "batch_size": 8} | values)
    return frozen.fit_frozen_head(detector, data, params, CPU, None if told is None else told.append)


@pytest.fixture(scope="module")
def fitted(data):
    with deterministic(1):
        detector = make(data)
        progress = fit(detector, data)[0]
        detector.load_state_dict(progress.best)
    return detector, progress


def random_problem(n: int = 60, width: int = 12):
    rng = np.random.default_rng(0)
    features = (rng.normal(size=(n, width)) * rng.uniform(0.1, 9, width) + rng.normal(size=width)).astype(
        np.float32
    )
    targets = (features[:, 0] + rng.normal(size=n) > features[:, 0].mean()).astype(np.int64)
    return features, targets, rng.uniform(0.2, 1, n)


def test_each_window_gets_the_probability_that_was_fitted(data, fitted):
    detector, progress = fitted
    table = feature_table.read_table(detector, data.features, data.train, 8, CPU)
    weights = 1 / np.bincount(table.clip)[table.clip]
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=STRENGTHS[int(progress.best_row["epoch"]) - 1], max_iter=2000),
    )
    x = table.features.astype(np.float64)
    model.fit(
        x,
        table.window_targets,
        standardscaler__sample_weight=weights,
        logisticregression__sample_weight=weights,
    )
    found = np.concatenate(
        [
            fake_probability(window_logits(detector, data.features.windows(int(row)), 8, CPU))
            for row in data.train.rows
        ]
    )
    np.testing.assert_allclose(found, model.predict_proba(x)[:, 1], atol=1e-4)
    assert found.std() > 0.01


def test_the_saved_detector_scores_clips_as_the_head_was_chosen(data, fitted, tmp_path):
    detector, progress = fitted
    facts = {
        "backbone": "test_efficientnet",
        "features": data.features.info,
        "train": {"readout": {"stages": [], "bands": 4}, "pooling": "mean"},
        "prior": 0.5,
    }
    save_model(tmp_path, detector, facts)
    loaded = load_model(tmp_path).detector
    scores = [clip_score(loaded, data.features.windows(int(row)), 8, CPU) for row in data.val.rows]
    assert roc_auc_score(data.val.targets, scores) == progress.best_row["val_auc"] > 0.8


def test_every_strength_is_a_row_and_the_backbone_stays(data, fitted):
    detector, progress = fitted
    assert [row["epoch"] for row in progress.rows] == list(range(1, len(STRENGTHS) + 1))
    losses = [row["train_loss"] for row in progress.rows]
    assert losses == sorted(losses, reverse=True)  # the weaker the penalty, the closer to the training clips
    before, after = make(data).state_dict(), detector.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"head.weight", "head.bias"}


def test_again_gives_the_same_bytes(data, fitted):
    with deterministic(1):
        told: list[dict[str, float]] = []
        again = fit(make(data), data, told)[0]
    assert told == again.rows == fitted[1].rows
    assert all(torch.equal(again.best[key], value) for key, value in fitted[1].best.items())


def test_a_window_twice_at_half_the_weight_changes_nothing():
    features, targets, weights = random_problem()
    once = fit_linear(features, targets, weights, 0.1)
    twice = fit_linear(np.repeat(features, 2, axis=0), np.repeat(targets, 2), np.repeat(weights / 2, 2), 0.1)
    np.testing.assert_allclose(twice.log_odds(features), once.log_odds(features), atol=1e-3)
    lighter = fit_linear(features, targets, weights / 100, 0.1)
    assert np.abs(lighter.log_odds(features) - once.log_odds(features)).max() > 0.1


def test_a_feature_that_hardly_varies_has_no_weight():
    features, targets, weights = random_problem()
    features[:, 3] = 0
    features[:, 4] = 1000 + 0.01 * targets  # would tell everything, and nothing of it in float32
    linear = fit_linear(features, targets, weights, 1.0)
    assert linear.weights[3] == linear.weights[4] == 0
    assert (linear.weights[:3] != 0).all()
    nothing = fit_linear(np.ones_like(features), targets, np.ones(len(targets)), 1.0)
    share = targets.mean()
    np.testing.assert_allclose(nothing.log_odds(features), np.log(share / (1 - share)), atol=1e-3)


def test_balanced_classes_and_sources_weigh_the_same():
    clips = clips_of([0, 1, 1, 1], ["real", "a", "a", "a"], ["x", "x", "x", "y"])
    np.testing.assert_array_equal(frozen.clip_weights(clips, "none", False), 1)
    weights = frozen.clip_weights(clips, "none", True)
    assert weights[clips.targets == 0].sum() == weights[clips.targets == 1].sum() == 2
    np.testing.assert_allclose(frozen.clip_weights(clips, "source", False), np.array([4, 2, 2, 4]) / 3)
    np.testing.assert_allclose(frozen.clip_weights(clips, "source", True), [2, 0.5, 0.5, 1])
    linear = fit_linear(np.zeros((4, 2)), clips.targets, weights, 1.0)
    np.testing.assert_allclose(linear.log_odds(np.zeros((4, 2))), 0, atol=1e-6)


@pytest.mark.parametrize("shrinkage", [0.2, 1.0])
def test_the_discriminant_is_that_of_scikit_learn(shrinkage):
    features, targets, _ = random_problem()
    model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage))
    # There the classes' covariances are standardised once more before they are shrunk.
    ours = fit_discriminant(features, targets, np.ones(len(targets)), shrinkage).log_odds(features)
    theirs = model.fit(features, targets).decision_function(features)
    assert np.corrcoef(ours, theirs)[0, 1] > 0.99
    wide = np.random.default_rng(1).normal(size=(20, 40))  # more features than clips
    assert np.isfinite(fit_discriminant(wide, np.arange(20) % 2, np.ones(20), shrinkage).weights).all()


def test_the_discriminant_without_shrinkage_is_the_textbook_one():
    features, targets, weights = random_problem()
    x, share = features.astype(float), weights / weights.sum()
    means = [np.average(x[targets == k], axis=0, weights=weights[targets == k]) for k in (0, 1)]
    centred = x - np.stack(means)[targets]
    direction = np.linalg.solve((centred * share[:, None]).T @ centred, means[1] - means[0])
    prior = np.log(share[targets == 1].sum() / share[targets == 0].sum())
    expected = (x - (means[0] + means[1]) / 2) @ direction + prior
    found = fit_discriminant(features, targets, weights, 1e-9).log_odds(features)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_calibration_keeps_the_order_and_fits_the_share_of_fakes():
    rng = np.random.default_rng(0)
    targets = np.arange(80) % 2
    features = (rng.normal(size=(80, 1)) + targets[:, None]) * 500
    linear = Linear(np.array([1.0]), 4000.0)
    found = calibrated(linear, linear.log_odds(features), targets, np.ones(80))
    odds = found.log_odds(features)
    assert (np.argsort(odds) == np.argsort(features[:, 0])).all()
    assert (1 / (1 + np.exp(-odds))).mean() == pytest.approx(targets.mean(), abs=0.01)
    assert np.abs(odds).max() < 6
    against = calibrated(linear, linear.log_odds(features), 1 - targets, np.ones(80)).log_odds(features)
    assert (np.argsort(against) == np.argsort(features[:, 0])).all()
    assert calibrated(linear, np.full(80, 3.0), targets, np.ones(80)) is linear


def test_under_log_odds_the_head_is_of_the_mean_features_of_a_clip(data):
    detector = make(data)
    detector.pooling = "log_odds"
    with deterministic(1):
        progress, _ = fit(detector, data, frozen_head="discriminant", pooling="log_odds")
    detector.load_state_dict(progress.best)
    table = feature_table.read_table(detector, data.features, data.val, 8, CPU)
    scores = [clip_score(detector, data.features.windows(int(row)), 8, CPU) for row in data.val.rows]
    means = torch.from_numpy(table.clip_means(table.features)).float()
    with torch.inference_mode():
        expected = fake_probability(detector.head(means).double().numpy())
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert roc_auc_score(data.val.targets, scores) == progress.best_row["val_auc"]
    assert len(progress.rows) == len(SHRINKAGES)


def test_statistics_of_a_clip_are_over_its_windows():
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    table = feature_table.Table(features, np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0]))
    parts = [features[:3], features[3:4], features[4:]]
    expected = [np.concatenate([part.mean(0), part.std(0)]) for part in parts]
    np.testing.assert_allclose(table.clip_statistics(), expected, atol=1e-6)
    np.testing.assert_array_equal(table.window_targets, [0, 0, 0, 1, 0, 0])


def test_features_that_are_not_finite_name_the_clip(data):
    detector = make(data)
    with torch.no_grad():
        next(detector.audio.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match=r"train-00\.mp4: the backbone's features are not finite"):
        fit(detector, data)


def clips_of(targets: list[int], generators: list[str], sources: list[str | None] | None = None) -> Clips:
    n = len(targets)
    names = [f"{number}.mp4" for number in range(n)]
    return Clips(
        names,
        np.arange(n),
        np.full(n, 2),
        np.array(targets),
        generators,
        sources or [None] * n,
        [frozenset()] * n,
    )


def test_the_benchmark_fits_four_heads(monkeypatch):
    monkeypatch.setattr(linear_heads, "STRENGTHS", (0.01, 0.1))
    rng = np.random.default_rng(0)
    targets = np.arange(40) % 2
    features = rng.normal(size=(80, 5)).astype(np.float32)
    features[:, 2] += 3 * np.repeat(targets, 2)
    table = feature_table.Table(features, np.repeat(np.arange(40), 2), targets)
    heads = fit_heads(table, np.arange(40) // 2, seed=0)
    assert [name.partition(", C ")[0] for name, _ in heads] == ["windows", "mean", "mean and sd", "boosted"]
    other = feature_table.Table(
        features + rng.normal(size=features.shape).astype(np.float32), table.clip, targets
    )
    for name, score in heads:
        assert score(other).shape == (40,), name
        assert roc_auc_score(targets, score(other)) > 0.8, name


def test_the_benchmark_tells_generators_that_training_lacks():
    clips = {
        "train": clips_of([0, 1, 1], ["real", "a", "b"]),
        "val": clips_of([0, 0, 1, 1], ["real", "real", "a", "new"]),
    }
    assert aucs(np.array([0.2, 0.4, 0.1, 0.3]), clips, "val") == ("0.250", "0.500")
    clips["val"].generators[3] = "b"
    assert aucs(np.array([0.2, 0.4, 0.1, 0.3]), clips, "val") == ("0.250", "none")


def test_the_benchmark_keeps_a_source_together():
    groups = source_groups(clips_of([0, 1, 0, 1], ["real", "a", "real", "a"], ["x", None, "x", None]))
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3
