"""The real pipeline on still images alone."""

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_name_column
from images import make_images
from workspace import DATA, clone


def test_images_go_through_the_stages(tmp_path):
    workspace = clone(tmp_path / "clone")
    names = make_images(workspace.folder / DATA, 6, 4, 4)
    first = workspace.repro("resplit")
    assert first.ran == ["augment", "extract", "featurize", "resplit"]
    assert first.decoded() == (14, 14)
    features = FeatureSet(workspace.folder / "data/features")
    assert set(features.index["video_name"]) == {name for split in names.values() for name in split}
    assert features.face_counts.tolist() == [1] * 14
    assert read_name_column(workspace.folder / "data/resplit") == "img_name"
