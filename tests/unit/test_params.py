from pathlib import Path

import pytest
from ruamel.yaml import YAML

from avfake.errors import UserError
from avfake.params import SECTIONS, LogMelParams, TrainParams, load, load_all

ROOT = Path(__file__).parents[2]


def changed(tmp_path: Path, old: str, new: str) -> Path:
    text = (ROOT / "params.yaml").read_text()
    assert old in text
    path = tmp_path / "params.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_shipped_file_is_valid_and_complete():
    sections = load_all(ROOT / "params.yaml")
    tree = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    assert list(sections) == list(tree) == list(SECTIONS)
    for name, section in sections.items():
        assert section.model_dump() == tree[name]


def test_numbers_are_read_as_dvc_reads_them(tmp_path):
    assert load(TrainParams, changed(tmp_path, "lr: 0.001", "lr: 1e-3")).lr == 0.001


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  epochs: 8", "  epochs: twelve", "`train.epochs`: Input should be a valid integer, got 'twelve'"),
        ("  epochs: 8", "  epochs: 0", "`train.epochs`: Input should be greater than or equal to 1, got 0"),
        ("  epochs: 8", "  epoch: 12", "`train.epoch`: unknown parameter"),
        ("  epochs: 8\n", "", "`train.epochs`: missing parameter"),
        ("  lr: 0.001 ", "  lr: .nan ", "`train.lr`: Input should be a finite number"),
        (
            "    flip_time: false",
            "    flip_time: on",
            "`train.augmentation.flip_time`: Input should be a valid boolean, got 'on'",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path, old, new, message):
    path = changed(tmp_path, old, new)
    with pytest.raises(UserError) as caught:
        load(TrainParams, path)
    assert message in caught.value.message
    line = int(caught.value.message.split(" line ")[1].split(":")[0])
    key = message.split("`")[1].split(".")[-1]
    stands_there = path.read_text().splitlines()[line - 1]
    assert key in stands_there or "train:" in stands_there  # a missing key is reported at its section
    assert caught.value.exit_code == 2


def test_a_section_does_not_read_the_values_of_another(tmp_path):
    path = changed(tmp_path, "epochs: 8", "epochs: nonsense")
    with pytest.raises(UserError):
        load(TrainParams, path)
    assert load(SECTIONS["evaluate"], path)


def test_an_unknown_section_is_named_with_its_line(tmp_path):
    with pytest.raises(UserError, match=r"line \d+: unknown section `trian`"):
        load(TrainParams, changed(tmp_path, "\ntrain:", "\ntrian:"))


def test_values_are_checked_against_each_other(tmp_path):
    with pytest.raises(UserError, match="warmup_epochs must be below epochs"):
        load(TrainParams, changed(tmp_path, "warmup_epochs: 0", "warmup_epochs: 1000"))
    with pytest.raises(UserError, match="would leave sound between the windows unseen"):
        load(SECTIONS["featurize"], changed(tmp_path, "window_hop: 256", "window_hop: 512"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[log_mel, frame_lines]", "log_mel", "`featurize.front_end`: Input should be a valid list"),
        ("[log_mel, frame_lines]", "[]", "`featurize.front_end`: List should have at least 1 item"),
        (
            "[log_mel, frame_lines]",
            "[mfcc]",
            "`featurize.front_end.0`: Input should be 'log_mel', 'log_linear', 'lfcc'",
        ),
        ("[log_mel, frame_lines]", "[cqt, lfcc, cqt]", "front_end names one twice: cqt, lfcc, cqt"),
        (
            "[log_mel, frame_lines]",
            "[log_mel, baseline_image]",
            "baseline_image is a picture of its own size and stands",
        ),
        ("hop_length: 128", "hop_length: 2048", "hop_length above log_mel.n_fft would leave samples"),
        ("normalise: peak", "normalise: clip", "`featurize.normalise`: Input should be 'peak', 'band'"),
        ("trim_db: null", "trim_db: -3.0", "`featurize.trim_db`: Input should be greater than 0"),
        ("n_coefficients: 64", "n_coefficients: 129", "n_coefficients above n_bands"),
        ("deltas: 1", "deltas: 3", "`featurize.lfcc.deltas`: Input should be less than or equal to 2"),
        ("fmax: 8000.0", "fmax: 0.0", "`featurize.log_mel.fmax`: Input should be greater than 0"),
        ("fmin: 0.0", "fmin: 8000.0", "`featurize.log_mel`: fmax must be above fmin"),
    ],
)
def test_front_ends_that_cannot_be(tmp_path, old, new, message):
    with pytest.raises(UserError) as caught:
        load(SECTIONS["featurize"], changed(tmp_path, old, new))
    assert message in caught.value.message


def test_the_settings_of_a_front_end_that_is_not_chosen_may_not_fit(tmp_path):
    path = changed(tmp_path, "hop_length: 128", "hop_length: 1025")
    with pytest.raises(UserError):
        load(SECTIONS["featurize"], path)
    path.write_text(path.read_text().replace("[log_mel, frame_lines]", "[cqt]"))
    assert load(SECTIONS["featurize"], path).front_end == ["cqt"]


def test_broken_and_missing_files(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load(TrainParams, tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("train: [1\n")
    with pytest.raises(UserError, match="line 2: not valid YAML"):
        load(TrainParams, tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_text("just words\n")
    with pytest.raises(UserError, match="expected sections"):
        load(TrainParams, tmp_path / "params.yaml")


def test_sections_are_frozen():
    section = load(SECTIONS["featurize"], ROOT / "params.yaml")
    assert isinstance(section.log_mel, LogMelParams)
    with pytest.raises(ValueError, match="frozen"):
        section.front_end = ["other"]
