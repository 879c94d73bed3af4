import pytest
from ruamel.yaml import YAML

from avfake.errors import UserError
from avfake.tune.edit import nested, value_at, with_values, without

TEXT = """\
# The head
train:
  backbone: resnet18         # a name
  lr: 0.001    # Adam
  empty:   # nothing yet
  augmentation:
    mixup: 0.0               # alpha
    masks: [1, 2,
            3]               # over two lines
predict:
  lr: 5
"""


def test_a_value_is_changed_and_every_other_byte_stays():
    changed = with_values(TEXT, {"train.lr": 0.02, "train.augmentation.mixup": 0.25})
    expected = TEXT.replace("lr: 0.001    #", "lr: 0.02     #").replace("mixup: 0.0   ", "mixup: 0.25  ")
    assert changed == expected


def test_a_long_value_moves_its_comment_and_a_short_one_keeps_the_column():
    changed = with_values(TEXT, {"train.backbone": "vgg", "train.lr": 0.000123456})
    assert "  backbone: vgg              # a name\n" in changed
    assert "  lr: 0.000123456 # Adam\n" in changed


@pytest.mark.parametrize(
    "value", [1e-5, 3e-4, 12, True, False, None, "no", "null", "1e-3", "a: b", "x # y", "it's", ""]
)
@pytest.mark.parametrize("path", ["train.lr", "train.empty", "train.augmentation.masks", "predict.lr"])
def test_what_is_written_is_what_is_read(path, value):
    tree = YAML(typ="safe").load(with_values(TEXT, {path: value}))
    assert value_at(tree, f"file.{path}") == value
    assert type(value_at(tree, f"file.{path}")) is type(value)


def test_a_path_that_does_not_stand_in_the_file():
    with pytest.raises(UserError, match=r"mine\.yaml: no parameter `train\.lrr`"):
        with_values(TEXT, {"train.lrr": 1}, "mine.yaml")
    with pytest.raises(UserError, match=r"no parameter `train\.lr\.x`"):
        with_values(TEXT, {"train.lr.x": 1})


def test_nested_values_are_copied_and_left_out():
    values = {"lr": 1, "augmentation": {"mixup": 0.0, "cutmix": 0.0}}
    changed = nested(values, {"train.augmentation.mixup": 0.5, "train.lr": 2})
    assert changed == {"lr": 2, "augmentation": {"mixup": 0.5, "cutmix": 0.0}}
    assert values == {"lr": 1, "augmentation": {"mixup": 0.0, "cutmix": 0.0}}
    assert without(changed, {"augmentation.mixup", "lr"}) == {"augmentation": {"cutmix": 0.0}}
