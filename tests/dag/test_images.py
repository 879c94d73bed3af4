"""The real pipeline, from label files to figures, on still images alone."""

import csv
import json

from avfake.dataset.features import FeatureSet
from images import make_images
from workspace import DATA, clone

EYES = {
    "train__modality": "picture",
    "train__visual__backbone": "test_resnet",
    "train__visual__pretrained": "none",
}


def test_images_are_trained_on_and_scored_under_their_own_header(tmp_path):
    workspace = clone(tmp_path / "clone")
    names = make_images(workspace.folder / DATA, 6, 4, 4)
    workspace.set(**EYES)
    first = workspace.repro("evaluate")
    assert first.decoded() == (14, 14)
    features = FeatureSet(workspace.folder / "data/features")
    assert features.face_counts.tolist() == [1] * 14
    predictions = workspace.folder / "data/predictions"
    for split, file in (("val", "prediction.csv"), ("test", "prediction_test.csv")):
        with (predictions / file).open(newline="") as opened:
            header, *rows = csv.reader(opened)
        assert header == ["img_name", "score"]
        assert sorted(name for name, _ in rows) == sorted(names[split])
    assert (predictions / "unscored.csv").read_text() == "split,video_name,reason\n"
    assert json.loads((workspace.folder / "metrics/evaluate.json").read_text())["n"] == 4
