"""Labels joined with scores: nothing lost without a word, nothing merged that is not one clip."""

import numpy as np
import pandas as pd
import pytest

from avfake.evaluation.split import join, seen_generators, sound_seconds


def labels(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["split", "video_name", "target", "generator", "source"], dtype=object)
    return frame.astype({"target": "Int8"})


LABELS = labels(
    [
        ("train", "a", 1, "g1", None),
        ("train", "b", 0, "real", None),
        ("train", "c", None, "g9", None),
        ("val", "c", 1, "g1", "s1"),
        ("val", "a", 0, None, None),
        ("val", "d", None, None, None),
        ("val", "e", 1, "g2", "s2"),
    ]
)


def test_names_that_differ_by_case_are_two_clips() -> None:
    rows = labels([("val", "Clip.mp4", 1, "g1", None), ("val", "clip.mp4", 0, "real", None)])
    scores = pd.DataFrame({"video_name": ["clip.mp4", "Clip.mp4"], "score": [0.1, 0.9]})
    made = join(rows, scores, {"clip.mp4"}, "val")
    assert dict(zip(made.table["video_name"], made.score, strict=True)) == {"Clip.mp4": 0.9, "clip.mp4": 0.1}
    assert made.target.tolist() == [1, 0]
    assert made.n_unscored == 1
    facts = pd.DataFrame(
        {"split": "val", "video_name": ["CLIP.mp4", "clip.mp4", "Clip.mp4"], "sound_seconds": [1.0, 2.0, 3.0]}
    )
    assert sound_seconds(made, facts).tolist() == [3, 2]


def test_a_label_column_called_score_is_not_taken_for_the_score() -> None:
    scores = pd.DataFrame({"video_name": ["a", "c"], "score": [0.1, 0.2]})
    made = join(LABELS.assign(score="7"), scores, set(), "val")
    assert made.score.tolist() == [0.1, 0.2]


def test_the_length_is_that_of_the_clip_in_its_home() -> None:
    held = LABELS.assign(home=LABELS["split"]).replace({"split": {"train": "held_out"}})
    made = join(held, pd.DataFrame({"video_name": ["a", "b"], "score": [0.1, 0.2]}), set(), "held_out")
    facts = pd.DataFrame({"split": ["val", "train"], "video_name": ["a", "a"], "sound_seconds": [1.0, 2.0]})
    np.testing.assert_array_equal(sound_seconds(made, facts), [2, np.nan])


def test_join_counts_what_it_leaves_out() -> None:
    scores = pd.DataFrame({"video_name": ["a", "c", "d", "x"], "score": [0.1, 0.2, 0.3, 0.4]})
    made = join(LABELS, scores, {"a", "x"}, "val")
    assert made.target.tolist() == [0, 1]
    assert made.score.tolist() == [0.1, 0.2]
    assert made.source == [None, "s1"]
    assert made.generator == [None, "g1"]
    assert made.n_unscored == 1
    assert made.left_out == (
        "2 scored clips without a label are left out",
        "1 labelled clips without a row in the prediction file are left out",
    )


@pytest.mark.parametrize(
    ("split", "names", "reason"),
    [
        ("test", [], "no test split"),
        ("test", ["a"], "no labels for the test split"),
        ("val", ["x"], "both a label and a score"),
    ],
)
def test_an_empty_join_says_why(split: str, names: list[str], reason: str) -> None:
    scores = pd.DataFrame(
        {"video_name": pd.Series(names, dtype=object), "score": pd.Series([0.5] * len(names))}
    )
    made = join(LABELS, scores, set(), split)
    assert made.target.size == 0
    assert reason in made.why_empty


def test_generators_are_seen_in_the_labelled_fakes_of_training() -> None:
    assert seen_generators(LABELS) == {"g1"}
    assert seen_generators(LABELS.assign(generator=None)) is None
