"""Still images through the stages `augment`, `extract`, `featurize` and `resplit`, and clips among them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from avfake.dataset.facts import read_facts
from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import read_labels, read_name_column
from avfake.errors import RunError
from avfake.forge.registry import TOOLS
from avfake.media.faces import face_of
from avfake.media.image import NO_SOUND, open_image, upright
from avfake.stages import augment, extract, featurize, resplit
from clips import make_clip
from images import make_images, write_image
from workspace import DATA, ROOT, SMALL, set_params


@pytest.fixture
def names(tmp_path: Path, monkeypatch) -> dict[str, list[str]]:
    """The names of each split of a root of images; the current folder is the one to run stages in."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text())
    set_params(Path(), SMALL | {"extract.n_faces": 4, "memo.folder": ".memo"})
    return make_images(Path(DATA), 4, 2, 2)


def recipe(tool: str) -> dict:
    example = TOOLS[tool].example
    return {"name": tool, "tool": tool, "params": example, "of": "all", "per_clip": 1.0, "seed": 0}


def problems() -> dict[str, str]:
    with Path("data/labels/problems.csv").open(encoding="utf-8", newline="") as file:
        return {row["video_name"]: row["reason"] for row in csv.DictReader(file)}


def test_images_alone_with_derived_ones(names, capsys):
    set_params(Path(), {"augment.recipes": [recipe("picture_light"), recipe("gain")]})
    augment.main()
    assert "augment: 4 clips (2 real, 2 fake) from 4 source clips, 4 made" in capsys.readouterr().out
    skipped = Path("data/augmented/skipped.csv").read_text(encoding="utf-8")
    assert skipped.count(NO_SOUND) == 4  # no tool of sound has anything to do
    extract.main()
    assert "extract: 12 clips, 12 decoded, 0 from the memo, 0 unreadable" in capsys.readouterr().out
    assert problems() == {}
    featurize.main()
    assert "12 without windows, 12 faces" in capsys.readouterr().out
    resplit.main()
    for folder in ("data/labels", "data/resplit"):
        assert read_name_column(folder) == "img_name"
        assert sorted(read_labels(folder)["split"].value_counts().items()) == [
            ("test", 2), ("train", 8), ("val", 2)
        ]  # fmt: skip

    features = FeatureSet("data/features")
    assert features.face_counts.tolist() == [1] * 12
    assert features.index["reason"].tolist() == [NO_SOUND] * 12
    assert features.index["face_reason"].tolist() == [None] * 12
    for place, (split, name) in enumerate(
        zip(features.index["split"], features.index["video_name"], strict=True)
    ):
        folder = Path(DATA) if name in names[split] else Path("data/augmented")
        pixels = upright(open_image(folder / f"{split}set" / name))
        np.testing.assert_array_equal(features.faces(place), face_of(pixels, 32).crops)
        assert features.face_times(place).tolist() == [0.0]
        assert len(features.windows(place)) == 0
    facts = read_facts("data/facts")
    assert set(facts["container"]) == {"jpeg", "png"}
    assert facts["sound_seconds"].isna().all()


def test_images_that_cannot_be_used_are_named(names, capsys):
    broken, faceless, *_ = names["train"]
    path = Path(DATA) / "trainset" / broken
    path.write_bytes(path.read_bytes()[:2000])
    write_image(Path(DATA) / "trainset" / faceless, np.full((96, 96, 3), 120, np.uint8))
    with pytest.raises(RunError) as caught:
        extract.main()
    assert f"{faceless}: no face found" in caught.value.message
    assert f"{broken}: the image cannot be decoded: image file is truncated" in caught.value.message
    assert "2 unreadable" in capsys.readouterr().out
    assert set(problems()) == {broken, faceless}
    featurize.main()
    index = FeatureSet("data/features").index.set_index("video_name")
    assert index.loc[faceless, "face_reason"] == "no face found"
    assert index.loc[broken, "face_reason"].startswith("the image cannot be decoded")


def test_without_the_picture_nothing_of_an_image_is_left_and_that_is_said(names):
    set_params(Path(), {"extract.n_faces": 0})
    with pytest.raises(RunError, match=r"a still image, and extract\.n_faces is 0"):
        extract.main()
    assert len(problems()) == 8


def test_images_and_clips_may_lie_side_by_side(names, capsys):
    silent = make_clip(Path(DATA) / "trainset/silent.mp4", audio=False)
    clip = make_clip(Path(DATA) / "trainset/clip.mp4", kind="speech", seconds=1.5)
    for split in ("train", "val", "test"):
        path = Path(DATA) / f"{split}_label.txt"
        text = path.read_text(encoding="utf-8").replace("img_name", "video_name")
        path.write_text(text + (f"{silent.name},1\n{clip.name},0\n" if split == "train" else ""))
    set_params(Path(), {"data.max_unreadable": 0.2})
    extract.main()
    # A clip without sound is one that lost it; an image never had any.
    assert problems() == {"silent.mp4": "no audio stream"}
    featurize.main()
    assert "1 computed" in capsys.readouterr().out
    index = FeatureSet("data/features").index.set_index("video_name")
    assert index.loc["clip.mp4", "count"] > 0
    assert (index.loc[names["train"], "face_count"] == 1).all()
    assert read_name_column("data/labels") == "video_name"
