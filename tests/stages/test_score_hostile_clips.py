"""`avfake score` on damaged and hostile files, and on clips that bring the process down that reads them.

AVFAKE_MUTATED=500 takes all damaged files, as the service's test does; by default it is a share of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from avfake.cli.score import SOME_UNREADABLE
from avfake.decoding.client import _CUT
from clips import make_clip
from mutated import crafted, mutated, whole_files
from toy_detector import make_model

COMMAND = (sys.executable, "-m", "avfake.cli", "score", "--device", "cpu", "--jobs", "2")
ALL = 500
N = int(os.environ.get("AVFAKE_MUTATED", "100"))
SECONDS = 120 + N  # for all, far above what they take

# What happens to the clips with these names in the process that reads them; Python loads it at its start.
PLANTED = """
import os, signal, sys
if "avfake.decoding.server" in " ".join(sys.orig_argv):
    from avfake import reader
    original = reader.extract_clip
    ends = {
        "segfault.mp4": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "killed.mp4": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "large.mp4": lambda: len(bytes(2**31)),
        "endless.mp4": lambda: [None for _ in iter(int, 1)],
        "asleep.mp4": signal.pause,
        "exits.mp4": lambda: os._exit(0),
        "lies.mp4": lambda: (os.write(3, bytes(10**6)), os.write(4, bytes(10**6)), os._exit(0)),
    }
    def extract_clip(path, params):
        name = os.path.basename(path)
        if name in ends:
            ends[name]()
        return original(path, params)
    reader.extract_clip = extract_clip
"""
REASONS = {
    "segfault.mp4": _CUT["crash"],
    "killed.mp4": _CUT["memory"],
    "large.mp4": _CUT["memory"],
    "endless.mp4": _CUT["time"],
    "asleep.mp4": _CUT["time"],
    "exits.mp4": _CUT["crash"],
    "lies.mp4": _CUT["crash"],
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("model") / "models")


def marked(mark: str) -> set[int]:
    """Processes whose environment holds a mark, as that of all who descend from a marked one does."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def score(model: Path, folder: Path, *options: str, **environment: str) -> tuple[int, dict[str, dict], str]:
    """The command on a folder, with a folder of its own for temporary files: exit code, what it says of each
    clip, and standard error. Nothing may be left of it."""
    with tempfile.TemporaryDirectory() as temporary:
        done = subprocess.run(
            [*COMMAND, "--json", "--model", str(model), *options, "-"],
            input="".join(f"{path}\n" for path in sorted(folder.iterdir())),
            env=os.environ | {"TMPDIR": temporary} | environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            cwd=temporary,
        )
        assert list(Path(temporary).iterdir()) == []
        deadline = time.monotonic() + 20
        while left := marked(temporary):
            assert time.monotonic() < deadline, left
            time.sleep(0.02)
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert [Path(item["path"]) for item in items] == sorted(folder.iterdir())
    return done.returncode, {item["video_name"]: item for item in items}, done.stderr


def test_damaged_clips_get_a_score_or_a_reason_and_leave_nothing(model, tmp_path):
    (tmp_path / "whole").mkdir()
    files = whole_files(tmp_path / "whole")
    n_crafted = len(list(crafted(files)))
    every = list(mutated(files, ALL, seed=7))
    step = max(1, (ALL - n_crafted) // max(1, N - n_crafted))
    chosen = every[:n_crafted] + every[n_crafted::step]
    folder = tmp_path / "mutated"
    folder.mkdir()
    for number, (_, data) in enumerate(chosen):
        (folder / f"{number:03d}.mp4").write_bytes(data)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    (folder / "whole.mp4").write_bytes(files["clip.mp4"])
    code, items, errors = score(model, folder, "--wall-seconds", "30", "--memory-megabytes", "1024")
    assert code == SOME_UNREADABLE
    assert len(items) == len(chosen) + 1
    scored = {name for name, item in items.items() if item["score"] is not None}
    assert "whole.mp4" in scored
    assert 5 < len(scored) < len(items) - 20
    assert all(items[name]["error"] for name in items.keys() - scored)
    assert "Traceback" not in errors
    assert {path: path.read_bytes() for path in before} == before


def test_a_clip_that_brings_its_process_down_is_named_and_the_others_are_scored(model, tmp_path):
    (tmp_path / "planted").mkdir()
    (tmp_path / "planted/sitecustomize.py").write_text(PLANTED)
    folder = tmp_path / "clips"
    clip = make_clip(folder / "a.mp4", seconds=1.0, kind="speech").read_bytes()
    for name in (*REASONS, "n.mp4", "z.mp4"):
        (folder / name).write_bytes(clip)
    path = os.pathsep.join([str(tmp_path / "planted"), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    limits = ("--wall-seconds", "2", "--memory-megabytes", "1024")
    code, items, errors = score(model, folder, *limits, PYTHONPATH=path)
    assert code == SOME_UNREADABLE
    assert {name: item["error"] for name, item in items.items() if item["score"] is None} == REASONS
    assert len({item["score"] for name, item in items.items() if name not in REASONS}) == 1
    for name, reason in REASONS.items():
        assert f"not scored: {folder / name}: {reason}" in errors
