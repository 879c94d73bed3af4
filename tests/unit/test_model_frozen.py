import numpy as np
import pytest
import torch
from benchmarks.frozen_features import aucs, fit_heads, source_groups
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avfake.errors import RunError
from avfake.model import frozen
from avfake.model.clips import Clips, open_inputs, select_training
from avfake.model.detector import build
from avfake.model.inference import clip_score, deterministic, fake_probability, window_logits
from avfake.model.saved import load_model, save_model
from avfake.model.training import Data
from toy_features import make_workspace

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Data:
    folder = make_workspace(tmp_path_factory.mktemp("frozen"), contrast=40)
    features, labels = open_inputs(folder / "data/features", folder / "data/labels")
    return Data(features, *select_training(features.index, labels))


def make(data: Data):
    torch.manual_seed(0)
    return build("test_efficientnet", data.features.shape)


@pytest.fixture(scope="module")
def fitted(data):
    with deterministic(1):
        detector = make(data)
        progress = frozen.fit_linear_head(detector, data, 8, False, CPU)
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
    table = frozen.read_table(detector, data.features, data.train, 8, CPU)
    weights = 1 / np.bincount(table.clip)[table.clip]
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=frozen.STRENGTHS[int(progress.best_row["epoch"]) - 1], max_iter=2000),
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
    facts = {"backbone": "test_efficientnet", "features": data.features.info, "train": {}, "prior": 0.5}
    save_model(tmp_path, detector, facts)
    loaded = load_model(tmp_path).detector
    scores = [clip_score(loaded, data.features.windows(int(row)), 8, CPU) for row in data.val.rows]
    assert roc_auc_score(data.val.targets, scores) == progress.best_row["val_auc"] > 0.8


def test_every_strength_is_a_row_and_the_backbone_stays(data, fitted):
    detector, progress = fitted
    assert [row["epoch"] for row in progress.rows] == list(range(1, len(frozen.STRENGTHS) + 1))
    losses = [row["train_loss"] for row in progress.rows]
    assert losses == sorted(losses, reverse=True)  # the weaker the penalty, the closer to the training clips
    before, after = make(data).state_dict(), detector.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"head.weight", "head.bias"}


def test_again_gives_the_same_bytes(data, fitted):
    with deterministic(1):
        told: list[dict[str, float]] = []
        again = frozen.fit_linear_head(make(data), data, 8, False, CPU, told.append)
    assert told == again.rows == fitted[1].rows
    assert all(torch.equal(again.best[key], value) for key, value in fitted[1].best.items())


def test_a_window_twice_at_half_the_weight_changes_nothing():
    features, targets, weights = random_problem()
    once = frozen.fit_linear(features, targets, weights, 0.1)
    twice = frozen.fit_linear(
        np.repeat(features, 2, axis=0), np.repeat(targets, 2), np.repeat(weights / 2, 2), 0.1
    )
    np.testing.assert_allclose(twice.log_odds(features), once.log_odds(features), atol=1e-3)
    lighter = frozen.fit_linear(features, targets, weights / 100, 0.1)
    assert np.abs(lighter.log_odds(features) - once.log_odds(features)).max() > 0.1


def test_a_feature_that_hardly_varies_has_no_weight():
    features, targets, weights = random_problem()
    features[:, 3] = 0
    features[:, 4] = 1000 + 0.01 * targets  # would tell everything, and nothing of it in float32
    linear = frozen.fit_linear(features, targets, weights, 1.0)
    assert linear.weights[3] == linear.weights[4] == 0
    assert (linear.weights[:3] != 0).all()
    nothing = frozen.fit_linear(np.ones_like(features), targets, np.ones(len(targets)), 1.0)
    share = targets.mean()
    np.testing.assert_allclose(nothing.log_odds(features), np.log(share / (1 - share)), atol=1e-3)


def test_balanced_classes_weigh_the_same():
    targets = np.array([0, 1, 1, 1])
    np.testing.assert_array_equal(frozen.clip_weights(targets, False), 1)
    weights = frozen.clip_weights(targets, True)
    assert weights[targets == 0].sum() == weights[targets == 1].sum() == 2
    features = np.zeros((4, 2))
    linear = frozen.fit_linear(features, targets, weights, 1.0)
    np.testing.assert_allclose(linear.log_odds(features), 0, atol=1e-6)


def test_statistics_of_a_clip_are_over_its_windows():
    features = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    table = frozen.Table(features, np.array([0, 0, 0, 1, 2, 2]), np.array([0, 1, 0]))
    parts = [features[:3], features[3:4], features[4:]]
    expected = [np.concatenate([part.mean(0), part.std(0)]) for part in parts]
    np.testing.assert_allclose(table.clip_statistics(), expected, atol=1e-6)
    np.testing.assert_array_equal(table.window_targets, [0, 0, 0, 1, 0, 0])


def test_features_that_are_not_finite_name_the_clip(data):
    detector = make(data)
    with torch.no_grad():
        next(detector.audio.parameters()).fill_(float("nan"))
    with pytest.raises(RunError, match=r"train-00\.mp4: the backbone's features are not finite"):
        frozen.fit_linear_head(detector, data, 8, False, CPU)


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
    monkeypatch.setattr(frozen, "STRENGTHS", (0.01, 0.1))
    rng = np.random.default_rng(0)
    targets = np.arange(40) % 2
    features = rng.normal(size=(80, 5)).astype(np.float32)
    features[:, 2] += 3 * np.repeat(targets, 2)
    table = frozen.Table(features, np.repeat(np.arange(40), 2), targets)
    heads = fit_heads(table, np.arange(40) // 2, seed=0)
    assert [name.partition(", C ")[0] for name, _ in heads] == ["windows", "mean", "mean and sd", "boosted"]
    other = frozen.Table(features + rng.normal(size=features.shape).astype(np.float32), table.clip, targets)
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
