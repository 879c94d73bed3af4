"""Detectors of every kind as ONNX: onnxruntime says what torch says, for any number of windows and faces."""

import numpy as np
import pytest
import torch

from avfake import clip_scorer
from avfake.errors import RunError
from avfake.export import compare as comparing
from avfake.export import onnx_detector
from avfake.export import saved as export_saved
from avfake.export.compare import BATCH_SIZES, Differences, compare, joined
from avfake.export.graph import to_onnx
from avfake.export.onnx_detector import OnnxDetector
from avfake.export.saved import make_session
from avfake.model.assembly import assemble
from avfake.model.detector import FAKE, REAL
from avfake.model.ensemble import Ensemble, members_of
from avfake.model.inference import clip_score, window_logits
from avfake.model.saved import FACTS
from avfake.model.streams import BOTH, MISSING, PICTURE, SOUND, Streams
from avfake.model.visual import Sight
from avfake.params.train import ReadoutParams

SHAPE = (2, 32, 48)
FACE = 24
CPU = torch.device("cpu")


def sight(modality: str, fusion: str = "score") -> Sight:
    return Sight(modality, "test_resnet", FACE, 32, fusion)


def made(scale: float = 20.0, **arguments):
    """A detector whose log-odds are about as large as those of a trained one."""
    torch.manual_seed(0)
    detector = assemble("test_resnet", SHAPE, **arguments)
    with torch.no_grad():
        for name, parameter in detector.named_parameters():
            if "head" in name and parameter.ndim == 2:
                parameter.mul_(scale)
    return detector


def ensemble():
    members = [made(pooling="attention"), made(pooling="attention")]
    with torch.no_grad():
        for parameter in members[1].head.parameters():
            parameter.mul_(-0.5)
    return Ensemble(members).eval()


KINDS = {
    "log_odds, readout and lines": lambda: made(
        pooling="log_odds", readout=ReadoutParams(stages=[2, 3], bands=2), lines=True
    ),
    "attention and ensemble": ensemble,
    "picture": lambda: made(sight=sight("picture")),
    "both, score": lambda: made(sight=sight("both")),
    "both, attention": lambda: made(1.0, sight=sight("both", "attention")),
}


def clips(modality: str) -> list:
    rng = np.random.default_rng(0)
    windows = [rng.integers(0, 256, (n, *SHAPE)).astype(np.uint8) for n in (1, 3, 40)]
    if modality == "sound":
        return windows
    faces = [rng.integers(0, 256, (n, FACE, FACE, 3)).astype(np.uint8) for n in (1, 4, 35)]
    if modality == "picture":
        numbers = [np.arange(len(part)) for part in faces]
        pairs = [np.stack([np.full(len(own), MISSING), own], axis=1) for own in numbers]
        return [
            Streams(np.zeros((0, *SHAPE), np.uint8), part, own)
            for part, own in zip(faces, pairs, strict=True)
        ]
    return [
        Streams(windows[0], faces[0], np.array([[0, 0]])),
        Streams(windows[1], faces[1][:0], np.array([[0, MISSING], [1, MISSING], [2, MISSING]])),
        Streams(windows[1][:0], faces[1], np.array([[MISSING, n] for n in range(4)])),
        Streams(windows[2], faces[2], np.array([[n, min(n, 34)] for n in range(40)])),
    ]


@pytest.fixture(scope="module", params=KINDS)
def exported(request):
    detector = KINDS[request.param]()
    model = to_onnx(detector, SHAPE)
    session = make_session(model.SerializeToString(deterministic=True), 1)
    return detector, OnnxDetector(session, detector.modality, detector.pooling, SHAPE, FACE), model


def test_scores_and_logits_are_those_of_torch(exported):
    detector, onnx, _ = exported
    seen = clips(detector.modality)
    scores = [clip_score(detector, looks, 32, CPU) for looks in seen]
    assert np.ptp(scores) > 1e-3
    for looks, score in zip(seen, scores, strict=True):
        assert onnx.clip_score(looks, 32) == pytest.approx(score, abs=1e-5)
        logits = window_logits(detector, looks, 32, CPU)
        np.testing.assert_allclose(onnx.window_logits(looks, 32), logits, atol=1e-4)
        odds = np.stack([window_logits(member, looks, 32, CPU) for member in members_of(detector)], axis=1)
        parts = 1 / (1 + np.exp(odds[..., 0] - odds[..., 1]))
        np.testing.assert_allclose(onnx.judge(looks, 32).parts, parts.mean(axis=1), atol=1e-5)


def test_the_comparison_counts_what_it_saw(exported):
    detector, onnx, _ = exported
    seen = clips(detector.modality)
    found = compare(detector, onnx, seen)
    assert found.clips == len(seen)
    assert found.parts == sum(map(len, seen))
    assert set(found.log_odds) == set(BATCH_SIZES)
    assert 0 < max(found.log_odds.values()) < 1e-4
    found.require()


def test_nothing_of_this_machine_is_in_the_file(exported):
    data = exported[2].SerializeToString()
    assert b"/" + b"src/" not in data
    assert b".py" not in data
    assert b"site-packages" not in data


def test_a_changed_weight_is_found(exported):
    detector, onnx, _ = exported
    weight = next(part for name, part in detector.named_parameters() if "head" in name and part.ndim == 2)
    before = weight.detach().clone()
    with torch.no_grad():
        weight[-1, ::2] += 0.5
        found = compare(detector, onnx, clips(detector.modality))
        weight.copy_(before)
    assert min(found.log_odds.values()) > 1e-4
    with pytest.raises(RunError, match="differs from torch"):
        found.require()


def test_what_is_no_number_is_no_small_difference():
    found = Differences()
    found.log_odds[1] = comparing._larger(comparing._larger(0.0, float("nan")), 1e-6)
    with pytest.raises(RunError, match="nan"):
        found.require()


def test_clips_joined_are_the_clips_side_by_side():
    seen = clips("both")
    whole = joined(seen)
    start = 0
    for one in seen:
        for window, face in one.pairs.tolist():
            own_window, own_face = whole.pairs[start].tolist()
            start += 1
            assert (own_window == MISSING) == (window == MISSING)
            assert (own_face == MISSING) == (face == MISSING)
            if window != MISSING:
                assert (whole.windows[own_window] == one.windows[window]).all()
            if face != MISSING:
                assert (whole.faces[own_face] == one.faces[face]).all()
    assert start == len(whole)


@pytest.mark.parametrize("exported", ["picture"], indirect=True)
def test_the_same_weights_give_the_same_bytes(exported):
    again = to_onnx(KINDS["picture"](), SHAPE)
    assert again.SerializeToString(deterministic=True) == exported[2].SerializeToString(deterministic=True)


def test_words_that_are_repeated_for_want_of_torch_are_the_same():
    assert (onnx_detector.SOUND, onnx_detector.PICTURE, onnx_detector.BOTH) == (SOUND, PICTURE, BOTH)
    assert (onnx_detector.REAL, onnx_detector.FAKE) == (REAL, FAKE)
    assert (clip_scorer.SOUND, clip_scorer.PICTURE) == (SOUND, PICTURE)
    assert clip_scorer.FACTS == export_saved.FACTS == FACTS
