"""Attention over the windows of a clip: its arithmetic, its batches, its parameters, what it saves."""

import numpy as np
import pytest
import torch

from avfake.explain.result import summary
from avfake.model import budget
from avfake.model.attention import HIDDEN, pooled
from avfake.model.bags import BagEpoch, bags_per_batch, gathered, n_updates
from avfake.model.batches import Epoch, draw_epoch
from avfake.model.clips import Clips
from avfake.model.detector import build
from avfake.model.ensemble import Ensemble
from avfake.model.inference import clip_logits, clip_score, fake_probability, window_logits
from avfake.model.pooling import attend, bag_logits, is_attentive
from avfake.model.saved import load_model, save_model
from avfake.model.views import identity, make_views
from train_params import train_params

SHAPE = (1, 32, 48)
CPU = torch.device("cpu")


def detector(seed: int = 0, pooling: str = "attention"):
    torch.manual_seed(seed)
    return build("test_resnet", SHAPE, pooling=pooling)


def windows(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *SHAPE)).astype(np.uint8)


def clips(counts: list[int]) -> Clips:
    n = len(counts)
    return Clips(
        [f"{place}.mp4" for place in range(n)], np.arange(n), np.array(counts), np.arange(n) % 2,
        [None] * n, [None] * n, [frozenset()] * n,
    )  # fmt: skip


def test_a_clip_is_the_head_of_the_average_of_its_features():
    made, seen = detector(), windows(5)
    with torch.inference_mode():
        features = made.audio(torch.from_numpy(seen))
        head = made.head
        relevance = (
            torch.tanh(features @ head.content.weight.T + head.content.bias)
            * torch.sigmoid(features @ head.gate.weight.T + head.gate.bias)
        ) @ head.weight.weight[0]
        shares = torch.softmax(relevance, 0)
        expected = head.linear(shares @ features)
    found = attend(made, seen, 2, CPU)
    np.testing.assert_allclose(found.shares, shares.numpy(), rtol=1e-4)
    np.testing.assert_allclose(found.clip[0], expected.numpy(), rtol=1e-4)
    assert found.shares.sum() == pytest.approx(1)
    assert found.shares.std() > 1e-4
    score = clip_score(made, seen, 2, CPU)
    assert score == pytest.approx(float(torch.softmax(expected, 0)[1]), abs=1e-6)
    assert score == pytest.approx(clip_score(made, seen, 32, CPU), abs=1e-6)
    views = make_views(2, flip_time=True, flip_frequency=False)
    each = [fake_probability(attend(made, seen, 32, CPU, view).clip)[0] for view in views]
    assert clip_score(made, seen, 32, CPU, views) == pytest.approx(np.mean(each))


def test_a_window_by_itself_is_judged_as_without_attention():
    plain, made = detector(pooling="mean"), detector()
    assert not is_attentive(plain)
    assert is_attentive(made)
    seen = windows(3)
    # The backbone and the linear head are drawn before the attention is.
    np.testing.assert_array_equal(window_logits(made, seen, 8, CPU), window_logits(plain, seen, 8, CPU))
    np.testing.assert_allclose(
        attend(made, seen[:1], 8, CPU).clip, window_logits(plain, seen[:1], 8, CPU), rtol=1e-6
    )
    assert clip_logits(plain, seen, 8, CPU).shape == (3, 2)


def test_bags_of_a_batch_are_pooled_apart_and_gradients_reach_the_attention():
    made, seen = detector(), windows(5)
    bags = np.array([0, 0, 0, 1, 1])
    logits = bag_logits(made, torch.from_numpy(seen), bags)
    for number, part in enumerate((seen[:3], seen[3:])):
        np.testing.assert_allclose(logits[number].detach(), attend(made, part, 8, CPU).clip[0], rtol=1e-4)
    logits.sum(dim=0)[1].backward()
    assert all(parameter.grad is not None for parameter in made.parameters())
    assert float(made.head.weight.weight.grad.abs().max()) > 0
    one = pooled(torch.tensor([[1.0, 2.0]]), torch.tensor([-300.0]), torch.tensor([0]))
    assert one.tolist() == [[1.0, 2.0]]


def test_an_ensemble_is_the_mean_of_its_members_clips():
    members = [detector(seed) for seed in (1, 2)]
    together, seen = Ensemble(members).eval(), windows(4)
    expected = np.mean([clip_score(member, seen, 8, CPU) for member in members])
    assert clip_score(together, seen, 8, CPU) == pytest.approx(expected)
    assert fake_probability(clip_logits(together, seen, 8, CPU, identity))[0] == pytest.approx(expected)


def test_its_parameters_are_counted_by_both_counts_and_saved(tmp_path):
    made = detector()
    size, plain = budget.measure(made, SHAPE), budget.measure(detector(pooling="mean"), SHAPE)
    n = made.head.linear.in_features
    assert size.parameters == size.parameters_thop == plain.parameters + 2 * HIDDEN * (n + 1) + HIDDEN
    facts = {"backbone": "test_resnet", "features": {"shape": SHAPE}, "prior": 0.5}
    train = {"readout": {"stages": [], "bands": 4}, "pooling": "attention"}
    save_model(tmp_path, made, {**facts, "train": train})
    loaded = load_model(tmp_path).detector
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, made.state_dict()[name]), name


def test_windows_of_a_drawing_of_a_clip_lie_together():
    own = clips([5, 1, 2, 7, 3, 4])
    params = train_params(windows_per_clip=3, pooling="attention", balance="class", batch_size=7, epochs=2)
    for epoch, updates in zip((1, 2), n_updates(own, params), strict=True):
        drawn = draw_epoch(own, params, epoch)
        bags = gathered(drawn, own, 3)
        pairs = zip(drawn.clip.tolist(), drawn.window.tolist(), strict=True)
        assert sorted(pairs) == sorted(zip(bags.clip.tolist(), bags.window.tolist(), strict=True))
        assert np.array_equal(np.unique(bags.bag), np.arange(len(bags.firsts)))
        assert (np.diff(bags.bag) >= 0).all()
        for number in range(len(bags.firsts)):
            inside = bags.clip[bags.bag == number]
            assert len(set(inside.tolist())) == 1
            assert len(inside) == min(3, own.counts[inside[0]])
        bounds = bags.bounds(7)
        assert len(bounds) == updates
        assert [start for start, _ in bounds] == [0, *(end for _, end in bounds[:-1])]
        assert bounds[-1][1] == len(bags)
        for start, end in bounds:
            inside = bags.within(start, end)
            assert inside[0] == 0
            assert len(np.unique(inside)) == inside[-1] + 1 >= 2
            assert end == len(bags) or bags.bag[end] != bags.bag[end - 1]
            assert len(np.unique(inside)) <= bags_per_batch(7, 3) + 1


def test_mirrors_stay_with_their_windows():
    drawn = Epoch(
        clip=np.array([1, 0, 1, 0]), window=np.array([3, 2, 1, 0]),
        flip_time=np.array([True, False, False, True]), flip_frequency=np.array([False, True, True, False]),
    )  # fmt: skip
    bags = gathered(drawn, clips([4, 4]), 2)
    assert isinstance(bags, BagEpoch)
    assert bags.clip.tolist() == [1, 1, 0, 0]
    assert bags.window.tolist() == [3, 1, 2, 0]
    assert bags.flip_time.tolist() == [True, False, False, True]
    assert bags.flip_frequency.tolist() == [False, True, True, False]
    assert bags.bag.tolist() == [0, 0, 1, 1]


def test_an_explanation_says_how_windows_were_joined():
    piece = {"begin": 0.0, "end": 1.0, "score": 0.5, "log_odds": 0.0}
    found = {"score": 0.5, "sound": {"windows": [piece], "heat": None, "lines": None}, "notes": []}
    assert summary(found)[0] == "score 0.500000, the mean of 1 windows"
    found["sound"]["windows"] = [{**piece, "share": 1.0}]
    assert summary(found)[0] == "score 0.500000, by attention over 1 windows"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"frozen_head": "linear"}, "neither with frozen_head nor with distil"),
        ({"augmentation": {"mixup": 0.2}}, "mixup and cutmix mix windows of several"),
        ({"windows_per_clip": 1}, "windows_per_clip of 2 at least"),
        ({"windows_per_clip": 4, "batch_size": 7}, "batch_size of twice as many"),
    ],
)
def test_what_does_not_go_with_attention(values, words):
    with pytest.raises(ValueError, match=words):
        train_params(values.pop("augmentation", None), pooling="attention", **values)
