"""Every set: from a small tree of its published shape to a data root that the pipeline takes."""

import json
from pathlib import Path

import pytest

import avfake.inspection.report as inspection
from avfake.adapters.plan import Options
from avfake.adapters.registry import ADAPTERS
from avfake.adapters.run import Imported, import_set
from avfake.dataset.layout import Clip
from avfake.dataset.root import DataRoot, load_root
from avfake.params import DataParams
from inspected import in_this_process, inspect
from published import TREES, contents


def read(out: Path) -> DataRoot:
    return load_root(DataParams(root=str(out), limit=None, seed=0, max_unreadable=0.0))


def imported(tmp_path: Path, name: str, **options: object) -> tuple[Imported, DataRoot]:
    src = tmp_path / "set"
    if not src.exists():
        TREES[name](src)
    out = tmp_path / f"root{len(list(tmp_path.iterdir()))}"
    made = import_set(ADAPTERS[name], src, out, Options(**options), None)  # type: ignore[arg-type]
    return made, read(out)


def by_name(root: DataRoot) -> dict[str, Clip]:
    return {clip.video_name: clip for clip in root.clips}


def splits_of(root: DataRoot) -> dict[str, set[str]]:
    """The splits that hold clips of each source."""
    found: dict[str, set[str]] = {}
    for clip in root.clips:
        if clip.source is not None:
            found.setdefault(clip.source, set()).add(clip.split)
    return found


def test_every_set_has_a_tree_and_a_page():
    page = (Path(__file__).parents[3] / "docs" / "import.md").read_text()
    assert set(TREES) == set(ADAPTERS)
    for name, adapter in ADAPTERS.items():
        assert f"`{name}`" in page
        assert adapter.unchecked
        for address in adapter.sources:
            assert address.startswith("https://")
            assert address in page


@pytest.mark.parametrize("name", TREES)
def test_the_root_of_a_set_is_read_without_a_problem_and_the_set_is_as_it_was(tmp_path, name):
    TREES[name](tmp_path / "set")
    before = contents(tmp_path / "set")
    made, root = imported(tmp_path, name)
    assert root.problems == ()
    assert set(root.splits) == {"train", "val", "test"}
    for split in ("train", "val"):
        assert {clip.target for clip in root.splits[split].clips} == {0, 1}
    for clip in root.clips:
        assert clip.path.stat().st_size > 100
        assert (clip.generator == "real") == (clip.target == 0)
    assert sum(sum(counts.values()) for counts in made.counts.values()) == len(root.clips)
    after = contents(tmp_path / "set")
    assert before == after
    facts = json.loads((made.out / "import.json").read_text())
    assert (facts["set"], facts["clips"]) == (name, made.counts)


@pytest.mark.parametrize("name", ["asvspoof2019-la", "wavefake", "lav-df"])
def test_inspect_reads_flac_wav_and_mp4_through_the_links(tmp_path, name, monkeypatch):
    monkeypatch.setattr(inspection, "map_ordered", in_this_process, raising=False)
    monkeypatch.setattr("avfake.inspection.reading.map_ordered", in_this_process)
    made, _ = imported(tmp_path, name)
    page = tmp_path / "figures.json"
    done = inspect(made.out, "--json", page, "--limit", 1, "--jobs", 1)
    assert done.exit_code == 0, done.output
    figures = json.loads(page.read_text())
    assert figures["label_problems"] == []
    whole = figures["counts"][-1]
    assert whole["read"] >= 4
    assert whole["unreadable_file"] == whole["unreadable_sound"] == 0


def test_official_splits_generators_and_speakers_of_asvspoof_2019_are_kept(tmp_path):
    _, root = imported(tmp_path, "asvspoof2019-la")
    clip = by_name(root)["LA_T_1000002.flac"]
    assert (clip.split, clip.target, clip.generator, clip.source) == ("train", 1, "A09", "LA_0079")
    assert by_name(root)["LA_D_1000001.flac"].split == "val"
    assert by_name(root)["LA_E_1000001.flac"].target == 0


def test_asvspoof_2021_trains_on_2019_and_keeps_codec_and_subset(tmp_path):
    _, root = imported(tmp_path, "asvspoof2021-la")
    assert {clip.video_name[:4] for clip in root.splits["train"].clips} == {"LA_T"}
    clip = by_name(root)["LA_E_9332881.flac"]
    assert (clip.split, clip.generator) == ("test", "A07")
    assert clip.extra == {"codec": "alaw", "transmission": "ita_tx", "trim": "notrim", "subset": "eval"}
    assert by_name(root)["LA_E_5464494.flac"].extra["transmission"] is None
    made, root = imported(tmp_path, "asvspoof2021-la", only=(("subset", ("eval",)),))
    assert {clip.extra["subset"] for clip in root.splits["test"].clips} == {"eval"}
    assert made.notes["left out by --only"] == 1
    assert len(root.splits["train"].clips) == 4


def test_the_deepfake_track_is_found_in_its_four_parts(tmp_path):
    _, root = imported(tmp_path, "asvspoof2021-df")
    clip = by_name(root)["DF_E_2000013.flac"]
    assert (clip.generator, clip.source, clip.extra["origin"]) == ("Task1-team20", "TEF2", "vcc2020")
    assert clip.extra["vocoder"] == "neural_vocoder_nonautoregressive"


def test_asvspoof_5_names_attack_speaker_and_codec(tmp_path):
    _, root = imported(tmp_path, "asvspoof5")
    clip = by_name(root)["E_0000000000.flac"]
    assert (clip.split, clip.target, clip.generator, clip.source) == ("test", 1, "A05", "E_0001")
    assert clip.extra == {"gender": "F", "codec": "C05", "codec_quality": "3"}
    assert by_name(root)["T_0000000001.flac"].generator == "real"


def test_a_partial_fake_is_fake_and_its_kind_the_generator(tmp_path):
    _, root = imported(tmp_path, "lav-df")
    kinds = {clip.video_name: (clip.target, clip.generator) for clip in root.splits["train"].clips}
    assert kinds == {
        "000000.mp4": (0, "real"),
        "000001.mp4": (1, "audio_modified"),
        "000002.mp4": (1, "visual_modified"),
        "000003.mp4": (1, "both_modified"),
    }
    assert {clip.source for clip in root.splits["train"].clips} == {"000000.mp4"}


@pytest.mark.parametrize(("modality", "fakes"), [("sound", {1, 3}), ("picture", {2, 3})])
def test_a_modality_counts_only_what_concerns_it(tmp_path, modality, fakes):
    _, root = imported(tmp_path, "lav-df", modality=modality)
    found = by_name(root)
    assert {n for n in range(4) if found[f"{n:06d}.mp4"].target} == fakes
    (other,) = {1, 2} - fakes
    clip = found[f"{other:06d}.mp4"]
    assert (clip.generator, clip.extra["manipulation"] == "none") == ("real", False)


def test_fakeavceleb_is_split_by_identity_and_knows_which_track_is_fake(tmp_path):
    made, root = imported(tmp_path, "fakeavceleb")
    assert all(len(splits) == 1 for splits in splits_of(root).values())
    assert made.notes["fakes with a face or voice of a source of another split"] > 0
    voice = by_name(root)["RealVideo-FakeAudio__African__men__id00003__00001_fake.mp4"]
    assert (voice.target, voice.generator, voice.source) == (1, "rtvc", "id00003")
    _, root = imported(tmp_path, "fakeavceleb", modality="sound")
    both = by_name(root)["FakeVideo-FakeAudio__African__men__id00003__00001_4_id00004_wavtolip.mp4"]
    face = by_name(root)["FakeVideo-RealAudio__African__men__id00003__00001_id00004_wavtolip.mp4"]
    assert (both.target, both.generator, face.target) == (1, "rtvc", 0)


def test_av_deepfake1m_counts_identities_in_two_splits_and_has_a_test_without_labels(tmp_path):
    made, root = imported(tmp_path, "av-deepfake1m")
    assert made.notes["sources that stand in more than one split"] == 1
    assert root.splits["test"].label_file is None
    assert [clip.target for clip in root.splits["test"].clips] == [None]
    clip = by_name(root)["train__id00015__21Uxsk56VDQ__train1__real_video_fake_audio.mp4"]
    assert (clip.generator, clip.source, clip.extra["audio_model"]) == ("audio_modified", "id00015", "vits")


def test_dfdc_cuts_val_from_train_by_original_and_keeps_its_test(tmp_path):
    _, root = imported(tmp_path, "dfdc")
    assert {clip.video_name for clip in root.splits["test"].clips} == {"t0.mp4", "t1.mp4"}
    assert all(len(splits) == 1 for splits in splits_of(root).values())
    for clip in root.splits["val"].clips:
        assert clip.source == f"r{clip.video_name[1:]}"
    assert by_name(root)["t1.mp4"].generator is None


def test_faceforensics_keeps_the_official_pairs_and_says_what_it_leaves_out(tmp_path):
    made, root = imported(tmp_path, "faceforensics")
    clip = by_name(root)["Deepfakes__c23__004_982.mp4"]
    assert (clip.split, clip.generator, clip.source) == ("val", "Deepfakes", "004")
    assert made.notes["left out: clips of actors (DeepFakeDetection), without official split"] == 2


def test_wavefake_keeps_a_recording_and_its_copies_together(tmp_path):
    made, root = imported(tmp_path, "wavefake")
    assert all(len(splits) == 1 for splits in splits_of(root).values())
    assert len([clip for clip in root.clips if clip.source == "LJ001-0003"]) == 3
    assert made.notes["left out: second copies in folders `generated`"] == 3
    assert made.notes["left out: fakes of jsut, whose real clips are not there"] == 1
    assert {clip.generator for clip in root.clips} == {
        "real", "melgan", "waveglow", "conformer_fastspeech2_pwg",
    }  # fmt: skip


def test_a_split_by_source_hangs_on_the_seed_alone(tmp_path):
    _, first = imported(tmp_path, "in-the-wild")
    _, again = imported(tmp_path, "in-the-wild")
    _, other = imported(tmp_path, "in-the-wild", seed=1)
    assert all(len(splits) == 1 for splits in splits_of(first).values())
    assert splits_of(first) == splits_of(again)
    assert splits_of(first) != splits_of(other)


def test_any_set_can_be_split_by_source(tmp_path):
    _, root = imported(tmp_path, "asvspoof5", splits="official")
    assert len(root.splits["train"].clips) == 2
    src = tmp_path / "other"
    TREES["fakeavceleb"](src)
    made = import_set(ADAPTERS["fakeavceleb"], src, tmp_path / "out", Options(splits="source"), None)
    assert all(len(splits) == 1 for splits in splits_of(read(made.out)).values())


def test_limit_keeps_so_many_per_class_and_split_and_adding_a_clip_moves_no_other(tmp_path):
    made, root = imported(tmp_path, "in-the-wild", limit=2)
    assert max(max(counts.values()) for counts in made.counts.values()) == 2
    assert root.problems == ()
    _, more = imported(tmp_path, "in-the-wild", limit=3)
    assert set(by_name(root)) < set(by_name(more))
