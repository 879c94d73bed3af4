"""Parameters and paths that are wrong: the stage says where, and touches nothing."""

import pytest

from workspace import STAGES


def edit(place, old: str, new: str) -> int:
    """Replaces text of params.yaml that occurs once; the number of the changed line."""
    path = place.folder / "params.yaml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  sample_rate: 22050", "  sample_rat: 22050", "`extract.sample_rat`: unknown parameter"),
        (
            "  sample_rate: 22050",
            "  sample_rate: fast",
            "`extract.sample_rate`: Input should be a valid integer",
        ),
        (
            "  sample_rate: 22050",
            "  sample_rate: 22050.5",
            "`extract.sample_rate`: Input should be a valid integer",
        ),
        ("  sample_rate: 22050", "  sample_rate: -1", "`extract.sample_rate`: Input should be greater than"),
        ("extract:\n", "extracts:\n", "unknown section `extracts`"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_line(place, old, new, reason):
    line = edit(place, old, new)
    said = place.fails("extract", exit_code=2)
    assert f"params.yaml line {line}: {reason}" in said
    assert not (place.folder / "data/extracted").exists()


def test_a_file_that_is_no_yaml(place):
    line = edit(place, "  sample_rate: 22050", "  sample_rate: [22050")
    said = place.fails("extract", exit_code=2)
    assert "params.yaml line " in said
    assert "not valid YAML" in said
    assert line <= int(said.split("params.yaml line ")[1].split(":")[0]) <= line + 2


def test_no_parameters_at_all(place):
    (place.folder / "params.yaml").unlink()
    assert "params.yaml: no such file" in place.fails("extract", exit_code=2)


def test_a_data_root_that_does_not_exist(place):
    place.set(data__root="data/nowhere")
    said = place.fails("extract", exit_code=2)
    assert "data.root: no such folder: data/nowhere" in said
    assert "params.yaml" in said


def test_a_data_root_without_its_folders(place):
    (place.root / "valset").rename(place.root / "validation")
    assert "data/mine/valset: no such folder" in place.fails("extract", exit_code=2)


def test_a_backbone_that_does_not_exist(place):
    place.passes("extract", "featurize", "resplit")
    place.set(train__backbone="resnet81")
    said = place.fails("train", exit_code=2)
    assert "resnet81" in said
    assert not (place.folder / "models/model.safetensors").exists()


def test_weights_that_do_not_exist_never_become_random_ones(place):
    place.passes("extract", "featurize", "resplit")
    place.set(train__pretrained="weights/none.safetensors")
    said = place.fails("train", exit_code=2)
    assert "weights/none.safetensors" in said
    assert not (place.folder / "models/model.safetensors").exists()


@pytest.mark.parametrize("name", [name for name in STAGES if name not in ("augment", "extract")])
def test_a_stage_before_its_inputs_are_there_says_so(place, name):
    place.fails(name, exit_code=2)
