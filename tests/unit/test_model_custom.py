import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F

from avfake.errors import UserError
from avfake.model import budget, hub
from avfake.model.custom.graph import GraphAttention, GraphPool, HeterogeneousAttention
from avfake.model.custom.lcnn import MaxFeatureMap, band_means
from avfake.model.custom.spectro_temporal import band_places
from avfake.model.detector import build, make_backbone
from avfake.model.inference import deterministic

NAMES = {"avfake_spectro_temporal": (160, 64, 8), "avfake_lcnn": (80, 128, 16)}
SHAPE = (1, 32, 48)


def windows(n: int, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(n).integers(0, 256, (n, *shape), dtype=np.uint8))


def make(name: str, shape: tuple[int, int, int] = SHAPE):
    torch.manual_seed(0)
    return build(name, shape)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 45, 70), (6, 80, 401)])
def test_windows_of_any_size_give_logits(name, shape):
    detector = make(name, shape)
    with torch.inference_mode():
        assert detector(windows(2, shape)).shape == (2, 2)
        assert detector.audio(windows(2, shape)).shape == (2, NAMES[name][0])
    assert (detector.audio.mean.item(), detector.audio.std.item()) == (0.5, 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_below_a_million_parameters_and_thop_counts_them_all(name):
    size = budget.measure(make(name), SHAPE)
    assert size.parameters == size.parameters_thop < 1_000_000
    larger = budget.measure(make(name), (1, 64, 96))
    assert larger.parameters == size.parameters
    assert larger.macs_thop > 3 * size.macs_thop > 1e6


@pytest.mark.parametrize(("name", "sizes"), NAMES.items())
def test_a_network_has_the_parts_that_timm_names(name, sizes):
    n_features, n_map, stride = sizes
    network = make_backbone(name, (2, 64, 96), num_classes=5).eval()
    image = torch.randn(1, 2, 64, 96)
    with torch.inference_mode():
        found = network.forward_features(image)
        assert found.shape == (1, n_map, 64 // stride, 96 // stride)
        assert network.num_features == n_map
        assert network.head_hidden_size == n_features
        assert torch.equal(network.forward_head(found), network(image))
        features = network.forward_head(found, pre_logits=True)
        assert torch.equal(network.get_classifier()(features), network(image))
        network.reset_classifier(0)
        assert torch.equal(network(image), features)


@pytest.mark.parametrize("name", NAMES)
def test_a_window_has_its_score_whatever_its_neighbours(name):
    detector = make(name)
    pictures = windows(3)
    with torch.inference_mode():
        alone = torch.cat([detector(picture[None]) for picture in pictures])
        torch.testing.assert_close(detector(pictures), alone, atol=1e-5, rtol=1e-5)
    assert alone.std(dim=0).min() > 0


@pytest.mark.parametrize("name", NAMES)
def test_training_learns_and_repeats_to_the_bit(name):
    pictures, targets = windows(8, (1, 32, 32)).float() * 0.4, torch.arange(8) % 2
    pictures[targets == 1, :, :8] += 150

    def losses(steps: int) -> list[float]:
        detector = make(name).train()
        optimiser = torch.optim.Adam(detector.parameters(), lr=0.003)
        found = []
        for _ in range(steps):
            loss = F.cross_entropy(detector(pictures), targets)
            optimiser.zero_grad()
            loss.backward()
            assert all(parameter.grad is not None for parameter in detector.parameters())
            optimiser.step()
            found.append(loss.item())
        return found

    with deterministic(1):
        first = losses(12)
        assert np.mean(first[-4:]) < 0.7 * first[0]
        assert losses(4) == first[:4]  # the fourth follows from all weights after the third


def test_nodes_have_no_order():
    torch.manual_seed(1)
    nodes, order = torch.randn(2, 7, 6), torch.randperm(7)
    layer = GraphAttention(6, 4, temperature=2.0).eval()
    with torch.inference_mode():
        torch.testing.assert_close(layer(nodes[:, order]), layer(nodes)[:, order])


def test_both_kinds_of_nodes_tell_the_stack_node_and_each_other():
    torch.manual_seed(2)
    first, second, stack = torch.randn(2, 5, 6), torch.randn(2, 3, 6), torch.randn(2, 1, 6)
    layer = HeterogeneousAttention(6, 4, temperature=1.0).eval()
    order = torch.randperm(5)
    with torch.inference_mode():
        out = layer(first, second, stack)
        assert [part.shape for part in out] == [(2, 5, 4), (2, 3, 4), (2, 1, 4)]
        shuffled = layer(first[:, order], second, stack)
        for one, other in zip((out[0][:, order], *out[1:]), shuffled, strict=True):
            torch.testing.assert_close(one, other)
        changed = layer(first, second + 1, stack)
        assert all((a - b).abs().max() > 1e-3 for a, b in zip(out, changed, strict=True))
        # the stack node takes and gives nothing
        other_stack = layer(first, second, stack + 1)
        assert torch.equal(out[0], other_stack[0])
        assert torch.equal(out[1], other_stack[1])
        assert not torch.equal(out[2], other_stack[2])


def test_each_kind_of_pair_has_its_score():
    kinds = HeterogeneousAttention._by_kind(torch.arange(3.0).expand(1, 5, 5, 3), 2)[0]
    expected = torch.full((5, 5), 2.0)
    expected[:2, :2] = 0
    expected[2:, 2:] = 1
    assert torch.equal(kinds, expected)


def test_pooling_keeps_the_best_nodes():
    pool = GraphPool(1, 0.5).eval()
    with torch.inference_mode():
        pool.score.weight.fill_(1)
        pool.score.bias.fill_(0)
        nodes = torch.tensor([[[-1.0], [3.0], [2.0], [-5.0], [0.0]]])
        kept = pool(nodes)
        assert torch.equal(kept, torch.tensor([[[3.0], [2.0]]]) * torch.tensor([[[3.0], [2.0]]]).sigmoid())
        assert pool(nodes[:, :1]).shape == (1, 1, 1)


def test_the_larger_half_of_the_channels_passes():
    x = torch.tensor([[1.0, -2.0, 0.5, 3.0]])
    assert torch.equal(MaxFeatureMap()(x), torch.tensor([[1.0, 3.0]]))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 13])
def test_four_bands_average_all_rows(n):
    weights = band_means(n)
    assert weights.shape == (n, 4)
    torch.testing.assert_close(weights.sum(0), torch.ones(4))
    torch.testing.assert_close(weights.sum(1), torch.full((n,), 4 / n))  # every row counts as much
    rows = torch.randn(1, n)
    if n == 8:
        torch.testing.assert_close(rows @ weights, F.adaptive_avg_pool1d(rows, 4))


def test_every_band_is_told_its_own_place():
    places = band_places(20)
    assert places.shape == (20, 16)
    torch.testing.assert_close(places.T @ places, 10 * torch.eye(16), atol=1e-4, rtol=0)
    assert torch.cdist(places, places)[~torch.eye(20, dtype=torch.bool)].min() > 0.5


def test_there_are_no_published_weights_to_begin_with():
    for name in NAMES:
        assert timm.get_pretrained_cfg(name).hf_hub_id is None
        with pytest.raises(UserError, match="no weights"):
            hub.imagenet1k_name(name)


def test_a_misspelt_name_and_windows_that_are_too_low():
    with pytest.raises(UserError, match="no model `avfake_lcn`") as caught:
        build("avfake_lcn", SHAPE)
    assert "avfake_lcnn" in caught.value.remedy
    with pytest.raises(UserError, match="cannot take 1x8x48 windows"):
        build("avfake_lcnn", (1, 8, 48))
