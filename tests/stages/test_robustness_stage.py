"""The stage `robustness` on tiny clips: its files, its notes, its errors, and that nothing else matters."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from avfake.disturb.conditions import CONDITIONS
from avfake.errors import UserError
from avfake.parallel import Result
from avfake.scoring import Scorer
from avfake.stages import robustness
from clips import make_clip
from place import Place
from toy_detector import leave_unscored, make_place, write_resplit

CONDITIONS_USED = ["aac_32k", "noise_10db", "reverb", "silence_added", "blur", "frame_drop"]
OUTPUTS = ("data/robustness", "metrics")


def one_by_one(function, items, *_, **__):
    """What `map_ordered` does, without processes."""
    return [Result(item, function(item), None) for item in items]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder in which the stage ran: six clips of validation, four of the test; only to be read."""
    place = Place(make_place(tmp_path_factory.mktemp("robustness")))
    place.set(robustness__clips=4, robustness__conditions=CONDITIONS_USED)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.folder)
        patch.setattr(robustness, "map_ordered", one_by_one)
        robustness.main()
    return place


@pytest.fixture
def place(ran: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy to change, its memo included; the stage runs in it within this process."""
    shutil.copytree(ran.folder, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    monkeypatch.setattr(robustness, "map_ordered", one_by_one)
    return Place(tmp_path / "place")


def read(place: Place, name: str) -> dict:
    return json.loads((place.folder / f"metrics/{name}.json").read_text(encoding="utf-8"))


def scores(place: Place) -> pd.DataFrame:
    return pd.read_csv(place.folder / "data/robustness/scores.csv")


def notes(place: Place) -> dict[str, str]:
    return {key: " | ".join(texts) for key, texts in read(place, "robustness_notes").items()}


def test_every_clip_has_a_row_per_condition_and_the_figures_follow_from_them(ran: Place) -> None:
    table = scores(ran)
    assert list(table) == ["split", "video_name", "target", "condition", "score"]
    assert (
        table.groupby(["split", "video_name"])["condition"].agg(list).tolist()
        == [["clean", *CONDITIONS_USED]] * 8
    )
    assert table["split"].unique().tolist() == ["val", "test"]
    for split, name in (("val", "robustness"), ("test", "robustness_test")):
        made = read(ran, name)
        assert (made["n"], made["n_real"], made["n_fake"]) == (4, 2, 2)
        for condition, part in table[table["split"] == split].groupby("condition"):
            assert made[f"auc_{condition}"] == pytest.approx(roc_auc_score(part["target"], part["score"]))
            if condition != "clean":
                expected = made["auc_clean"] - made[f"auc_{condition}"]
                assert made[f"drop_{condition}"] == pytest.approx(expected, abs=2e-6)
        assert made["auc_worst"] == min(made[f"auc_{condition}"] for condition in CONDITIONS_USED)


def test_clean_is_the_score_of_the_file_and_the_picture_changes_nothing(ran: Place) -> None:
    scorer = Scorer(ran.folder / "models", "cpu")
    wide = scores(ran).pivot(index=["split", "video_name"], columns="condition", values="score")
    for (split, name), row in wide.iterrows():
        assert f"{row['clean']:.6f}" == f"{scorer.score(ran.root / f'{split}set' / name):.6f}"
        assert row["blur"] == row["frame_drop"] == row["clean"]
        assert row["noise_10db"] != row["clean"]
    assert "does not look at the picture" in notes(ran)["robustness.auc_blur"]
    assert "robustness.auc_reverb" not in notes(ran)


def test_the_plot_table_has_every_condition_of_both_splits(ran: Place) -> None:
    table = pd.read_csv(ran.folder / "data/robustness/auc.csv")
    assert (
        table.groupby("split", sort=False)["condition"].agg(list).tolist()
        == [["clean", *CONDITIONS_USED]] * 2
    )
    assert (table["low"] <= table["auc"] + 1e-9).all()
    assert (table["auc"] <= table["high"] + 1e-9).all()
    assert table["drop"].isna().tolist() == (table["condition"] == "clean").tolist()


def test_two_processes_without_a_memo_write_the_same_bytes(ran: Place, place: Place) -> None:
    shutil.rmtree(place.folder / ".memo")
    shutil.rmtree(place.folder / "data/robustness")
    place.set(parallel__workers=2)
    assert "56 scores computed, 0 from the memo" in place.passes("robustness")
    assert place.hashes(*OUTPUTS) == ran.hashes(*OUTPUTS)


def test_what_was_measured_before_comes_from_the_memo(ran: Place, place: Place, capsys) -> None:
    place.set(robustness__conditions=[*CONDITIONS_USED, "gain_up_6db"])
    robustness.main()
    assert "8 scores computed, 56 from the memo" in capsys.readouterr().out
    assert read(place, "robustness")["auc_reverb"] == read(ran, "robustness")["auc_reverb"]
    entries = sorted((place.folder / ".memo").glob("??/*"))
    entries[0].write_bytes(b"damaged")
    entries[1].unlink()
    robustness.main()
    assert "2 scores computed, 62 from the memo" in capsys.readouterr().out


def test_unreadable_and_unscored_clips_are_counted(place: Place) -> None:
    rows = place.rows("val")
    (place.root / "valset" / rows[1][0]).write_text("no clip")
    (place.root / "valset" / rows[2][0]).unlink()
    leave_unscored(place.folder, [("val", rows[3][0]), ("test", "of another split.mp4")])
    place.set(robustness__clips=40)
    robustness.main()
    assert read(place, "robustness")["n"] == 3
    text = notes(place)["robustness.n"]
    assert "1 clips that have the training prior as score are not drawn from" in text
    assert "2 drawn clips cannot be read" in text
    assert f"{rows[1][0]}: not a media file" in text
    assert f"{rows[2][0]}: no such file" in text
    assert "3 fake clips where 20 are asked for" in text
    assert not {rows[1][0], rows[2][0], rows[3][0]} & set(scores(place)["video_name"])


def test_a_clip_without_a_picture_is_left_out_of_the_picture_alone(place: Place) -> None:
    name = place.rows("test")[1][0]
    shutil.copy(
        make_clip(place.folder / "sound.mp4", kind="speech", video=False), place.root / "testset" / name
    )
    robustness.main()
    counts = scores(place).query("split == 'test'").groupby("condition").size()
    assert counts["blur"] == counts["frame_drop"] == 3
    assert counts["clean"] == counts["reverb"] == 4
    assert "1 of 4 clips without: no video stream" in notes(place)["robustness_test.auc_blur"]
    assert "over the 3 of 4 clips that have both" in notes(place)["robustness_test.drop_blur"]


def test_the_folder_of_a_clip_is_its_home(place: Place) -> None:
    rows = [("val" if split == "test" else "held_out", *rest, split)
            for split in ("val", "test") for rest in map(tuple_of, place.rows(split)[1:])]  # fmt: skip
    write_resplit(place.folder, rows)
    robustness.main()
    assert set(scores(place)["video_name"]) == {row[0] for row in place.rows("test")[1:]}
    assert read(place, "robustness")["n"] == 4
    test = read(place, "robustness_test")
    assert test["n"] == 0
    assert test["auc_clean"] is test["auc_worst"] is None
    assert "no test split" in notes(place)["robustness_test.auc_clean"]


def tuple_of(row: list[str]) -> tuple:
    return row[0], int(row[1]), row[2], row[3]


def test_one_class_only_and_no_labels(place: Place, capsys) -> None:
    rows = [("val", *tuple_of(row), "val") for row in place.rows("val")[1:] if row[1] == "1"]
    rows += [("test", row[0], None, None, None, "test") for row in place.rows("test")[1:]]
    write_resplit(place.folder, rows)
    robustness.main()
    said = capsys.readouterr().out
    assert "val: no AUC: one class only: 2 fake clips and no real one" in said
    assert "test: no AUC: no labels for the test split" in said
    made = read(place, "robustness")
    assert {key for key, value in made.items() if value is not None} == {"n", "n_real", "n_fake"}
    assert {f"robustness.{key}" for key, value in made.items() if value is None} <= set(notes(place))
    assert (place.folder / "data/robustness/auc.csv").read_text().count("\n") == 1
    assert len(scores(place)) == 2 * (1 + len(CONDITIONS_USED))


def test_nothing_can_be_read(place: Place, capsys) -> None:
    for path in (place.root / "valset").iterdir():
        path.write_bytes(b"")
    robustness.main()
    assert "val: no AUC: none of the 4 drawn clips can be read" in capsys.readouterr().out
    assert "empty file" in notes(place)["robustness.n"]
    assert read(place, "robustness")["n"] == 0
    assert read(place, "robustness_test")["auc_clean"] is not None


def test_an_unknown_condition_stops_the_stage_before_anything_is_read(place: Place) -> None:
    place.set(robustness__conditions=["aac_64k", "bluur"])
    shutil.rmtree(place.root)
    with pytest.raises(UserError, match="unknown condition `bluur`") as caught:
        robustness.main()
    assert "did you mean `blur`" in caught.value.remedy
    assert all(name in caught.value.remedy for name in CONDITIONS)
    assert caught.value.exit_code == 2


def test_what_is_missing_or_of_another_version_stops_the_stage(place: Place) -> None:
    before = place.hashes(*OUTPUTS)
    facts = json.loads((place.folder / "models/model.json").read_text())
    facts["features"]["version"] = "of another year"
    (place.folder / "models/model.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match="made with front ends of another year"):
        robustness.main()
    shutil.rmtree(place.folder / "models")
    with pytest.raises(UserError, match=r"models/model\.json: no such file"):
        robustness.main()
    (place.folder / "data/predictions/unscored.csv").unlink()
    with pytest.raises(UserError, match=r"unscored\.csv: no such file"):
        robustness.main()
    assert place.hashes(*OUTPUTS) == before
