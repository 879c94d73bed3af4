from pathlib import Path

from avfake.dataset.layout import Clip
from avfake.inspection.draw import Draw
from avfake.inspection.reading import Reading, unread
from avfake.inspection.tables import counts, cross, extra_columns, generators, sources

READ = Reading(None, None, None, 1.5, 0, {})


def clip(name: str, split: str, target: int | None, generator=None, source=None, **extra) -> Clip:
    return Clip(name, Path(split) / name, split, target, generator, source, extra)


CLIPS = [
    clip("a", "train", 0, "real", "anna", mood="sad"),
    clip("b", "train", 1, "world", "anna", mood="glad"),
    clip("c", "train", 1, "world", "ben", mood=None),
    clip("d", "val", 0, "real", "anna", mood="sad"),
    clip("e", "val", 1, "vocos", "carl", mood="sad"),
    clip("f", "test", None, None, None, mood=None),
    clip("g", "test", 1, "world", "dora", mood=None),
]


def test_counts_are_per_split_and_class():
    assert counts(CLIPS, ("train", "val", "test")) == [
        {"split": "train", "clips": 3, "real": 1, "fake": 2, "unlabelled": 0, "share_fake": 0.666667},
        {"split": "val", "clips": 2, "real": 1, "fake": 1, "unlabelled": 0, "share_fake": 0.5},
        {"split": "test", "clips": 2, "real": 0, "fake": 1, "unlabelled": 1, "share_fake": 1.0},
        {"split": "all", "clips": 7, "real": 2, "fake": 4, "unlabelled": 1, "share_fake": 0.666667},
    ]


def test_a_split_without_a_label_has_no_share():
    assert counts([clip("a", "test", None)], ("test",))[0]["share_fake"] is None


def test_a_cross_table_counts_every_clip_once_the_frequent_values_first():
    rows = cross(CLIPS, lambda item: item.generator)
    assert [row["value"] for row in rows] == ["world", "real", "vocos", None]
    assert rows[0] == {
        "value": "world", "clips": 3, "real": 0, "fake": 3, "unlabelled": 0, "train": 2, "val": 0, "test": 1,
    }  # fmt: skip
    assert sum(row["clips"] for row in rows) == len(CLIPS)


def test_a_column_that_nobody_fills_has_no_table():
    assert cross([clip("a", "train", 1), clip("b", "val", 0)], lambda item: item.source) == []


def test_a_generator_that_training_has_not_is_marked_and_comes_first():
    rows = generators(CLIPS)
    assert [(row["value"], row["unseen"]) for row in rows] == [
        ("vocos", True), ("world", False), ("real", False), (None, False),
    ]  # fmt: skip


def test_without_generators_in_training_none_is_called_unseen():
    rows = generators([clip("a", "train", 1), clip("b", "val", 1, "world")])
    assert not any(row["unseen"] for row in rows)


def test_a_source_in_two_splits_is_marked_and_comes_first():
    rows = sources(CLIPS)
    assert [row["value"] for row in rows if row["shared"]] == ["anna"]
    assert rows[0]["value"] == "anna"
    # That clips without a source are in all splits says nothing.
    assert not any(row["shared"] for row in sources([clip("a", "train", 0), clip("b", "val", 0, source="x")]))


def test_every_further_column_has_its_table():
    tables = extra_columns(CLIPS)
    assert list(tables) == ["mood"]
    assert {row["value"]: row["clips"] for row in tables["mood"]} == {"sad": 3, None: 3, "glad": 1}


def drawn(clips: list[Clip], n: int, seed: int = 0) -> list[dict]:
    draw = Draw(n, seed)
    for item in clips:
        draw.add(item, READ)
    return draw.chosen()


def many(n: int) -> list[Clip]:
    """Fakes of which nine in ten come from one generator, and as many reals."""
    fakes = [clip(f"f{i}", "train", 1, "rare" + str(i % 3) if i % 10 == 0 else "common") for i in range(n)]
    return fakes + [clip(f"r{i}", "val", 0, "real", "one") for i in range(n)]


def test_every_generator_is_drawn_before_any_is_drawn_twice():
    found = drawn(many(100), 5)
    assert [row["class"] for row in found] == ["real"] * 5 + ["fake"] * 5
    named = [row["generator"] for row in found[5:]]
    assert set(named[:4]) == {"common", "rare0", "rare1", "rare2"}
    assert len({row["video_name"] for row in found}) == 10


def test_the_draw_is_seeded_and_does_not_depend_on_the_order():
    clips = many(60)
    assert drawn(clips, 4, 7) == drawn(clips[::-1], 4, 7)
    assert drawn(clips, 4, 7) != drawn(clips, 4, 8)


def test_more_generators_than_places_are_drawn_at_random():
    clips = [clip(f"f{i}", "train", 1, f"generator-{i:03}") for i in range(200)]
    found = {tuple(row["generator"] for row in drawn(clips, 3, seed)) for seed in range(5)}
    assert len(found) == 5
    assert drawn(clips, 3) == drawn(clips[::-1], 3)


def test_the_draw_keeps_no_more_than_it_can_show():
    draw = Draw(3, 0)
    for index in range(2000):
        draw.add(clip(f"{index}", "train", index % 2, f"g{index}", f"s{index}"), READ)
    kept = [len(group) for groups in draw._groups.values() for group in groups.values()]
    assert sum(kept) <= 6


def test_clips_that_cannot_be_shown_are_not_drawn():
    draw = Draw(3, 0)
    draw.add(clip("a", "train", 1), unread("empty file"))
    draw.add(clip("b", "train", None), READ)
    assert draw.chosen() == []
    assert drawn(CLIPS, 0) == []
