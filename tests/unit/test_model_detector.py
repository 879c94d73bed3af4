import numpy as np
import pytest
import torch

from avfake.errors import UserError
from avfake.model.detector import build
from avfake.model.inference import choose_device, clip_score, fake_probability, window_logits
from avfake.model.views import MAX_VIEWS, identity, make_views

CPU = torch.device("cpu")
SHAPE = (1, 32, 48)


@pytest.fixture(scope="module")
def detector():
    torch.manual_seed(0)
    return build("test_efficientnet", SHAPE)


def windows(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(0, 256, (n, *SHAPE), dtype=np.uint8)


def test_a_window_gives_two_logits_whatever_its_dtype(detector):
    pictures = torch.from_numpy(windows(3))
    with torch.inference_mode():
        assert detector(pictures).shape == (3, 2)
        assert torch.equal(detector(pictures), detector(pictures.float()))


def test_the_backbone_sees_the_range_it_was_made_for(detector):
    seen = []
    handle = detector.audio.backbone.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        detector(torch.tensor([[[[0.0] * 48] * 32], [[[255.0] * 48] * 32]]))
    handle.remove()
    mean, std = detector.audio.mean.item(), detector.audio.std.item()
    assert seen[0].shape == (2, *SHAPE)
    assert seen[0][0].unique().item() == pytest.approx(-mean / std)
    assert seen[0][1].unique().item() == pytest.approx((1 - mean) / std)


@pytest.mark.parametrize("channels", [1, 6])
@pytest.mark.parametrize("backbone", ["test_vit", "test_resnet", "mobilenetv3_small_050"])
def test_other_backbones_take_oblong_windows_of_any_number_of_channels(backbone, channels):
    shape = (channels, *SHAPE[1:])
    with torch.inference_mode():
        assert build(backbone, shape)(torch.zeros(2, *shape)).shape == (2, 2)


def test_an_unknown_backbone_names_its_neighbours():
    with pytest.raises(UserError, match="timm has no model `resnet81`") as caught:
        build("resnet81", SHAPE)
    assert "resnet18" in caught.value.remedy


def test_a_window_that_the_backbone_cannot_take_is_a_users_error():
    with pytest.raises(UserError, match="`test_vit` cannot take 1x33x50 windows"):
        build("test_vit", (1, 33, 50))


def test_a_clips_score_is_the_mean_over_windows_and_views(detector):
    pictures = windows(5)
    views = make_views(3, flip_time=True, flip_frequency=False)
    expected = []
    with torch.inference_mode():
        for view in views:
            logits = detector(view(torch.from_numpy(pictures)))
            expected.append(logits.softmax(1)[:, 1].mean().item())
    assert clip_score(detector, pictures, 2, CPU, views) == pytest.approx(np.mean(expected), abs=1e-6)


def test_logits_do_not_depend_on_the_cut_into_batches(detector):
    whole = window_logits(detector, windows(5), 8, CPU)
    assert whole.shape == (5, 2)
    np.testing.assert_allclose(window_logits(detector, windows(5), 2, CPU), whole, atol=1e-5)


def test_probabilities_stay_finite_for_huge_logits():
    np.testing.assert_array_equal(
        fake_probability(np.array([[0.0, 1e4], [1e4, 0.0], [0.0, 0.0]])), [1, 0, 0.5]
    )


def test_views_truly_differ():
    pictures = torch.from_numpy(windows(2))
    for mirrors in ((False, False), (True, False), (False, True), (True, True)):
        seen = [view(pictures) for view in make_views(MAX_VIEWS, *mirrors)]
        assert torch.equal(seen[0], pictures)
        for i, one in enumerate(seen):
            assert one.shape == pictures.shape
            assert not any(torch.equal(one, other) for other in seen[:i])


def test_a_mirror_is_a_view_only_if_training_mirrored():
    pictures = torch.from_numpy(windows(2))
    mirrored = torch.flip(pictures, (-1,))
    assert torch.equal(make_views(2, flip_time=True, flip_frequency=False)[1](pictures), mirrored)
    plain = make_views(MAX_VIEWS, flip_time=False, flip_frequency=False)
    assert not any(torch.equal(view(pictures), mirrored) for view in plain)


def test_one_view_is_the_window_itself():
    assert make_views(1, flip_time=True, flip_frequency=True) == [identity]


def test_more_views_than_there_are():
    with pytest.raises(UserError, match=r"predict\.tta: 9 views"):
        make_views(MAX_VIEWS + 1, flip_time=True, flip_frequency=True)


def test_cuda_without_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == CPU
    with pytest.raises(UserError, match="cuda"):
        choose_device("cuda")
