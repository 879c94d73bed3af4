"""What an import refuses: everything that is wrong with a set or an option, with file and line."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avfake.adapters.plan import Options
from avfake.adapters.registry import ADAPTERS, adapter_of
from avfake.adapters.run import import_set
from avfake.cli import app
from avfake.errors import UserError
from published import TREES, lavdf_item, to_json

LA = ADAPTERS["asvspoof2019-la"]
PROTOCOL = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.train.trn.txt"


@pytest.fixture
def src(tmp_path: Path) -> Path:
    TREES["asvspoof2019-la"](tmp_path / "set")
    return tmp_path / "set"


def add(src: Path, line: str) -> None:
    with (src / PROTOCOL).open("a") as file:
        file.write(line + "\n")


def test_everything_wrong_is_counted_with_file_and_line_before_anything_is_made(src, tmp_path):
    add(src, "LA_0079 LA_T_1000000 - - bonafide")
    add(src, "LA_0079 LA_T_9 - A01 fake")
    add(src, "LA_0079 LA_T_8")
    add(src, "LA_0079 ../../LA_T_7 - A01 spoof")
    add(src, "LA_0079 LA_T_6 - A01 spoof")
    done = CliRunner().invoke(app, ["import", "asvspoof2019-la", str(src), "--out", str(tmp_path / "root")])
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    for said in (
        "1 x named twice, not the same way",
        f"{PROTOCOL} line 5: LA_T_1000000.flac: named twice, not the same way: first in {PROTOCOL} line 1",
        f"{PROTOCOL} line 6: LA_T_9: unknown label: `fake`",
        f"{PROTOCOL} line 7: LA_0079 LA_T_8: 2 columns",
        "line 8: ../../LA_T_7.flac: the path leads out",
        "line 9: LA_T_6.flac: named, but not there",
    ):
        assert said in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_a_row_that_stands_twice_counts_once(src, tmp_path):
    add(src, "LA_0079 LA_T_1000000 - A07 spoof")
    made = import_set(LA, src, tmp_path / "root", Options(), None)
    assert made.notes["named twice with the same label; counted once"] == 1
    assert made.counts["train"] == {"real": 2, "fake": 2, "unlabelled": 0}


def test_clips_that_are_not_there_can_be_left_out_and_are_listed(src, tmp_path):
    (src / "LA/ASVspoof2019_LA_train/flac/LA_T_1000000.flac").unlink()
    with pytest.raises(UserError, match="1 x named, but not there"):
        import_set(LA, src, tmp_path / "root", Options(), None)
    made = import_set(LA, src, tmp_path / "root", Options(allow_missing=True), None)
    assert made.counts["train"]["fake"] == 1
    assert (
        f'{PROTOCOL},1,LA_T_1000000.flac,"named, but not there"'
        in (tmp_path / "root/problems.csv").read_text()
    )


@pytest.mark.parametrize("name", TREES)
def test_an_empty_folder_is_no_set(tmp_path, name):
    (tmp_path / "set").mkdir()
    with pytest.raises(UserError, match="looked for"):
        import_set(ADAPTERS[name], tmp_path / "set", tmp_path / "root", Options(), None)


def test_2021_without_2019_says_where_training_clips_come_from(tmp_path):
    TREES["asvspoof2021-la"](tmp_path / "set")
    shutil.rmtree(tmp_path / "set" / "LA")
    with pytest.raises(UserError, match="2019 LA is not there") as raised:
        import_set(ADAPTERS["asvspoof2021-la"], tmp_path / "set", tmp_path / "root", Options(), None)
    assert "--splits source" in raised.value.remedy


@pytest.mark.parametrize(
    "item",
    [
        {"modify_audio": None},
        {"modify_audio": True, "modify_video": False, "n_fakes": 0},
        {"split": "holdout"},
        {"file": 3},
        {"file": "/etc/passwd"},
    ],
)
def test_an_item_that_contradicts_itself_is_refused_with_its_line(tmp_path, item):
    TREES["lav-df"](tmp_path / "set")
    to_json(
        tmp_path / "set/metadata.min.json",
        [lavdf_item(0, "train"), lavdf_item(1, "train") | item],
        indent=None,
    )
    with pytest.raises(UserError, match=r"metadata.min.json line 1: "):
        import_set(ADAPTERS["lav-df"], tmp_path / "set", tmp_path / "root", Options(), None)


def test_a_modality_that_the_labels_cannot_answer_is_refused(src, tmp_path):
    with pytest.raises(UserError, match="do not say which clips are fake in the picture") as raised:
        import_set(LA, src, tmp_path / "root", Options(modality="picture"), None)
    assert raised.value.remedy == "use --modality both or sound"


def test_only_a_column_and_a_value_that_exist(tmp_path):
    TREES["asvspoof5"](tmp_path / "set")
    adapter = ADAPTERS["asvspoof5"]
    for only, said in (
        (("trim", ("no",)), "no such column"),
        (("codec", ("C12",)), "no clip has that value"),
    ):
        with pytest.raises(UserError, match=said):
            import_set(adapter, tmp_path / "set", tmp_path / "root", Options(only=(only,)), None)


def test_an_unknown_set_is_named_with_the_nearest():
    with pytest.raises(UserError, match="did you mean lav-df"):
        adapter_of("lavdf")
