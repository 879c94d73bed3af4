import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from avfake.dataset.features import FeatureSet, write_index
from avfake.dataset.labels import homes, read_labels, write_table
from avfake.errors import UserError
from avfake.model.clips import open_inputs
from avfake.model.saved import load_model
from avfake.stages import predict, train
from toy_features import SIZES, UNREADABLE, make_workspace
from toy_resplit import pass_on
from workspace import hashes, set_params


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = make_workspace(tmp_path_factory.mktemp("toy"), train__epochs=2)
    pass_on(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        train.main()
    return folder


@pytest.fixture
def workspace(trained, tmp_path, monkeypatch):
    for name in ("data", "models", "params.yaml"):
        (tmp_path / name).symlink_to(trained / name)
    (tmp_path / "params.yaml").unlink()
    (tmp_path / "params.yaml").write_text((trained / "params.yaml").read_text())
    monkeypatch.setattr(predict, "PREDICTIONS", Path("predictions"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(name: str) -> list[list[str]]:
    with (Path("predictions") / name).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_every_clip_has_a_row(workspace, capsys):
    predict.main()
    for split, name in (("val", "prediction.csv"), ("test", "prediction_test.csv")):
        header, *body = rows(name)
        assert header == ["video_name", "score"]
        assert [row[0] for row in body] == [f"{split}-{i:02d}.mp4" for i in range(SIZES[split])]
        assert all(len(row[1].partition(".")[2]) == 6 for row in body)
        assert all(0 <= float(row[1]) <= 1 for row in body)
        assert body[-1][1] == "0.500000"  # no sound: the share of fakes in training
    assert rows("unscored.csv") == [
        ["split", "video_name", "reason"],
        ["val", "val-08.mp4", UNREADABLE],
        ["test", "test-06.mp4", UNREADABLE],
    ]
    assert "val: 8 clips scored, 1 not" in capsys.readouterr().out


def test_a_score_is_the_mean_probability_of_fake_over_the_windows(workspace):
    predict.main()
    model = load_model("models")
    features, _ = open_inputs("data/features", "data/resplit")
    scores = dict(rows("prediction.csv")[1:])
    for position in np.flatnonzero((features.index["split"] == "val") & (features.index["count"] > 0)):
        with torch.inference_mode():
            logits = model.detector(torch.from_numpy(np.array(features.windows(int(position)))))
        expected = logits.softmax(1)[:, 1].mean().item()
        name = features.index["video_name"].iloc[position]
        assert float(scores[name]) == pytest.approx(expected, abs=2e-6)


def test_the_same_bytes_again_and_others_with_more_views(workspace):
    predict.main()
    first = hashes(workspace, "predictions")
    predict.main()
    assert hashes(workspace, "predictions") == first
    set_params(workspace, {"predict.tta": 4})
    predict.main()
    assert hashes(workspace, "predictions") != first
    assert all(0 <= float(row[1]) <= 1 for row in rows("prediction.csv")[1:])


def test_too_many_views(workspace):
    set_params(workspace, {"predict.tta": 9})
    with pytest.raises(UserError, match="9 views"):
        predict.main()


def use_template(workspace: Path, text: bytes) -> None:
    (workspace / "template.csv").write_bytes(text)
    set_params(workspace, {"predict.template": "template.csv"})


def test_a_template_gives_order_and_header(workspace):
    predict.main()
    plain = dict(rows("prediction_test.csv")[1:])
    use_template(
        workspace,
        b"\xef\xbb\xbfvideo_name,y_pred\r\ntest-03.mp4,0.5\r\ntest-00.mp4,0.5\r\n\r\ntest-06.mp4,\r\n",
    )
    predict.main()
    assert rows("prediction_test.csv") == [
        ["video_name", "y_pred"],
        ["test-03.mp4", plain["test-03.mp4"]],
        ["test-00.mp4", plain["test-00.mp4"]],
        ["test-06.mp4", "0.500000"],
    ]
    assert b"\r" not in Path("predictions/prediction_test.csv").read_bytes()
    assert rows("prediction.csv")[0] == ["video_name", "score"]
    assert len(rows("prediction.csv")) == 1 + SIZES["val"]


def test_a_template_with_strangers(workspace):
    use_template(workspace, 'video_name,score\nval-01.mp4,\nthé clip.mp4,\n"a,b.mp4",\n'.encode())
    predict.main()
    body = rows("prediction.csv")[1:]
    assert [row[0] for row in body] == ["val-01.mp4", "thé clip.mp4", "a,b.mp4"]
    assert [row[1] for row in body[1:]] == ["0.500000", "0.500000"]
    assert ["val", "thé clip.mp4", predict.NOT_A_CLIP] in rows("unscored.csv")
    assert ["val", "val-08.mp4", UNREADABLE] not in rows("unscored.csv")  # the template left it out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,score\na.mp4,\n", r"template\.csv line 1: the header is `name,score`"),
        ("video_name,target\na.mp4,\n", "line 1: the header"),
        ("", r"line 1: the header is `\(nothing\)`"),
        ("video_name,score\n", "no clip is named"),
        (
            "video_name,score\nval-01.mp4,\nval-02.mp4,\nval-01.mp4,\n",
            "line 4: `val-01.mp4` stands in line 2",
        ),
        ("video_name,score\n,0.5\n", "line 2: no video_name"),
        ("video_name,score\na,b.mp4,0.5\n", "line 2: 3 fields"),
        ("video_name,score\nother.mp4,\n", "names no clip of val or test"),
        ("video_name,score\nval-01.mp4,\n\xff\n", "line 3: not UTF-8"),
    ],
)
def test_a_template_that_cannot_be_used(workspace, text, message):
    use_template(workspace, text.encode("latin-1"))
    with pytest.raises(UserError, match=message):
        predict.main()


def test_a_template_that_is_not_there(workspace):
    set_params(workspace, {"predict.template": "no.csv"})
    with pytest.raises(UserError, match=r"no\.csv: no such file"):
        predict.main()


def test_no_test_split_no_test_file(tmp_path, monkeypatch):
    folder = make_workspace(tmp_path, sizes={"train": 4, "val": 5}, train__epochs=1)
    pass_on(folder)
    monkeypatch.chdir(folder)
    train.main()
    predict.main()
    assert sorted(path.name for path in Path("data/predictions").iterdir()) == [
        "prediction.csv",
        "unscored.csv",
    ]


def test_features_of_another_front_end(workspace, trained):
    data = workspace / "data"
    data.unlink()
    (data / "features").mkdir(parents=True)
    (data / "resplit").symlink_to(trained / "data/resplit")
    for path in (trained / "data/features").iterdir():
        (data / "features" / path.name).symlink_to(path)
    info = json.loads((data / "features/features.json").read_text())
    (data / "features/features.json").unlink()
    (data / "features/features.json").write_text(json.dumps(info | {"version": "2"}))
    with pytest.raises(UserError, match="other features"):
        predict.main()


def test_no_model(workspace):
    (workspace / "models").unlink()
    with pytest.raises(UserError, match=r"models/model\.json: no such file"):
        predict.main()


@pytest.fixture
def held_out(workspace, monkeypatch):
    """Two clips of train held out, of which one has the name of a clip of validation."""
    trained = Path("data").resolve()
    Path("data").unlink()
    Path("data").mkdir()
    labels = read_labels(trained / "resplit")
    chosen = labels["video_name"].isin(["train-01.mp4", "train-04.mp4"])
    labels.loc[chosen, "split"] = "held_out"
    labels.loc[labels["video_name"] == "train-07.mp4", "split"] = "unused"
    labels.loc[labels["video_name"] == "train-01.mp4", "video_name"] = "val-03.mp4"
    write_table(labels, "data/resplit")
    Path("data/features").mkdir()
    for path in (trained / "features").iterdir():
        Path("data/features", path.name).symlink_to(path)
    renamed = FeatureSet(trained / "features").index
    renamed.loc[renamed["video_name"] == "train-01.mp4", "video_name"] = "val-03.mp4"
    Path("data/features/index.parquet").unlink()
    write_index(renamed.to_dict("records"), "data/features")
    return workspace


def test_held_out_clips_get_a_file_of_their_own(workspace, held_out):
    predict.main()
    header, *body = rows("prediction_held_out.csv")
    assert header == ["video_name", "score"]
    assert [row[0] for row in body] == ["train-04.mp4", "val-03.mp4"]
    model, (features, labels) = load_model("models"), open_inputs("data/features", "data/resplit")
    keys = list(zip(features.index["split"], features.index["video_name"], strict=True))
    for split, home, file in (
        ("held_out", "train", "prediction_held_out.csv"),
        ("val", "val", "prediction.csv"),
    ):
        assert ((labels["split"] == split) & (homes(labels) == home)).sum() == len(rows(file)) - 1
        windows = features.windows(keys.index((home, "val-03.mp4")))
        with torch.inference_mode():
            expected = model.detector(torch.from_numpy(np.array(windows))).softmax(1)[:, 1].mean().item()
        assert float(dict(rows(file)[1:])["val-03.mp4"]) == pytest.approx(expected, abs=2e-6)


def test_the_file_of_held_out_clips_goes_when_nothing_is_held_out(workspace, held_out):
    predict.main()
    Path("predictions/mine.csv").write_text("kept")
    labels = read_labels("data/resplit")
    labels["split"] = homes(labels)
    write_table(labels, "data/resplit")
    predict.main()
    assert sorted(path.name for path in Path("predictions").iterdir()) == [
        "mine.csv",
        "prediction.csv",
        "prediction_test.csv",
        "unscored.csv",
    ]


def test_a_held_out_clip_without_sound_is_unscored(workspace, held_out):
    index = FeatureSet("data/features").index
    index.loc[index["video_name"] == "train-04.mp4", ["count", "reason"]] = [0, "silence"]
    write_index(index.to_dict("records"), "data/features")
    predict.main()
    assert ["held_out", "train-04.mp4", "silence"] in rows("unscored.csv")
    assert dict(rows("prediction_held_out.csv"))["train-04.mp4"] == "0.500000"


def test_a_template_takes_no_score_from_what_was_held_out(workspace, held_out):
    use_template(workspace, b"video_name,score\nval-01.mp4,\ntrain-04.mp4,\n")
    predict.main()
    assert ["val", "train-04.mp4", predict.NOT_A_CLIP] in rows("unscored.csv")
    assert len(rows("prediction_held_out.csv")) == 3
