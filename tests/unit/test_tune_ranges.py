from typing import Annotated, Literal

import pytest
from pydantic import Field

from avfake.errors import UserError
from avfake.params import TrainParams, load
from avfake.params.sections import Section
from avfake.tune.plan import read_plan
from avfake.tune.ranges import make_range, parameters
from workspace import ROOT


class Augmentation(Section):
    """A section inside a section."""

    mixup: Annotated[float, Field(ge=0, le=1)]


class Train(Section):
    """Every kind of parameter that can be searched."""

    lr: Annotated[float, Field(gt=0)]
    epochs: Annotated[int, Field(ge=1)]
    patience: Annotated[int, Field(ge=1)] | None
    loss: Literal["cross_entropy", "focal"]
    flip: bool
    augmentation: Augmentation
    seed: int


def test_every_parameter_has_its_path():
    assert [path for path, _ in parameters(Train)] == [
        "train.lr", "train.epochs", "train.patience", "train.loss", "train.flip", "train.augmentation.mixup",
        "train.seed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "declared", "inside", "outside"),
    [
        ("train.lr", {"low": 1e-4, "high": 1e-2, "log": True}, [1e-4, 0.001, 1e-2], [1e-5, 0.1, "x", None]),
        ("train.lr", {"low": 1, "high": 2, "step": 0.25}, [1, 1.25, 2.0], [1.1]),
        ("train.epochs", {"low": 2, "high": 8, "step": 3}, [2, 5, 8], [3, 9, True]),
        ("train.patience", {"low": 1, "high": 4}, [1, 4], [None, 5]),
        ("train.patience", {"choices": [None, 2]}, [None, 2], [1]),
        ("train.loss", {"choices": ["cross_entropy", "focal"]}, ["focal"], ["dice"]),
        ("train.flip", {"choices": [True, False]}, [True, False], [1, 0]),
        ("train.augmentation.mixup", {"low": 0.0, "high": 0.4}, [0.0, 0.2], [0.5]),
    ],
    ids=str,
)
def test_a_range_holds_what_lies_in_it(path, declared, inside, outside):
    made = make_range(path, declared, Train)
    assert [made.holds(value) for value in inside] == [True] * len(inside)
    assert [made.holds(value) for value in outside] == [False] * len(outside)


def test_a_drawn_number_is_short_and_stays_inside():
    made = make_range("train.lr", {"low": 0.00012344, "high": 0.0098766}, Train)
    assert made.rounded(0.00123456789) == 0.001235
    assert made.rounded(0.000123441) == 0.00012344
    assert made.rounded(0.0098765999) == 0.0098766
    assert make_range("train.epochs", {"low": 1, "high": 100_000}, Train).rounded(12345) == 12345
    assert make_range("train.flip", {"choices": [True, False]}, Train).rounded(True) is True


@pytest.mark.parametrize(
    ("path", "declared", "message"),
    [
        ("train.lrr", {"low": 1, "high": 2}, r"no such parameter\nremedy: the nearest are: train\.lr"),
        ("train.mixup", {"low": 0, "high": 1}, r"nearest are: train\.augmentation\.mixup"),
        ("train.augmentation", {"low": 0, "high": 1}, r"no such parameter"),
        ("featurize.hop_length", {"low": 1, "high": 2}, r"only parameters of `train` are searched"),
        ("train.seed", {"low": 0, "high": 9}, r"is not searched: the best of several seeds is luck"),
        ("train.lr", {}, r"got nothing"),
        ("train.lr", {"low": 1e-4}, r"missing: high"),
        ("train.lr", {"low": 1e-4, "high": 1e-3, "choices": [1]}, r"expected low.*got low, high, choices"),
        ("train.lr", {"low": 1e-3, "high": 1e-4}, r"low must be below high, got 0\.001 and 0\.0001"),
        ("train.lr", {"low": 0, "high": 1, "log": True}, r"low > 0.* must hold for `log=True`"),
        ("train.lr", {"low": -1, "high": 1}, r"greater than 0, got -1"),
        ("train.lr", {"low": "a", "high": 1}, r"must be numbers"),
        ("train.lr", {"low": 1, "high": 2, "log": "yes"}, r"log must be true or false"),
        ("train.lr", {"low": 1, "high": 2, "step": 0.3}, r"divisible by `step`"),
        ("train.lr", {"low": 1, "high": 2, "step": 0.5, "log": True}, r"step.*log"),
        ("train.epochs", {"low": 1.5, "high": 2.5}, r"takes whole numbers"),
        ("train.epochs", {"low": 0, "high": 5}, r"greater than or equal to 1, got 0"),
        ("train.loss", {"low": 1, "high": 2}, r"is not a number\nremedy: declare it by choices"),
        ("train.loss", {"choices": ["cross_entropy", "dice"]}, r"got 'dice'"),
        ("train.loss", {"choices": ["focal"]}, r"a list of two at least"),
        ("train.loss", {"choices": "focal"}, r"a list of two at least, got 'focal'"),
        ("train.loss", {"choices": ["focal", "focal"]}, r"the same value twice"),
        ("train.loss", {"choices": ["focal", ["dice"]]}, r"is not a single value"),
        ("train.flip", {"choices": [True, 1]}, r"valid boolean, got 1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_range_that_cannot_be(path, declared, message):
    with pytest.raises(UserError) as raised:
        make_range(path, declared, Train)
    raised.match(message)


def test_the_shipped_plan_fits_the_shipped_parameters():
    base = load(TrainParams, ROOT / "params.yaml")
    plan = read_plan(ROOT / "tune.yaml", base)
    assert len(plan.ranges) >= 4
    assert plan.facts()["ranges"]["train.balance"] == plan.ranges["train.balance"].declared
