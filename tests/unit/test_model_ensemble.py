"""Several detectors as one: their mean, their bags of clips, what they are taught."""

import numpy as np
import pytest
import torch

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.bagging import bag
from avfake.model.clips import Clips
from avfake.model.detector import build
from avfake.model.distillation import divergence
from avfake.model.ensemble import Ensemble, members_of
from avfake.model.folds import held_out
from avfake.model.inference import clip_score, fake_probability, window_logits
from avfake.model.members import mean_rows, member_params
from avfake.model.views import make_views
from train_params import train_params

SHAPE = (1, 32, 48)
CPU = torch.device("cpu")


def an_ensemble(n: int = 3) -> Ensemble:
    torch.manual_seed(0)
    members = [build("test_resnet", SHAPE) for _ in range(n)]
    for member in members:  # as `build` leaves them, all say nearly one half
        torch.nn.init.normal_(member.head.weight)
    return Ensemble(members).eval()


def some_clips(sources: list[str | None], targets: list[int]) -> Clips:
    n = len(sources)
    return Clips(
        names=[f"{place}.mp4" for place in range(n)],
        rows=np.arange(n) + 5,
        counts=np.ones(n, np.int64),
        targets=np.array(targets),
        generators=[f"g{place % 3}" if target else "real" for place, target in enumerate(targets)],
        sources=sources,
        parents=[frozenset()] * n,
    )


def test_a_score_is_the_mean_over_the_members():
    ensemble = an_ensemble()
    windows = np.random.default_rng(0).integers(0, 256, (5, *SHAPE)).astype(np.uint8)
    views = make_views(3, True, False)
    each = [clip_score(member, windows, 2, CPU, views) for member in ensemble]
    assert max(each) - min(each) > 0.01
    assert clip_score(ensemble, windows, 2, CPU, views) == pytest.approx(np.mean(each), abs=1e-12)
    by_window = [fake_probability(window_logits(member, windows, 2, CPU)) for member in ensemble]
    found = fake_probability(window_logits(ensemble, windows, 2, CPU))
    np.testing.assert_allclose(found, np.mean(by_window, axis=0), atol=1e-6)


def test_members_that_are_sure_of_opposite_classes_have_a_mean():
    """The mean of probabilities 1 and 0 is one half; as logarithms they would have none."""
    ensemble = an_ensemble(2)
    for sign, member in zip((1, -1), ensemble, strict=True):
        torch.nn.init.zeros_(member.head.weight)
        member.head.bias.data = torch.tensor([-300.0, 300.0]) * sign
    logits = window_logits(ensemble, np.zeros((1, *SHAPE), np.uint8), 1, CPU)
    assert fake_probability(logits)[0] == pytest.approx(0.5, abs=1e-6)


def test_all_members_count_as_parameters():
    ensemble = an_ensemble()
    one = budget.measure(build("test_resnet", SHAPE), SHAPE)
    assert budget.measure(ensemble, SHAPE) == one.times(3)
    assert len(members_of(ensemble)) == len(ensemble) == 3
    assert members_of(first := members_of(ensemble)[0]) == [first]


def test_a_bag_of_clips_is_as_large_and_draws_some_twice():
    clips = some_clips([None] * 100, [0, 1] * 50)
    drawn = bag(clips, "clips", 3)
    assert len(drawn) == 100
    assert 50 < len(set(drawn.names)) < 80  # 1 - 1 / e of them, roughly
    places = drawn.rows - 5
    assert drawn.names == [f"{place}.mp4" for place in places]
    assert (drawn.targets == clips.targets[places]).all()
    assert bag(clips, "clips", 3).names == drawn.names != bag(clips, "clips", 4).names
    assert bag(clips, "none", 3) is clips


def test_a_bag_of_sources_has_all_clips_of_each():
    sources = [f"s{place % 10}" for place in range(60)] + [None] * 3
    drawn = bag(some_clips(sources, [0, 1, 0] * 21), "sources", 1)
    times: dict[str, set[int]] = {}
    for place in range(63):
        unit = sources[place] or f"clip {place}"
        times.setdefault(unit, set()).add(drawn.names.count(f"{place}.mp4"))
    assert all(len(counts) == 1 for counts in times.values())
    assert sum(counts.pop() for counts in times.values()) == 13


def test_a_bag_without_one_of_the_classes_is_drawn_again():
    clips = some_clips(["a"] * 4 + ["b"], [0, 0, 0, 0, 1])
    for seed in range(20):
        assert set(bag(clips, "sources", seed).names) == set(clips.names)
    with pytest.raises(UserError, match=r"100 samples of 1 sources all lack"):
        bag(some_clips(["a", "a"], [0, 0]), "sources", 0)


def test_copies_of_a_clip_are_held_out_together():
    clips = some_clips([None] * 12, [0, 1] * 6)
    twice = clips.at(np.repeat(np.arange(12), 2))
    held = held_out(twice, 3, 0)
    assert (held[:, ::2] == held[:, 1::2]).all()
    assert (held[:, ::2] == held_out(clips, 3, 0)).all()


def test_a_member_has_its_seed_and_no_ensemble():
    params = train_params(ensemble={"members": 3, "bagging": "clips"}, seed=2**32 - 1)
    assert member_params(params, 0) == train_params(seed=2**32 - 1)
    assert member_params(params, 2) == train_params(seed=1)


def test_the_mean_of_an_epoch_is_over_the_members_that_had_it():
    rows = [[{"epoch": 1, "x": 1.0}, {"epoch": 2, "x": 5.0}], [{"epoch": 1, "x": 2.0}]]
    assert mean_rows(rows) == [{"epoch": 1, "x": 1.5}, {"epoch": 2, "x": 5.0}]


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_the_distance_to_the_teacher_is_that_of_the_paper(temperature):
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.5]], dtype=torch.float64, requires_grad=True)
    soft = torch.tensor([[1.0, 0.0], [-1.0, 3.0]], dtype=torch.float64)
    own, wanted = ((values.detach() / temperature).softmax(1) for values in (logits, soft))
    expected = temperature**2 * (wanted * (wanted / own).log()).sum(1).mean()
    found = divergence(logits, soft, temperature)
    assert found.item() == pytest.approx(expected.item())
    found.backward()
    torch.testing.assert_close(logits.grad, temperature * (own - wanted) / 2)
    assert divergence(soft, soft, temperature).item() == pytest.approx(0)
