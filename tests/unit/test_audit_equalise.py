"""A detector that goes by length, level, silence or bandwidth loses all of it once the facts are equal."""

import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit_tables import audit_params
from avfake.audit import equalise as module
from avfake.audit.equalise import RMS_DB, Equalised, Target, common_target, equalise
from avfake.audit.sound import band_limited, sound_facts
from avfake.audit.verdict import of_drop
from avfake.dataset.shards import write_shard
from avfake.errors import UserError
from avfake.evaluation.metrics import NoFigure
from avfake.media.pcm import from_pcm, to_pcm

RATE = 16000
N = 24
PARAMS = audit_params(equalised_clips=N)


def planted(fact: str, fake: int, place: int) -> np.ndarray:
    """Noise in which only `fact` tells fakes."""
    seconds = 1.8 if fake and fact == "sound_seconds" else 1.4
    level = 0.08 if fake and fact == "rms_db" else 0.02
    sound = level * np.random.default_rng(place).standard_normal(round(seconds * RATE)).astype(np.float32)
    if fact == "cutoff_hz" and fake:
        sound = band_limited(sound, RATE, 4000)
    if fact == "leading_silence_seconds" and fake:
        sound = np.concatenate([np.zeros(RATE // 2, np.float32), sound])
    return sound.astype(np.float32)


def write(folder: Path, fact: str, splits=("val", "test"), n: int = N) -> pd.DataFrame:
    """Shards and the table of facts that belongs to them."""
    rows = []
    for split in splits:
        shard = []
        for place in range(n):
            pcm, shift = to_pcm(planted(fact, place % 2, place))
            name = f"{place:02d}.mp4"
            shard.append(
                {
                    "video_name": name, "clip_sha256": "0", "error": None, "audio_error": None,
                    "video_error": None, "sample_rate": RATE, "pcm": pcm.tobytes(), "pcm_shift": shift,
                    "n_faces": 0, "faces": b"", "face_times": [], "facts": "{}",
                }
            )  # fmt: skip
            sound = from_pcm(pcm, shift)
            facts = vars(sound_facts(sound, RATE, PARAMS.silence_db)) | {"sound_seconds": len(sound) / RATE}
            key = {"split": split, "home": split, "video_name": name, "target": place % 2}
            rows.append(key | {"source": None, "generator": None} | facts)
        write_shard(shard, folder / split / "shard-00.parquet")
    return pd.DataFrame(rows)


@pytest.fixture
def by(monkeypatch):
    """Puts a detector in the place of the model that scores by one fact alone."""

    def listen(fact: str) -> None:
        def scorer(*_):
            extract = types.SimpleNamespace(sample_rate=RATE)
            model = types.SimpleNamespace(detector=None, facts={"train": {"threads": 1}})
            return types.SimpleNamespace(
                extract=extract, model=model, featurize=None, device=None, modality="sound"
            )

        def compute(pcm, rate, _, shift):
            sound = from_pcm(pcm, shift)
            facts = vars(sound_facts(sound, rate, PARAMS.silence_db)) | {"sound_seconds": len(sound) / rate}
            return round(facts[fact], 1) if fact != "cutoff_hz" else round(facts[fact], -2)

        monkeypatch.setattr(module, "ClipScorer", scorer)
        monkeypatch.setattr(module.front_ends, "compute", compute)
        sign = -1 if fact == "cutoff_hz" else 1
        scale = {"cutoff_hz": 1e4, "rms_db": 100.0}.get(fact, 10.0)
        monkeypatch.setattr(module, "clip_score", lambda _, value, *__: 0.5 + sign * value / scale / 2)

    return listen


@pytest.mark.parametrize("fact", ["sound_seconds", "rms_db", "leading_silence_seconds", "cutoff_hz"])
def test_a_detector_that_goes_by_a_fact_loses_it(by, fact, tmp_path):
    table = write(tmp_path, fact)
    by(fact)
    made = equalise(table, tmp_path, "models", PARAMS)
    for split in ("val", "test"):
        found = made[split]
        assert isinstance(found, Equalised)
        assert found.n == N
        assert found.clean == 1.0
        assert found.auc < 0.75
        assert found.drop == found.clean - found.auc
        assert found.drop_interval.low <= found.drop <= found.drop_interval.high
    texts = [finding.text for finding in of_drop(made)]
    assert len(texts) == 2
    assert "falls from 1.000 to" in texts[0]


def test_equalised_clips_measure_the_same():
    target = Target(silence_db=-40.0, cutoff_hz=4000.0, seconds=1.2)
    facts = []
    for fact in ("sound_seconds", "rms_db", "leading_silence_seconds"):
        for fake in (0, 1):
            sound = target.apply(planted(fact, fake, 3), RATE)
            assert sound.dtype == np.float32
            assert len(sound) == 1.2 * RATE
            facts.append(sound_facts(sound, RATE, -40.0))
    assert [item.rms_db for item in facts] == pytest.approx([RMS_DB] * 6, abs=0.05)
    assert all(item.cutoff_hz <= 4000 and item.leading_silence_seconds < 0.02 for item in facts)


def test_what_clips_have_in_common_is_a_low_quantile_of_all():
    table = pd.DataFrame(
        {
            "sound_seconds": np.linspace(2, 4, 101), "leading_silence_seconds": 0.25,
            "trailing_silence_seconds": 0.25, "cutoff_hz": np.linspace(4000, 8000, 101),
        }
    )  # fmt: skip
    target = common_target(table, PARAMS)
    assert target.seconds == pytest.approx(1.6)
    assert target.cutoff_hz == pytest.approx(4200)
    assert common_target(table.assign(sound_seconds=0.8), PARAMS).seconds == 1.0
    with pytest.raises(NoFigure, match="no labelled clip has sound"):
        common_target(table.assign(cutoff_hz=np.nan), PARAMS)


def test_a_split_that_is_missing_or_of_one_class_has_a_reason(by, tmp_path):
    table = write(tmp_path, "rms_db", ("val",), 4)
    by("rms_db")
    made = equalise(table, tmp_path, "models", PARAMS)
    assert isinstance(made["val"], Equalised)
    assert isinstance(made["test"], NoFigure)
    assert made["test"].reason == "no labelled clips"
    one_class = equalise(table[table["target"] == 0], tmp_path, "models", PARAMS)["val"]
    assert isinstance(one_class, NoFigure)
    assert "one class only" in one_class.reason
    assert of_drop({"val": one_class, "test": made["test"]}) == []


def test_a_model_of_another_sample_rate_is_refused(by, tmp_path, monkeypatch):
    table = write(tmp_path, "rms_db", ("val",), 4)
    by("rms_db")
    monkeypatch.setattr(module, "ClipScorer", lambda *_: types.SimpleNamespace(
        extract=types.SimpleNamespace(sample_rate=22050),
        modality="sound",
        model=types.SimpleNamespace(detector=None, facts={"train": {"threads": 1}}),
    ))  # fmt: skip
    with pytest.raises(UserError, match="16000 Hz, the model listens at 22050 Hz"):
        equalise(table, tmp_path, "models", PARAMS)


def test_no_model(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        equalise(pd.DataFrame(), tmp_path, tmp_path / "models", PARAMS)
