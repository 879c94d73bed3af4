"""Which derived clips there will be: drawn by names and seeds, and moved by nothing else."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from augmented import TOYS, recipe, use_toys
from avfake.dataset.augmented import MANIFEST_SCHEMA
from avfake.dataset.layout import Clip
from avfake.dataset.root import DataRoot, Split
from avfake.errors import UserError
from avfake.forge.plan import copies, derived_name, manifest_row, plan, seed_of
from avfake.params.sections import AugmentParams, RecipeParams


@pytest.fixture(autouse=True)
def _toys(monkeypatch):
    use_toys(monkeypatch)


def clip(number: int, target: int | None = None, source: str | None = None, split: str = "train") -> Clip:
    target = number % 2 if target is None else target
    name = f"{split}-{number:03d}.mp4"
    return Clip(name, Path(split) / name, split, target, "comb" if target else "real", source)


def root(*clips: Clip) -> DataRoot:
    splits = {
        name: Split(name, Path(name), None, tuple(item for item in clips if item.split == name))
        for name in ("train", "val")
    }
    return DataRoot(Path("root"), splits, ())


def params(*recipes: dict, max_clips: int = 10_000) -> AugmentParams:
    return AugmentParams(
        recipes=[RecipeParams(**item) for item in recipes], max_clips=max_clips, max_seconds=60.0
    )


def names(jobs) -> list[tuple[str, str, int]]:
    return [(job.recipe, job.source.video_name, job.copy) for job in jobs]


def test_jobs_come_by_recipe_then_source_then_copy():
    jobs = plan(
        root(*map(clip, (3, 1, 0, 2))),
        params(recipe("louder", per_clip=2, of="real"), recipe("backwards", of="fake")),
    )
    assert names(jobs) == [
        ("louder", "train-000.mp4", 0),
        ("louder", "train-000.mp4", 1),
        ("louder", "train-002.mp4", 0),
        ("louder", "train-002.mp4", 1),
        ("backwards", "train-001.mp4", 0),
        ("backwards", "train-003.mp4", 0),
    ]
    assert jobs[0].derived_name == derived_name("louder", 0, "train-000.mp4")
    assert len({job.derived_name for job in jobs}) == len(jobs)


def test_only_labelled_training_clips_are_used():
    unknown = replace(clip(4), target=None)
    doubled = clip(6), replace(clip(6), split="val")
    jobs = plan(root(clip(0), unknown, clip(2, split="val"), *doubled), params(recipe("louder")))
    assert names(jobs) == [("louder", "train-000.mp4", 0)]


@pytest.mark.parametrize("per_clip", [0.25, 0.5, 1.0, 2.25])
def test_per_clip_is_a_share_of_the_clips(per_clip):
    clips = [clip(number, target=0) for number in range(800)]
    jobs = plan(root(*clips), params(recipe("louder", per_clip=per_clip)))
    # Four standard deviations of a binomial draw.
    spread = 4 * (800 * 0.25) ** 0.5 if per_clip % 1 else 0
    assert abs(len(jobs) - 800 * per_clip) <= spread
    assert {job.copy for job in jobs} == set(range(int(per_clip // 1 + (per_clip % 1 > 0))))


def test_recipes_and_seeds_draw_by_themselves():
    clips = [clip(number, target=0) for number in range(200)]

    def drawn(**values):
        return {job.source.video_name for job in plan(root(*clips), params(recipe("louder", **values)))}

    half = drawn(per_clip=0.5)
    assert drawn(per_clip=0.5) == half
    assert half <= drawn(per_clip=0.75), "a greater share keeps those that were drawn"
    for other in (drawn(per_clip=0.5, seed=1), drawn(per_clip=0.5, name="other")):
        assert 60 < len(half ^ other) < 140


def test_a_clip_more_changes_no_other_job():
    some = [clip(number, target=0, source=f"voice-{number // 2}") for number in range(60)]
    wanted = params(recipe("louder", per_clip=0.5), recipe("borrowed", per_clip=1.5))
    more = clip(900, target=0, source="voice-new")
    before = {names([job])[0]: job for job in plan(root(*some), wanted)}
    after = {
        names([job])[0]: job
        for job in plan(root(*some, more), wanted)
        if job.source.video_name != more.video_name
    }
    assert after.keys() == before.keys()
    moved = [key for key, job in after.items() if job != before[key]]
    assert all(after[key].partner == more for key in moved)
    assert len(moved) <= 8, "one in sixty of ninety, by chance"


def test_partners_are_real_training_clips_of_another_source():
    clips = [clip(number, source=f"voice-{number // 4}") for number in range(24)]
    clips += [clip(30, target=0), clip(31, target=1)]  # of no known source
    jobs = plan(root(*clips, clip(40, target=0, split="val")), params(recipe("borrowed", per_clip=3)))
    for job in jobs:
        assert job.partner.target == 0
        assert job.partner.split == "train"
        assert job.partner != job.source
        assert job.source.source is None or job.partner.source != job.source.source
    used = {job.partner.video_name for job in jobs}
    assert len(used) >= 11, "every one of the 13 reals goes with somebody, or nearly"


def test_where_there_is_no_partner_the_job_stays_and_names_none():
    jobs = plan(root(clip(0, source="a"), clip(2, source="a")), params(recipe("borrowed")))
    assert [job.partner for job in jobs] == [None, None]
    jobs = plan(root(clip(0), clip(2)), params(recipe("borrowed")))
    assert [job.partner.video_name for job in jobs] == ["train-002.mp4", "train-000.mp4"]
    assert plan(root(clip(1)), params(recipe("borrowed")))[0].partner is None


def test_no_recipe_and_no_match_make_no_jobs():
    assert plan(root(clip(0)), params()) == ()
    assert plan(root(clip(0)), params(recipe("louder", of="fake"))) == ()


def test_too_many_are_counted_before_they_are_listed():
    with pytest.raises(UserError) as error:
        plan(
            root(clip(0), clip(2)), params(recipe("louder", per_clip=10**12), recipe("backwards", of="fake"))
        )
    assert f"would make {2 * 10**12} clips, augment.max_clips allows 10000" in error.value.message
    assert f"louder {2 * 10**12}, backwards 0" in error.value.message
    assert "per_clip" in error.value.remedy


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tool": "loudr"}, "`first`: there is no tool `loudr`; did you mean louder?"),
        ({"params": {}}, "`first`: parameters of louder: gain: Field required"),
        ({"params": {"gain": [1.0, 1.0], "pitch": 2}}, "pitch: Extra inputs are not permitted"),
        ({"params": {"gain": "high"}}, "gain: Input should be a valid list"),
        ({"params": {"gain": [2.0, 1.0]}}, "gain: Value error, the first of the two must not be above"),
        ({"name": "skipped"}, "`skipped`: the name stands for something else"),
    ],
)
def test_a_wrong_recipe_is_named(wrong, said):
    with pytest.raises(UserError) as error:
        plan(root(clip(0)), params(recipe("louder", "first") | wrong))
    assert said in error.value.message
    assert error.value.remedy


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch):
    use_toys(monkeypatch, replace(TOYS["backwards"], packages=("numpy", "no-such-vocoder")))
    with pytest.raises(UserError) as error:
        plan(root(clip(0)), params(recipe("backwards")))
    assert "not installed: no-such-vocoder" in error.value.message
    assert "pip install" in error.value.remedy


def test_two_recipes_that_make_the_same_are_refused():
    same = recipe("louder"), recipe("louder", "again", params={"gain": [0.5, 0.9]})
    with pytest.raises(UserError, match="`louder` and `again` make the same clips"):
        plan(root(clip(0)), params(*same))
    for other in ({"seed": 1}, {"params": {"gain": [0.5, 0.8]}}):
        assert len(plan(root(clip(0)), params(same[0], same[1] | other))) == 2
    assert len(plan(root(clip(0)), params(same[0] | {"of": "real"}, same[1] | {"of": "fake"}))) == 1


def test_a_name_that_the_root_has_already():
    taken = replace(clip(8), video_name=derived_name("louder", 0, "train-000.mp4"))
    with pytest.raises(UserError, match=r"`louder`: .* has the name of a clip that it would make"):
        plan(root(clip(0), taken), params(recipe("louder")))


def test_seeds_follow_from_content_and_fit_the_manifest():
    one = seed_of(0, "louder", "ab" * 32, 0)
    assert one == seed_of(0, "louder", "ab" * 32, 0)
    others = [
        seed_of(1, "louder", "ab" * 32, 0),
        seed_of(0, "other", "ab" * 32, 0),
        seed_of(0, "louder", "cd" * 32, 0),
        seed_of(0, "louder", "ab" * 32, 1),
    ]
    assert len({one, *others}) == 5
    assert all(0 <= seed < 2**63 for seed in (one, *others))
    assert copies(RecipeParams(**recipe("louder", per_clip=2.0)), "a.mp4") == 2


def test_rows_of_the_manifest():
    fake = plan(root(clip(0, source="anna"), clip(1)), params(recipe("borrowed"), recipe("louder")))
    by_source = {(job.tool, job.source.target): job for job in fake}
    row = manifest_row(
        by_source["louder", 1], TOYS["louder"], "ab" * 32, None, "cd" * 32, {"b": "2", "a": "1"}
    )
    assert list(row) == MANIFEST_SCHEMA.names
    assert (row["label_before"], row["label_after"], row["generator"]) == (1, 1, "comb")
    assert row["partner_name"] is None
    assert row["libraries"] == '{"a": "1", "b": "2"}'
    assert json.loads(row["params"]) == {"gain": [0.5, 0.9]}
    row = manifest_row(by_source["borrowed", 1], TOYS["borrowed"], "ab" * 32, "ef" * 32, "cd" * 32, {})
    assert (row["label_before"], row["label_after"], row["generator"]) == (1, 1, "borrowed")
    assert (row["partner_name"], row["partner_sha256"]) == ("train-000.mp4", "ef" * 32)
    row = manifest_row(by_source["louder", 0], TOYS["louder"], "ab" * 32, None, "cd" * 32, {})
    assert (row["label_after"], row["generator"], row["source"]) == (0, "real", "anna")
