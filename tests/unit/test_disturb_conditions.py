"""The conditions by name, their randomness, and which clips are drawn."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from avfake.disturb.conditions import CLEAN, CONDITIONS, SoundCondition, chosen, generator
from avfake.disturb.draw import draw
from avfake.disturb.sound import RATE
from avfake.errors import UserError
from avfake.params import RobustnessParams, load
from clips import speech

ROOT = Path(__file__).parents[2]
SPEECH = speech(1.2, RATE, seed=2)


def test_every_condition_of_params_yaml_is_known_and_every_known_one_stands_there() -> None:
    names = load(RobustnessParams, ROOT / "params.yaml").conditions
    assert list(chosen(names)) == names == list(CONDITIONS)
    assert CLEAN not in CONDITIONS


@pytest.mark.parametrize(
    ("names", "message", "remedy"),
    [
        (["aac_64k", "aac_64"], "unknown condition `aac_64`", "did you mean `aac_64k`"),
        (["telepathy"], "unknown condition `telepathy`", "Known are: aac_64k, aac_32k"),
        ([CLEAN], "unknown condition `clean`", "`clean` is always measured"),
        (["blur", "blur"], "`blur` stands twice", "remove one"),
    ],
)
def test_wrong_names(names: list[str], message: str, remedy: str) -> None:
    with pytest.raises(UserError, match=r"robustness\.conditions") as caught:
        chosen(names)
    assert message in caught.value.message
    assert remedy in caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "name", [key for key, item in CONDITIONS.items() if isinstance(item, SoundCondition)]
)
def test_every_sound_condition_gives_what_a_sixteen_bit_file_holds(name: str) -> None:
    condition = CONDITIONS[name]
    assert isinstance(condition, SoundCondition)
    made = condition.apply(SPEECH, generator(0, "clip", name))
    assert made.dtype == np.float32
    assert np.array_equal(made * 32768, np.rint(made * 32768))
    assert np.abs(made).max() <= 1
    assert 0.8 * RATE < len(made) < 2.3 * RATE
    assert np.array_equal(made, condition.apply(SPEECH, generator(0, "clip", name)))
    other = condition.apply(SPEECH, generator(1, "clip", name))
    assert np.array_equal(made, other) == (not condition.drawn)


def test_a_louder_clip_is_clipped_at_full_scale() -> None:
    loud = SPEECH / np.abs(SPEECH).max() * 0.9
    condition = CONDITIONS["gain_up_6db"]
    assert isinstance(condition, SoundCondition)
    made = condition.apply(loud, generator(0, "clip", "x"))
    assert made.max() == 32767 / 32768 or made.min() == -1.0
    assert (np.abs(made) > 0.999).sum() > 10


def test_keys_differ_where_results_may() -> None:
    keys = [str(condition.key(0)) for condition in CONDITIONS.values()]
    assert len(set(keys)) == len(keys)
    for name, condition in CONDITIONS.items():
        drawn = isinstance(condition, SoundCondition) and condition.drawn
        assert (condition.key(0) != condition.key(1)) == drawn, name


def test_randomness_depends_on_seed_clip_and_condition_alone() -> None:
    def first(*arguments: object) -> float:
        return float(generator(*arguments).random())  # type: ignore[arg-type]

    values = [first(0, "a", "x"), first(1, "a", "x"), first(0, "b", "x"), first(0, "a", "y")]
    assert len(set(values)) == 4
    assert first(0, "a", "x") == values[0]


def labels(rows: list[tuple[str, int, str | None, str | None]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["video_name", "target", "generator", "source"], dtype=object)


def many(n: int = 400) -> pd.DataFrame:
    """Fakes of three generators, the first with most of the clips; two sources."""
    rows: list[tuple[str, int, str | None, str | None]] = []
    for i in range(n):
        fake = i % 2
        kind = ("a" if i % 16 < 12 else "b" if i % 16 < 14 else "c") if fake else "real"
        rows.append((f"clip{i:03}.mp4", fake, kind, f"s{i // 32 % 2}"))
    return labels(rows)


def test_half_are_real_and_the_fakes_are_spread_over_generators_and_sources() -> None:
    made = draw(many(), 36, seed=0)
    assert Counter(made["target"]) == {0: 18, 1: 18}
    fakes = made[made["target"] == 1]
    assert Counter(fakes["generator"]) == {"a": 6, "b": 6, "c": 6}
    assert set(Counter(zip(fakes["generator"], fakes["source"], strict=True)).values()) == {3}
    assert Counter(made[made["target"] == 0]["source"]) == {"s0": 9, "s1": 9}
    assert made["video_name"].is_monotonic_increasing


def test_the_seed_draws_and_the_order_of_rows_does_not() -> None:
    table = many()
    first = draw(table, 20, seed=0)["video_name"].tolist()
    assert draw(table.sample(frac=1, random_state=3), 20, seed=0)["video_name"].tolist() == first
    assert draw(table, 20, seed=1)["video_name"].tolist() != first


def test_a_clip_that_is_added_displaces_one_at_most() -> None:
    table = many()
    before = set(draw(table, 40, seed=0)["video_name"])
    moved = []
    for i in range(60):
        row = (f"new{i}.mp4", i % 2, ("a", "b")[i // 2 % 2] if i % 2 else "real", f"s{i % 3 % 2}")
        after = set(draw(pd.concat([table, labels([row])]), 40, seed=0)["video_name"])
        moved.append(len(before - after))
    assert max(moved) == 1
    assert 0 < sum(moved) < 60


def test_more_clips_contain_fewer() -> None:
    table = many()
    small, large = (set(draw(table, n, seed=0)["video_name"]) for n in (20, 40))
    assert small < large


def test_small_and_unlabelled_tables() -> None:
    few = labels([("a.mp4", 0, None, None), ("b.mp4", 0, None, None), ("c.mp4", 1, None, None)])
    assert draw(few, 3, seed=0)["target"].tolist().count(0) == 2
    assert draw(few, 40, seed=0)["video_name"].tolist() == ["a.mp4", "b.mp4", "c.mp4"]
    assert draw(few.iloc[:0], 40, seed=0).empty
