"""What `resplit` does with a table of labels."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from avfake.dataset.features import FeatureSet, write_index
from avfake.dataset.labels import read_labels, write_table
from avfake.errors import UserError
from avfake.stages import resplit
from toy_resplit import GENERATORS, a_generator, a_source, make_labelled, paint, relabel
from workspace import hashes, set_params

CLUSTERS = {"resplit.hold_out": "clusters", "resplit.n_clusters": 4, "resplit.n_held_out": 1}


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_labelled(tmp_path)


def run(folder, **params) -> tuple[pd.DataFrame, dict]:
    set_params(folder, {name.replace("__", "."): value for name, value in params.items()})
    resplit.main()
    facts = json.loads((folder / "data/resplit/resplit.json").read_text())
    return read_labels(folder / "data/resplit"), facts


def fakes(labels: pd.DataFrame, split: str) -> pd.DataFrame:
    return labels[(labels["split"] == split) & (labels["target"] == 1)]


def test_nothing_held_out_is_the_labels_and_their_home(workspace, capsys):
    relabel(workspace, remark=lambda _, number, __: None if number % 2 else f"é {number}")
    labels, facts = run(workspace)
    plain = read_labels("data/labels")
    pd.testing.assert_frame_equal(labels.drop(columns="home"), plain)
    assert labels["home"].tolist() == plain["split"].tolist()
    assert (workspace / "data/resplit/clusters.csv").read_text() == "video_name,cluster,held_out\n"
    assert facts["counts"]["held_out"] == {"real": 0, "fake": 0, "unlabelled": 0}
    assert facts["counts"]["train"] == {"real": 12, "fake": 12, "unlabelled": 0}
    assert capsys.readouterr().out == "resplit: nothing is held out\n"


def test_a_setting_that_is_not_used_changes_no_byte(workspace):
    run(workspace)
    first = hashes(workspace, "data/resplit")
    run(workspace, resplit__seed=5, resplit__n_clusters=9, resplit__real_share=0.4, resplit__generators=["x"])
    assert hashes(workspace, "data/resplit") == first
    run(workspace, resplit__hold_out="generators", resplit__generators=["hum"])
    second = hashes(workspace, "data/resplit")
    run(workspace, resplit__n_clusters=7)
    assert hashes(workspace, "data/resplit") == second != first


def test_nothing_heavy_is_loaded_to_hold_nothing_out(workspace):
    code = (
        "import sys; from avfake.stages import resplit; resplit.main();"
        "print(sorted({'torch', 'timm', 'sklearn', 'cv2', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_named_generator_is_held_out_with_whole_sources_of_reals(workspace, capsys):
    labels, facts = run(workspace, resplit__hold_out="generators", resplit__generators=["hum"])
    assert set(fakes(labels, "held_out")["generator"]) == {"hum"}
    assert len(fakes(labels, "held_out")) == 4
    assert not (fakes(labels, "train")["generator"] == "hum").any()
    real = labels[labels["target"] == 0]
    held, kept = (set(real.loc[real["split"] == split, "source"]) for split in ("held_out", "train"))
    assert held == set(facts["held_out_sources"])
    assert held
    assert held.isdisjoint(kept)
    # of a held-out source, training sees nothing at all
    assert not set(labels.loc[labels["split"] == "train", "source"]) & held
    unused = labels[labels["split"] == "unused"]
    assert (unused["target"] == 1).all()
    assert set(unused["source"]) <= held
    in_train = fakes(labels, "held_out")["source"].isin(labels.loc[labels["split"] == "train", "source"])
    assert f"note: {in_train.sum()} of 4 held-out fakes come from a source" in capsys.readouterr().out
    # validation and test stay as they are, whatever their generators
    other = labels[labels["home"] != "train"]
    assert (other["split"] == other["home"]).all()
    assert facts["counts"]["unused"]["fake"] == len(unused) > 0


def test_unlabelled_clips_of_a_held_out_source_are_unused(workspace):
    labels = read_labels("data/labels")
    labels.loc[labels["video_name"].isin([f"train-{i:02d}.mp4" for i in range(8)]), "target"] = pd.NA
    write_table(labels, "data/labels")
    table, facts = run(workspace, resplit__hold_out="generators", resplit__generators=["hum"])
    nobody = table[table["target"].isna() & (table["home"] == "train")]
    assert (nobody["split"] == "unused").tolist() == nobody["source"].isin(facts["held_out_sources"]).tolist()
    assert facts["counts"]["unused"]["unlabelled"] == 2


def test_a_generator_that_nobody_knows(workspace):
    with pytest.raises(UserError, match="no training fake is by `real`, `thunder`") as caught:
        run(workspace, resplit__hold_out="generators", resplit__generators=["thunder", "hum", "real"])
    assert "they are: comb, hum, warp" in caught.value.remedy
    relabel(workspace, generator=lambda *_: None)
    with pytest.raises(UserError) as caught:
        run(workspace)
    assert "hold_out: clusters" in caught.value.remedy


def test_nothing_left_to_train_on(workspace):
    with pytest.raises(UserError, match="no fake clip with readable sound would be left to train on"):
        run(workspace, resplit__hold_out="generators", resplit__generators=list(GENERATORS))


def test_no_real_clip_to_hold_out(workspace):
    labels = read_labels("data/labels")
    one = (labels["split"] == "train") & (labels["target"] == 0) & (labels["video_name"] != "train-00.mp4")
    write_table(labels[~one], "data/labels")
    with pytest.raises(UserError, match="no real clip with readable sound would be held out"):
        run(workspace, resplit__hold_out="generators", resplit__generators=["hum"])


def test_clusters_stand_in_for_generators_that_nobody_named(workspace):
    relabel(workspace, generator=lambda *_: None)
    paint(workspace, {number: number // 2 % 4 for number in range(1, 24, 2)})
    set_params(workspace, CLUSTERS)
    labels, facts = run(workspace)
    table = pd.read_csv("data/resplit/clusters.csv")
    assert table["video_name"].tolist() == [f"train-{i:02d}.mp4" for i in range(1, 24, 2)]
    kinds = {name: int(name[6:8]) // 2 % 4 for name in table["video_name"]}
    assert (
        len({(kinds[name], group) for name, group in zip(table["video_name"], table["cluster"], strict=True)})
        == 4
    )
    train = labels[(labels["home"] == "train") & (labels["target"] == 1)]
    assert dict(zip(train["video_name"], train["generator"], strict=True)) == dict(
        zip(table["video_name"], table["cluster"], strict=True)
    )
    assert labels.loc[labels["target"] == 0, "generator"].isna().all()
    assert labels.loc[labels["home"] != "train", "generator"].isna().all()
    held = table[table["held_out"] == 1]
    assert sorted(set(held["cluster"])) == facts["held_out"]
    assert set(fakes(labels, "held_out")["video_name"]) == set(held["video_name"])
    assert facts["clusters"] == dict.fromkeys([f"cluster-{i:02d}" for i in range(4)], 3)
    assert len(facts["held_out"]) == 1


def test_names_that_stand_in_the_labels_are_kept(workspace):
    set_params(workspace, CLUSTERS)
    labels, _ = run(workspace)
    pd.testing.assert_series_equal(labels["generator"], read_labels("data/labels")["generator"])


def test_the_same_bytes_again_and_another_draw_by_another_seed(workspace):
    set_params(workspace, CLUSTERS)
    run(workspace)
    first = hashes(workspace, "data/resplit")
    assert len(first) == 3
    run(workspace)
    assert hashes(workspace, "data/resplit") == first
    seen = set()
    for seed in range(6):
        _, facts = run(workspace, resplit__seed=seed)
        seen.add((*facts["held_out"], *facts["held_out_sources"]))
    assert len(seen) > 2


def test_a_clip_added_to_validation_changes_no_cluster(workspace):
    set_params(workspace, CLUSTERS)
    before, _ = run(workspace)
    clusters = (workspace / "data/resplit/clusters.csv").read_text()
    labels = read_labels("data/labels")
    new = labels[labels["split"] == "val"].head(1).assign(video_name="val-99.mp4")
    write_table(pd.concat([labels, new], ignore_index=True), "data/labels")
    after, _ = run(workspace)
    assert (workspace / "data/resplit/clusters.csv").read_text() == clusters
    assert after["split"].tolist()[: len(before)] == before["split"].tolist()


def test_fakes_without_sound_are_in_no_cluster(workspace):
    index = FeatureSet("data/features").index
    index.loc[index["video_name"] == "train-05.mp4", ["count", "reason"]] = [0, "silence"]
    write_index(index.to_dict("records"), "data/features")
    set_params(workspace, CLUSTERS)
    _, facts = run(workspace)
    assert "train-05.mp4" not in (workspace / "data/resplit/clusters.csv").read_text()
    assert any(note.startswith("1 training fakes have no sound") for note in facts["notes"])


def test_more_clusters_than_fakes(workspace):
    with pytest.raises(UserError, match="20 groups of 12 training fakes"):
        run(workspace, resplit__hold_out="clusters")


def test_a_label_column_of_the_same_name(workspace):
    relabel(workspace, generator=a_generator, source=a_source)
    write_table(read_labels("data/labels").assign(home="here"), "data/labels")
    with pytest.raises(UserError, match="a column `home`"):
        run(workspace)


def test_before_the_stages_that_it_reads(workspace):
    (workspace / "data/features/features.json").unlink()
    with pytest.raises(UserError) as caught:
        run(workspace)
    assert "dvc repro featurize" in caught.value.remedy
