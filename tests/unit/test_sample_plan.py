"""What the plan promises: disjoint speakers, pairs, generators that only the test split has."""

from collections import Counter

import pytest

from avfake.dataset.sample.corpus import SPLIT_SOURCES, Line
from avfake.dataset.sample.plan import PICTURE_TOOL, REAL, SHARES, TOOLS, make_plan
from avfake.params import SampleParams, load

PARAMS = load(SampleParams)
COUNTS = {"train": PARAMS.n_train, "val": PARAMS.n_val, "test": PARAMS.n_test}


def lines(counts=COUNTS):
    return {
        split: [
            Line(f"{split}/{i}.ogg", f"{i:064x}", SPLIT_SOURCES[split][i % 2], 3.0 + i % 4)
            for i in range((n + 1) // 2)
        ]
        for split, n in counts.items()
    }


@pytest.fixture(scope="module")
def plans():
    return make_plan(lines(), PARAMS)


def of(plans, split, **wanted):
    return [p for p in plans if p.split == split and all(getattr(p, k) == v for k, v in wanted.items())]


@pytest.mark.parametrize("split", COUNTS)
def test_half_of_each_split_is_real(plans, split):
    assert len(of(plans, split)) == COUNTS[split]
    assert len(of(plans, split, target=0)) == COUNTS[split] // 2
    assert all(p.generator == REAL and p.forged == "none" for p in of(plans, split, target=0))


def test_no_source_is_in_two_splits(plans):
    sources = {split: {p.line.source for p in of(plans, split)} for split in COUNTS}
    assert sum(map(len, sources.values())) == len(set.union(*sources.values()))


def test_source_and_duration_are_the_same_for_both_classes(plans):
    for split in COUNTS:
        real, fake = (Counter(p.line for p in of(plans, split, target=t)) for t in (0, 1))
        assert real == fake
        assert set(real.values()) == {1}


def test_the_test_split_holds_only_unseen_generators(plans):
    by_split = {split: {p.generator for p in of(plans, split, target=1)} for split in COUNTS}
    assert by_split["test"] == {"hifigan", "kokoro", "face_warp"}
    assert not by_split["test"] & (by_split["train"] | by_split["val"])
    assert by_split["val"] - by_split["train"] == {"espeak_ng"}
    tools = {split: {t for p in of(plans, split) for t in (p.sound_tool, p.picture_tool)} for split in COUNTS}
    assert not (tools["test"] - {None}) & (tools["train"] | tools["val"])


def test_a_tenth_of_the_fakes_has_real_sound(plans):
    for split, n in COUNTS.items():
        video = of(plans, split, forged="video")
        assert len(video) == pytest.approx(0.1 * n / 2, abs=1)
        assert all(p.generator == PICTURE_TOOL[split] and p.sound_tool is None for p in video)
        both = of(plans, split, forged="both")
        assert both
        assert all(p.generator == p.sound_tool and p.picture_tool == PICTURE_TOOL[split] for p in both)


def test_a_generator_does_not_stick_to_one_source(plans):
    for split in COUNTS:
        for generator in SHARES[split]:
            counts = Counter(p.line.source for p in of(plans, split, generator=generator))
            assert max(counts.values()) - min(counts[s] for s in SPLIT_SOURCES[split]) <= 2


def test_names_are_unique_and_tell_nothing(plans):
    names = [p.video_name for p in plans]
    assert len(set(names)) == len(names)
    assert all(len(name) == 36 and name.endswith(".mp4") for name in names)
    first = sorted(plans, key=lambda p: p.video_name)[: len(plans) // 2]
    assert 0.4 < sum(p.target for p in first) / len(first) < 0.6


def test_both_clips_of_a_pair_share_the_seed_of_the_picture(plans):
    seeds = {}
    for p in plans:
        seeds.setdefault((p.split, p.line), set()).add(p.pair_seed)
    assert all(len(values) == 1 for values in seeds.values())


def test_the_seed_changes_names_and_tools():
    other = make_plan(lines(), PARAMS.model_copy(update={"seed": 1}))
    same = make_plan(lines(), PARAMS)
    assert same == make_plan(lines(), PARAMS)
    assert not {p.video_name for p in same} & {p.video_name for p in other}


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_small_and_odd_counts_are_kept(n):
    counts = dict.fromkeys(COUNTS, n)
    params = PARAMS.model_copy(update={f"n_{split}": n for split in COUNTS})
    plans = make_plan(lines(counts), params)
    for split in COUNTS:
        assert len(of(plans, split)) == n
        assert len(of(plans, split, target=1)) == (n + 1) // 2


def test_every_generator_is_declared():
    assert {name for shares in SHARES.values() for name in shares} == set(TOOLS)
    assert all(sum(shares.values()) == pytest.approx(1) for shares in SHARES.values())
