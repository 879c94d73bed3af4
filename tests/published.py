"""Small trees of the same shape as the public sets, with clips that can be played.

TREES["lav-df"](folder)        # writes the tree; every set of `avfake import` has one
"""

import csv
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clips import make_clip

_made: dict[str, bytes] = {}


def clip(path: Path) -> Path:
    """A clip by its suffix: half a second of speech, with a picture in an mp4. One is made, and copied."""
    suffix = path.suffix
    if suffix not in _made:
        codec = {".flac": "flac", ".wav": "pcm_s16le"}.get(suffix, "aac")
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / f"clip{suffix}"
            make_clip(made, 0.5, 16000, 1, kind="speech", video=suffix == ".mp4", audio_codec=codec)
            _made[suffix] = made.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_made[suffix])
    return path


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def to_json(path: Path, value: Any, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, **how), encoding="utf-8")
    return path


def ffdv(src: Path) -> None:
    for split, names in (("train", "abcd"), ("val", "ef"), ("test", "gh")):
        for name in names:
            clip(src / "phase1" / f"{split}set" / f"{name * 8}.mp4")
        if split != "test":
            rows = [f"{name * 8}.mp4,{number % 2}" for number, name in enumerate(names)]
            text(src / "phase1" / f"{split}set_label.txt", "video_name,target", *rows)


HEADER = ["source", "target1", "target2", "method", "category", "type", "race", "gender", "path", ""]


def fakeavceleb(src: Path) -> None:
    rows = []
    for number in range(12):
        who, other = f"id{number:05d}", f"id{(number + 1) % 12:05d}"
        for kind, method, file, target in (
            ("RealVideo-RealAudio", "real", "00001.mp4", "-"),
            ("RealVideo-FakeAudio", "rtvc", "00001_fake.mp4", "-"),
            ("FakeVideo-RealAudio", "wav2lip", f"00001_{other}_wavtolip.mp4", other),
            ("FakeVideo-FakeAudio", "fsgan-wav2lip", f"00001_4_{other}_wavtolip.mp4", other),
        ):
            folder = f"{kind}/African/men/{who}"
            clip(src / folder / file)
            category = "ABCD"[len({row[4] for row in rows if row[0] == who})]
            row = [who, target, "-", method, category, kind, "African", "men", file, f"FakeAVCeleb/{folder}"]
            rows.append(row)
    with (src / "meta_data.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(rows)


def lavdf_item(
    number: int, split: str, sound: bool = False, picture: bool = False, original: int = 0
) -> dict[str, Any]:
    fakes = int(sound or picture)
    return {
        "file": f"{split}/{number:06d}.mp4", "n_fakes": fakes, "fake_periods": [[0.1, 0.3]] * fakes,
        "duration": 0.5, "original": f"{split}/{original:06d}.mp4" if fakes else None,
        "modify_video": picture, "modify_audio": sound, "split": split, "video_frames": 5,
        "audio_channels": 1,
        "audio_frames": 8000,
    }  # fmt: skip


def lavdf(src: Path) -> None:
    items = []
    for index, split in enumerate(("train", "dev", "test")):
        first = 10 * index
        kinds = ((False, False), (True, False), (False, True), (True, True))
        items += [lavdf_item(first + n, split, *kind, original=first) for n, kind in enumerate(kinds)]
    for item in items:
        clip(src / item["file"])
    to_json(src / "metadata.min.json", items, separators=(",", ":"))


_VARIANTS = {
    "real": "real", "real_video_fake_audio": "audio_modified", "fake_video_real_audio": "visual_modified",
    "fake_video_fake_audio": "both_modified",
}  # fmt: skip


def avdeepfake1m(src: Path) -> None:
    for split, identities in (("train", ("id00012", "id00015")), ("val", ("id00012",))):
        items = []
        for who in identities:
            folder = f"{who}/21Uxsk56VDQ/{split}1"
            for file, kind in _VARIANTS.items():
                clip(src / split / folder / f"{file}.mp4")
                real = kind == "real"
                items.append(
                    {
                        "file": f"{folder}/{file}.mp4", "original": f"{folder}/real.mp4", "split": split,
                        "modify_type": kind, "audio_model": None if "real_audio" in file or real else "vits",
                        "fake_segments": [] if real else [[0.1, 0.2]], "video_frames": 5,
                    }
                )  # fmt: skip
        to_json(src / f"{split}_metadata.json", items, indent=1)
    clip(src / "test" / "000001.mp4")
    text(src / "test_files.txt", "000001.mp4")


def dfdc(src: Path) -> None:
    for part in range(2):
        folder, said = src / f"dfdc_train_part_{part}", {}
        for number in range(6):
            real, fake = f"r{part}{number}.mp4", f"f{part}{number}.mp4"
            said[real] = {"label": "REAL", "split": "train"}
            said[fake] = {"label": "FAKE", "split": "train", "original": real}
            clip(folder / real), clip(folder / fake)
        to_json(folder / "metadata.json", said)
    clip(src / "test" / "t0.mp4"), clip(src / "test" / "t1.mp4")
    to_json(src / "test" / "metadata.json", {"t0.mp4": {"is_fake": 0}, "t1.mp4": {"is_fake": 1}})


def faceforensics(src: Path) -> None:
    for split, pair in (("train", ("000", "003")), ("val", ("004", "982")), ("test", ("953", "974"))):
        to_json(src / "splits" / f"{split}.json", [list(pair)], indent=2)
        for name in pair:
            clip(src / "original_sequences/youtube/c23/videos" / f"{name}.mp4")
        for method in ("Deepfakes", "NeuralTextures"):
            for target, lent in (pair, pair[::-1]):
                clip(src / "manipulated_sequences" / method / "c23/videos" / f"{target}_{lent}.mp4")
    clip(src / "original_sequences/actors/c23/videos/24__talking.mp4")
    clip(src / "manipulated_sequences/DeepFakeDetection/c23/videos/24_23__talking__YR5OVD4S.mp4")


def asvspoof2019(src: Path) -> None:
    folder = src / "LA"
    for part, kind, speaker in (("train", "trn", 79), ("dev", "trl", 69), ("eval", "trl", 39)):
        rows, letter = [], part[0].upper()
        for number in range(4):
            trial = f"LA_{letter}_{1000000 + number}"
            attack = "-" if number % 2 else f"A{7 + number:02d}"
            key = "bonafide" if number % 2 else "spoof"
            rows.append(f"LA_{speaker + number % 2:04d} {trial} - {attack} {key}")
            clip(folder / f"ASVspoof2019_LA_{part}" / "flac" / f"{trial}.flac")
        text(folder / "ASVspoof2019_LA_cm_protocols" / f"ASVspoof2019.LA.cm.{part}.{kind}.txt", *rows)


def asvspoof2021_la(src: Path) -> None:
    asvspoof2019(src)
    rows = (
        "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
        "LA_0020 LA_E_6866159 pstn mad_tx bonafide bonafide notrim eval",
        "LA_0020 LA_E_5464494 none - A18 spoof trim hidden",
    )
    for row in rows:
        clip(src / "ASVspoof2021_LA_eval" / "flac" / f"{row.split()[1]}.flac")
    text(src / "keys" / "LA" / "CM" / "trial_metadata.txt", *rows)


def asvspoof2021_df(src: Path) -> None:
    asvspoof2019(src)
    rows = (
        "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
        "TEF2 DF_E_2000013 low_m4a vcc2020 Task1-team20 spoof notrim eval"
        " neural_vocoder_nonautoregressive Task1 team20 F E",
        "TGF1 DF_E_2000024 mp3m4a vcc2020 - bonafide notrim eval bonafide - - - -",
    )
    for part, row in enumerate(rows):
        folder = src / f"ASVspoof2021_DF_eval_part{part:02d}" / "ASVspoof2021_DF_eval" / "flac"
        clip(folder / f"{row.split()[1]}.flac")
    text(src / "DF-keys-full" / "keys" / "DF" / "CM" / "trial_metadata.txt", *rows)


def asvspoof5(src: Path) -> None:
    for letter, name, folder in (
        ("T", "ASVspoof5.train.tsv", "flac_T"),
        ("D", "ASVspoof5.dev.track_1.tsv", "flac_D"),
        ("E", "ASVspoof5.eval.track_1.tsv", "flac_E_eval"),
    ):
        codec = "C05 3" if letter == "E" else "- -"
        rows = (
            f"{letter}_0001 {letter}_0000000000 F {codec} - AC3 A05 spoof -",
            f"{letter}_0002 {letter}_0000000001 M - - - - bonafide bonafide -",
        )
        for row in rows:
            clip(src / folder / f"{row.split()[1]}.flac")
        text(src / "ASVspoof5_protocols" / name, *rows)


def wavefake(src: Path) -> None:
    for number in range(1, 13):
        name = f"LJ001-{number:04d}"
        clip(src / "LJSpeech-1.1" / "wavs" / f"{name}.wav")
        clip(src / "generated_audio" / "ljspeech_melgan" / f"{name}_gen.wav")
        clip(src / "generated_audio" / "ljspeech_waveglow" / f"{name}.wav")
    clip(src / "generated_audio" / "jsut_parallel_wavegan" / "BASIC5000_0001_gen.wav")
    prompts = src / "generated_audio" / "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"
    for number in range(3):
        clip(prompts / f"gen_{number}.wav"), clip(prompts / "generated" / f"gen_{number}.wav")


def in_the_wild(src: Path) -> None:
    rows = []
    for number in range(24):
        clip(src / "release_in_the_wild" / f"{number}.wav")
        rows.append(f"{number}.wav,Speaker {number // 2},{('bona-fide', 'spoof')[number % 2]}")
    text(src / "release_in_the_wild" / "meta.csv", "file,speaker,label", *rows)


TREES: dict[str, Callable[[Path], None]] = {
    "ffdv": ffdv, "fakeavceleb": fakeavceleb, "lav-df": lavdf, "av-deepfake1m": avdeepfake1m, "dfdc": dfdc,
    "faceforensics": faceforensics, "asvspoof2019-la": asvspoof2019,
    "asvspoof2021-la": asvspoof2021_la,
    "asvspoof2021-df": asvspoof2021_df, "asvspoof5": asvspoof5, "wavefake": wavefake,
    "in-the-wild": in_the_wild,
}  # fmt: skip


def contents(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder: inode, mode, time of change of its contents, and the bytes."""
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.lstat()
        data = (
            os.fsencode(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b""
        )
        times = 0 if path.is_dir() else state.st_mtime_ns
        found[path.relative_to(folder).as_posix()] = (state.st_ino, state.st_mode, times, data)
    return found
