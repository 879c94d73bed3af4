"""Detectors with eyes: what they make of pairs, with both streams and with one of them."""

import dataclasses

import numpy as np
import pytest
import torch

from avfake.errors import UserError
from avfake.model import budget
from avfake.model.assembly import assemble
from avfake.model.fusion import FUSIONS
from avfake.model.inference import clip_score, fake_probability, window_logits
from avfake.model.streams import MISSING, Streams
from avfake.model.views import identity, make_face_views
from avfake.model.visual import Sight

CPU = torch.device("cpu")
SHAPE = (1, 32, 48)
SIDE = 32


def sight(modality: str = "both", fusion: str = "score", **values: object) -> Sight:
    return dataclasses.replace(Sight(modality, "test_resnet", SIDE, None, fusion), **values)


def made(modality: str = "both", fusion: str = "score"):
    torch.manual_seed(3)
    return assemble("test_efficientnet", SHAPE, sight(modality, fusion))


def streams(pairs: list[tuple[int, int]], n: int = 3, m: int = 2, seed: int = 0) -> Streams:
    rng = np.random.default_rng(seed)
    return Streams(
        rng.integers(0, 256, (n, *SHAPE), dtype=np.uint8),
        rng.integers(0, 256, (m, SIDE, SIDE, 3), dtype=np.uint8),
        np.array(pairs, np.int64),
    )


PAIRS = [(0, 0), (1, 0), (1, 1), (2, 1)]


@pytest.fixture(scope="module", params=list(FUSIONS))
def detector(request):
    return made(fusion=request.param)


def test_a_pair_gives_two_logits_whatever_the_cut_into_batches(detector):
    whole = window_logits(detector, streams(PAIRS), 8, CPU)
    assert whole.shape == (4, 2)
    np.testing.assert_allclose(window_logits(detector, streams(PAIRS), 1, CPU), whole, atol=1e-5)


@pytest.mark.parametrize("pair", [(0, MISSING), (MISSING, 0)])
def test_a_missing_stream_leaves_a_score_that_does_not_depend_on_it(detector, pair):
    """What lies in the batch beside it, and what the other clips of a batch have, is of no consequence."""
    alone = window_logits(detector, streams([pair]), 8, CPU)
    among = window_logits(detector, streams([pair, (1, 1)]), 8, CPU)
    assert np.isfinite(alone).all()
    np.testing.assert_allclose(among[:1], alone, atol=1e-5)
    with_both = window_logits(detector, streams([(0, 0)]), 8, CPU)
    assert np.abs(with_both - alone).max() > 1e-4


def test_both_counts_agree_and_count_both_branches(detector):
    size = budget.measure(detector, SHAPE)
    assert size.parameters == size.parameters_thop
    assert size.parameters > sum(p.numel() for p in detector.audio.parameters()) + sum(
        p.numel() for p in detector.visual.parameters()
    )


def test_training_reaches_all_weights_and_bears_a_stream_that_no_pair_has(detector):
    detector.train()
    try:
        detector.zero_grad()
        pairs = streams([(0, 0), (1, MISSING), (MISSING, 1)]).batch(0, 3).tensors(CPU)
        torch.nn.functional.cross_entropy(detector(pairs), torch.tensor([0, 1, 0])).backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in detector.parameters())
        for pair in ((0, MISSING), (MISSING, 0)):
            lonely = streams([pair]).batch(0, 1).tensors(CPU)
            assert torch.isfinite(detector(lonely)).all()
    finally:
        detector.eval()


def test_the_score_average_is_the_mean_of_both_probabilities():
    detector = made(fusion="score")
    both, sound, picture = (
        fake_probability(window_logits(detector, streams([pair]), 8, CPU))
        for pair in ((0, 0), (0, MISSING), (MISSING, 0))
    )
    assert both == pytest.approx((sound + picture) / 2, abs=1e-6)
    assert abs(sound - picture) > 1e-3


def test_a_branch_sees_only_what_is_there():
    """Statistics of batch normalisation are of real windows, not of blanks that stand for missing ones."""
    detector, shapes = made(), []
    detector.audio.register_forward_pre_hook(lambda _, inputs: shapes.append(inputs[0].shape[0]))
    window_logits(detector, streams([(0, 0), (0, 1), (MISSING, 1), (2, 0)]), 8, CPU)
    assert shapes == [2]


def test_a_detector_of_the_picture_has_no_ears():
    detector = made("picture")
    assert detector.modality == "picture"
    assert not any(name.startswith("audio") for name in detector.state_dict())
    faces = streams([(MISSING, 0), (MISSING, 1)], n=0)
    mirror = make_face_views(2, mirrored=True)[1]
    expected = []
    for view in (identity, mirror):
        logits = window_logits(detector, faces, 8, CPU, view)
        expected.append(fake_probability(logits).mean())
    assert expected[0] != expected[1]
    assert clip_score(detector, faces, 8, CPU, (identity, mirror)) == pytest.approx(np.mean(expected))


def test_more_views_of_a_face_than_there_are():
    with pytest.raises(UserError, match=r"predict\.tta: 2 views .* training did not mirror"):
        make_face_views(2, mirrored=False)


def test_crops_are_brought_to_size_and_to_the_range_of_the_backbone():
    torch.manual_seed(0)
    detector = assemble("", SHAPE, sight("picture", image_size=48))
    seen = []
    detector.visual.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    white = Streams(
        np.zeros((0, *SHAPE), np.uint8), np.full((1, SIDE, SIDE, 3), 255, np.uint8), np.array([[-1, 0]])
    )
    window_logits(detector, white, 8, CPU)
    assert seen[0].shape == (1, 3, 48, 48)
    expected = ((1 - detector.visual.mean) / detector.visual.std).expand(3, 48, 48)
    torch.testing.assert_close(seen[0][0], expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"backbone": "resnet81"}, r"train\.visual\.backbone: timm has no model `resnet81`"),
        ({"backbone": "test_vit", "image_size": 33}, "cannot take faces of 33 pixels|timm cannot build"),
    ],
)
def test_a_wrong_backbone_of_the_faces_names_its_own_parameter(values, message):
    with pytest.raises(UserError, match=message) as caught:
        assemble("", SHAPE, sight("picture", **values))
    assert "train.visual.backbone" in caught.value.message
