"""Label, template and prediction files of still images."""

import shutil

import pytest

from avfake.dataset.label_file import read_label_file
from avfake.dataset.labels import read_labels, read_name_column, write_labels
from avfake.dataset.predictions import read_predictions, read_template, write_predictions
from avfake.dataset.root import load_root
from avfake.errors import UserError
from avfake.params import DataParams, load
from images import make_images
from workspace import ROOT


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images") / "root"
    make_images(folder, 4, 2, 2)
    return folder


@pytest.fixture
def root(images, tmp_path):
    return shutil.copytree(images, tmp_path / "root")


def read(root):
    return load_root(load(DataParams, ROOT / "params.yaml").model_copy(update={"root": str(root)}))


def test_images_with_their_own_header_are_clips_like_any_other(root, tmp_path):
    data = read(root)
    assert (data.problems, data.name_column) == ((), "img_name")
    assert [len(split.clips) for split in data.splits.values()] == [4, 2, 2]
    assert {clip.path.suffix for clip in data.clips} == {".jpg", ".png"}
    assert all(clip.target in (0, 1) and clip.extra == {} for clip in data.clips)
    write_labels(data.clips, tmp_path, data.name_column)
    assert read_name_column(tmp_path) == "img_name"
    assert "img_name" not in read_labels(tmp_path)


def test_images_may_be_labelled_as_clips(root):
    for split in ("train", "val", "test"):
        path = root / f"{split}_label.txt"
        path.write_text(path.read_text().replace("img_name", "video_name"))
    assert (read(root).problems, read(root).name_column) == ((), "video_name")


def test_label_files_that_head_the_names_differently_are_refused(root):
    path = root / "val_label.txt"
    path.write_text(path.read_text().replace("img_name", "video_name"))
    with pytest.raises(UserError) as caught:
        read(root)
    for text in ("`img_name` in", "train_label.txt", "`video_name` in", "val_label.txt"):
        assert text in caught.value.message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("img_name,video_name,target", "line 1: two columns of names: video_name and img_name"),
        ("image,target", "line 1: the header is missing (found `image,target`)"),
        ("img_name,label", "line 1: the header is missing (found `img_name,label`)"),
    ],
)
def test_a_header_that_mixes_or_is_unknown(tmp_path, header, message):
    path = tmp_path / "train_label.txt"
    path.write_text(f"{header}\na.jpg,0,0\n")
    with pytest.raises(UserError) as caught:
        read_label_file(path)
    assert message in caught.value.message


def test_a_clip_under_the_header_of_images_is_a_problem_with_its_line(tmp_path):
    path = tmp_path / "train_label.txt"
    path.write_text("img_name,target\na.JPG,0\nb.mp4,1\n")
    said = read_label_file(path)
    assert (set(said.rows), said.name_column) == ({"a.JPG", "b.mp4"}, "img_name")
    assert [(item.line, item.video_name) for item in said.problems] == [(3, "b.mp4")]
    assert "no still image by its name" in said.problems[0].reason


def test_predictions_and_templates_of_images(tmp_path):
    path = tmp_path / "p.csv"
    write_predictions(path, [("a.jpg", 0.25)], "y_pred", "img_name")
    assert path.read_text() == "img_name,y_pred\na.jpg,0.250000\n"
    assert read_predictions(path).to_dict("list") == {"video_name": ["a.jpg"], "score": [0.25]}
    template = read_template(path)
    assert (template.names, template.name_column, template.score_column) == (("a.jpg",), "img_name", "y_pred")
    path.write_text("image,score\na.jpg,0.5\n")
    with pytest.raises(UserError, match="header is `image,score`") as caught:
        read_template(path)
    assert "img_name" in caught.value.remedy
