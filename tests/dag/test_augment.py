"""Extra training clips through the real pipeline: what runs, what is made anew, and where it comes from."""

import csv
import json
import re

from avfake.dataset.augmented import is_derived, read_manifest
from avfake.dataset.labels import read_labels
from workspace import run

NOISE = {
    "name": "noisy", "tool": "noise", "params": {"snr_db": [10.0, 20.0], "slope": [-1.0, 0.0]},
    "of": "all", "per_clip": 1, "seed": 0,
}  # fmt: skip
BUZZ = {
    "name": "buzz",
    "tool": "griffin_lim",
    "params": {"iterations": [4.0, 8.0], "mel_bands": [0]},
    "of": "real",
    "per_clip": 1,
    "seed": 0,
}


def made(text: str) -> tuple[int, int]:
    """(clips made now, clips from the memo) as `augment` reports them."""
    match = re.search(r"^augment: .*?(\d+) made, (\d+) from the memo", text, re.M)
    assert match, text
    return int(match[1]), int(match[2])


def test_two_recipes_make_training_clips_and_an_auditor_can_make_them_again(workspace):
    command = ("-m", "avfake.cli", "audit", "provenance", "--all")
    workspace.set(augment__recipes=[NOISE, BUZZ])
    first = workspace.repro("train")
    assert first.ran == ["augment", "extract", "featurize", "resplit", "train"]
    assert made(first.text) == (9, 0)
    assert first.decoded() == (23, 9)
    folder = workspace.folder
    manifest = read_manifest(folder / "data/augmented")
    assert [row["recipe"] for row in manifest] == ["buzz"] * 3 + ["noisy"] * 6
    figures = json.loads((folder / "metrics/augment.json").read_text())
    assert (figures["n"], figures["n_real"], figures["n_fake"]) == (9, 3, 6)

    labels = read_labels(folder / "data/resplit")
    derived = labels[is_derived(labels)]
    assert set(derived["split"]) == {"train"}
    assert set(derived.loc[derived["derived_by"] == "griffin_lim", "generator"]) == {"griffin_lim"}
    before = labels.set_index("video_name")
    for row in derived[derived["derived_by"] == "noise"].itertuples():
        assert row.generator == before.loc[row.derived_from, "generator"]
        assert row.source == before.loc[row.derived_from, "source"]
    with (folder / "data/training/clips.csv").open() as file:
        trained = {row["video_name"] for row in csv.DictReader(file)}
    assert set(derived["video_name"]) < trained

    assert workspace.repro("train").ran == []
    workspace.set(augment__recipes=[{**NOISE, "seed": 1}, BUZZ])
    again = workspace.repro("featurize")
    assert made(again.text) == (6, 3)
    assert again.decoded() == (23, 6)

    workspace.repro("train")
    clean = run(folder, "python", *command, check=False)
    assert clean.returncode == 0, clean.stdout
    clip = folder / "data/augmented/trainset" / manifest[0]["derived_name"]
    data = bytearray(clip.read_bytes())
    data[len(data) // 2] ^= 1
    clip.chmod(0o644)
    clip.unlink()
    clip.write_bytes(bytes(data))
    tampered = run(folder, "python", *command, check=False)
    assert tampered.returncode == 1
    assert manifest[0]["derived_name"] in tampered.stdout
