"""Spoken lines: who speaks, which are long enough, what happens when there are too few."""

from pathlib import Path

import pytest

from avfake.dataset.sample.corpus import SPLIT_SOURCES, choose_lines, is_deep, lines_by_source, source_of
from avfake.errors import RunError, UserError
from avfake.params import SampleParams, load
from sample_toys import NAMES, make_corpus

PARAMS = load(SampleParams).model_copy(update={"n_train": 6, "n_val": 4, "n_test": 5, "min_seconds": 1.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("airplane/cs/let-m-oko.ogg", "cs-small"),
        ("airplane/nl/let-v-vrak0.ogg", "nl-big"),
        ("cabin1/cs/k1-v-co-je.ogg", "cs-big"),
        ("hanoi/cs/m-ven.ogg", "cs-small-later"),
        ("hanoi/nl/m-ven.ogg", "nl-small"),
        ("viking2/cs/dr-1-ahoj.ogg", None),
        ("city/cs/vit-hs-uvod.ogg", None),
        ("gods/cs/b1-dobre.ogg", None),
        ("briefcase/cs/help1.ogg", None),
    ],
)
def test_the_name_tells_the_speaker(name, source):
    assert source_of(Path(name)) == source


def test_every_source_of_the_splits_is_found(folder):
    found = lines_by_source(folder)
    assert set(found) == set(NAMES) == {s for sources in SPLIT_SOURCES.values() for s in sources}
    assert [is_deep(source) for source in ("cs-big-later", "nl-small")] == [True, False]


def test_sources_take_turns_and_lines_are_long_enough(folder):
    chosen = choose_lines(folder, PARAMS)
    assert {split: len(lines) for split, lines in chosen.items()} == {"train": 3, "val": 2, "test": 3}
    for split, lines in chosen.items():
        assert {line.source for line in lines} == set(SPLIT_SOURCES[split])
        assert len({line.path for line in lines}) == len(lines)
        # The recordings have 0.2 s of silence at both ends, which does not count.
        assert all(PARAMS.min_seconds <= line.seconds < 1.9 for line in lines)


def test_the_seed_decides(folder):
    assert choose_lines(folder, PARAMS) == choose_lines(folder, PARAMS)
    others = [choose_lines(folder, PARAMS.model_copy(update={"seed": seed})) for seed in (1, 2, 3)]
    assert any(other != choose_lines(folder, PARAMS) for other in others)


def test_too_few_lines_are_an_error_with_the_numbers(folder):
    with pytest.raises(UserError, match=r"sample\.n_val.* takes 20 spoken lines .* have 6") as caught:
        choose_lines(folder, PARAMS.model_copy(update={"n_val": 40}))
    assert "sample.n_val" in caught.value.remedy
    with pytest.raises(UserError, match="have 0"):
        choose_lines(folder, PARAMS.model_copy(update={"min_seconds": 5.0}))


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(RunError, match="no spoken lines"):
        lines_by_source(tmp_path)
