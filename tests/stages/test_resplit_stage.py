"""The stage `resplit` in a process of its own, between real features and a real training."""

import csv
import shutil

import pytest

from avfake.dataset.labels import read_labels
from clips import make_root
from place import Place
from workspace import DATA, ROOT, SMALL, once


@pytest.fixture
def place(tmp_path_factory, tmp_path):
    """A place after `featurize`, with two generators of three training fakes each."""

    def build(folder):
        shutil.copy(ROOT / "params.yaml", folder)
        built = Place(folder)
        built.set(**{name.replace(".", "__"): value for name, value in SMALL.items()})
        make_root(folder / DATA, n_train=12, n_val=6, generators=("comb", "alias"))
        built.passes("extract", "featurize")

    shutil.copytree(once(tmp_path_factory, "featurized", build), tmp_path / "place")
    return Place(tmp_path / "place")


def scored(place: Place, name: str) -> list[str]:
    with (place.folder / "data/predictions" / name).open(newline="") as file:
        return [row["video_name"] for row in csv.DictReader(file)]


def test_a_generator_held_out_is_scored_apart(place):
    place.set(resplit__hold_out="generators", resplit__generators=["comb"], train__epochs=1)
    said = place.passes("resplit")
    assert said.startswith("resplit: comb held out: 3 fakes and 1 reals;")
    place.passes("train", "predict")
    labels = read_labels(place.folder / "data/resplit")
    held = labels[labels["split"] == "held_out"]
    assert scored(place, "prediction_held_out.csv") == sorted(held["video_name"])
    trained = (place.folder / "data/training/clips.csv").read_text().splitlines()[1:]
    assert set(trained) == set(labels.loc[labels["split"] == "train", "video_name"])
    assert len(scored(place, "prediction.csv")) == 6


def test_clusters_are_the_same_bytes_in_every_process(place):
    place.set(resplit__hold_out="clusters", resplit__n_clusters=3, resplit__n_held_out=1)
    place.passes("resplit")
    first = place.hashes("data/resplit")
    assert sorted(first) == [
        f"data/resplit/{name}" for name in ("clips.parquet", "clusters.csv", "resplit.json")
    ]
    place.passes("resplit")
    assert place.hashes("data/resplit") == first


def test_what_cannot_be_held_out_is_said_without_a_traceback(place):
    place.set(resplit__hold_out="generators", resplit__generators=["thunder"])
    assert "no training fake is by `thunder`" in place.fails("resplit", 2)
    place.set(resplit__hold_out="clusters", resplit__n_clusters=20)
    assert "20 groups of 6 training fakes" in place.fails("resplit", 2)
    assert not (place.folder / "data/resplit").exists()
