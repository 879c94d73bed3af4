"""The real pipeline on still images alone."""

from avfake.dataset.features import FeatureSet
from images import make_images
from workspace import DATA, clone, hashes, label_rows, write_rows

PACKED = ("data/labels", "data/extracted", "data/facts", "data/features", "data/resplit")


def test_images_go_through_the_stages_and_one_that_is_added_costs_one(tmp_path):
    workspace = clone(tmp_path / "clone")
    make_images(workspace.folder / DATA, 5, 4, 4)
    label_file = workspace.folder / DATA / "train_label.txt"
    rows = label_rows(label_file)
    write_rows(label_file, rows[:-1])
    image = workspace.folder / DATA / "trainset" / rows[-1][0]
    aside = image.rename(tmp_path / image.name)

    first = workspace.repro("resplit")
    assert first.ran == ["augment", "extract", "featurize", "resplit"]
    assert first.decoded() == (12, 12)

    aside.rename(image)
    write_rows(label_file, rows)
    again = workspace.repro("resplit")
    assert again.decoded() == (13, 1)
    features = FeatureSet(workspace.folder / "data/features")
    assert features.face_counts.tolist() == [1] * 13
    scratch = workspace.fresh(tmp_path / "scratch")
    assert scratch.repro("resplit").decoded() == (13, 13)
    assert hashes(workspace.folder, *PACKED) == hashes(scratch.folder, *PACKED)
