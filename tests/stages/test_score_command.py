"""`avfake score`: what its arguments stand for, and how results come out."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avfake import reader
from avfake.cli import app
from avfake.cli.score import INTERRUPTED, SOME_UNREADABLE
from avfake.decision.calibration import Calibration
from avfake.decision.false_alarms import FalseAlarms
from avfake.decision.saved import Decision, save_decision
from avfake.decision.training_clips import TrainingClips
from clips import make_clip, text
from toy_detector import make_model

COMMAND = (sys.executable, "-m", "avfake.cli", "score")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A detector without and one with a decision; clips at two depths, one of them broken."""
    folder = tmp_path_factory.mktemp("command")
    make_model(folder / "models")
    facts = json.loads((make_model(folder / "decided") / "model.json").read_text())
    save_decision(
        folder / "decided",
        Decision(
            facts["sha256"],
            0.0,
            "everything is called fake",
            Calibration("platt", "few clips", 0.0, 0.0),
            FalseAlarms.of([0.1, 0.9]),
            TrainingClips(2, ("aac",), ("h264",), 30.0),
            2,
            2,
        ),
    )
    for number, name in enumerate(("a.mp4", "b.mp4", "deep/c.mp4", "deep/er/a.mp4")):
        make_clip(folder / "clips" / name, seconds=1.0, kind="speech", seed=number, rate=16000, size=32)
    (folder / "clips/notes.txt").write_text("no clip")
    (folder / "broken").mkdir()
    text(folder / "broken/text.mp4")
    return folder


@pytest.fixture
def folder(built, monkeypatch):
    monkeypatch.chdir(built)
    return built


def run(*arguments: str, stdin: str | bytes | None = None, how: str = "--no-caged"):
    """The command; without the process that starts others where it is not what is tested: it takes long."""
    return CliRunner().invoke(app, ["score", "--device", "cpu", how, *arguments], input=stdin)


def names(done) -> list[str]:
    assert done.exit_code in (0, SOME_UNREADABLE), done.output
    return [line.rpartition(",")[0] for line in done.stdout.splitlines()[1:]]


def test_a_folder_stands_for_its_own_clips_and_with_recursive_for_all_below(folder):
    assert names(run("--csv", "clips")) == ["a.mp4", "b.mp4"]
    every = ["a.mp4", "b.mp4", "deep/c.mp4", "deep/er/a.mp4"]
    assert names(run("--csv", "--recursive", "clips")) == every
    assert names(run("--csv", "-r", "clips/deep", "clips/a.mp4")) == ["c.mp4", "er/a.mp4", "a.mp4"]


def test_a_pattern_stands_for_the_files_that_match(folder):
    assert names(run("--csv", "clips/[ab].mp4")) == ["a.mp4", "b.mp4"]
    assert names(run("--csv", "clips/**/a.mp4")) == ["a.mp4", "a.mp4"]
    assert names(run("--csv", str(folder / "clips/b.*"))) == ["b.mp4"]


def test_a_file_that_is_called_like_a_pattern_is_that_file(folder, tmp_path):
    odd = tmp_path / "a[1].mp4"
    odd.write_bytes((folder / "clips/a.mp4").read_bytes())
    assert names(run("--csv", str(odd))) == ["a[1].mp4"]


def test_a_list_on_standard_input_is_kept_in_order(folder):
    lines = "clips/b.mp4\r\n\nclips/deep/c.mp4\nclips/a.mp4"
    assert names(run("--csv", "-", stdin=lines)) == ["b.mp4", "c.mp4", "a.mp4"]
    assert names(run("--csv", "clips/b.mp4", "-", stdin="clips/a.mp4\n")) == ["b.mp4", "a.mp4"]


def test_a_list_may_end_each_name_with_a_nul_byte(folder, tmp_path):
    odd = tmp_path / "two\nlines.mp4"
    odd.write_bytes((folder / "clips/a.mp4").read_bytes())
    done = run("--json", "-0", "-", stdin=f"{odd}\0clips/a.mp4\0".encode())
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["video_name"] for item in items] == ["two\nlines.mp4", "a.mp4"]
    assert items[0]["score"] == items[1]["score"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("clips/none.mp4", "no such file"),
        ("clips", "not a file"),
        ("x" * 5000, "cannot be opened: File name too long"),
        ("broken/text.mp4", "not a media file"),
        ("pipe", "not a file"),
        ("/dev/zero", "not a file"),
    ],
)
@pytest.mark.parametrize("how", ["--caged", "--no-caged"])
def test_a_line_that_is_no_clip_costs_itself_alone(folder, line, reason, how):
    if not Path("pipe").exists():
        os.mkfifo("pipe")
    done = run("--json", "-", stdin=f"clips/a.mp4\n{line}\nclips/b.mp4\n", how=how)
    assert done.exit_code == SOME_UNREADABLE
    items = [json.loads(text) for text in done.stdout.splitlines()]
    assert [item["score"] is None for item in items] == [False, True, False]
    assert reason in items[1]["error"]
    assert f"not scored: {line}: " in done.stderr


def test_an_empty_list_is_no_mistake(folder):
    done = run("--csv", "-", stdin="")
    assert (done.exit_code, done.stdout) == (0, "video_name,score\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-"], "`-` is given twice"),
        (["--null", "clips"], "--null is about the list"),
        (["clips/*.wav"], r"clips/*.wav: no file matches"),
        (["--recursive", "models"], "models: no media file in this folder"),
        (["models"], "or add --recursive"),
        (["--backend", "abacus", "clips"], "`abacus` is unknown"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_printed(folder, arguments, message):
    done = run(*arguments, stdin="")
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_the_table_of_a_model_with_a_decision_has_label_and_probability_and_doubts_go_to_stderr(folder):
    done = run("-m", "decided", "clips/a.mp4", "broken/text.mp4")
    header, first, second = (line.split() for line in done.stdout.splitlines())
    assert header == ["score", "label", "probability", "clip"]
    assert first[1:] == ["fake", "0.500000", "clips/a.mp4"]
    assert second == ["-", "-", "-", "broken/text.mp4"]
    warning, unscored = done.stderr.splitlines()
    assert warning.startswith("warning: clips/a.mp4: 1.00 s of sound: shorter than any clip in training")
    assert unscored.startswith("not scored: broken/text.mp4: ")


def test_json_has_the_whole_result(folder):
    done = run("--json", "-m", "decided", "clips/a.mp4")
    (item,) = map(json.loads, done.stdout.splitlines())
    assert (item["path"], item["label"], item["threshold"], item["probability"]) == (
        "clips/a.mp4",
        "fake",
        0.0,
        0.5,
    )
    assert item["expected_fpr"] in (0.0, 0.5, 1.0)
    assert len(item["warnings"]) == 1
    assert item["windows"]
    assert done.stderr == ""


@pytest.mark.parametrize("form", ["--json", "--csv"])
def test_processes_print_the_same_bytes(folder, form):
    arguments = [form, "-r", "clips", "broken", "clips"]
    alone = run(*arguments)
    assert alone.exit_code == SOME_UNREADABLE
    for how, jobs in (("--no-caged", "2"), ("--caged", "1"), ("--caged", "2")):
        other = run("--jobs", jobs, *arguments, how=how)
        assert (other.exit_code, other.stdout, other.stderr) == (SOME_UNREADABLE, alone.stdout, alone.stderr)
    assert alone.stdout.count("\n") >= 9


def test_a_result_is_out_before_the_next_clip_is_read(folder, monkeypatch):
    lines = []
    original = reader.read_row

    def counting(path, params):
        lines.append(sys.stdout.buffer.getvalue().count(b"\n"))
        return original(path, params)

    monkeypatch.setattr(reader, "read_row", counting)
    run("--json", "clips", "broken", "clips/b.mp4")
    assert lines == [0, 1, 2, 3]


def test_a_terminal_gets_a_progress_bar_and_no_other_place_does(folder):
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 80))
    os.set_blocking(master, False)
    done = subprocess.run(
        [*COMMAND, "--csv", "clips"], stdout=subprocess.PIPE, stderr=slave, text=True, check=True
    )
    shown = os.read(master, 65536).decode()  # before the other end is closed, which may drop it
    os.close(slave)
    os.close(master)
    assert "score:" in shown
    assert "0/2" in shown  # on a slow machine the bar may be gone before its next line is drawn
    assert done.stdout == run("--csv", "clips").stdout
    assert run("--csv", "clips").stderr == ""


@pytest.mark.parametrize("how", [["-j", "1"], ["-j", "2"], ["-j", "2", "--no-caged"]], ids=" ".join)
def test_an_interrupt_ends_all_processes_and_keeps_what_was_printed(folder, how):
    process = subprocess.Popen(
        [*COMMAND, "--csv", *how, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # What runs in the background of a shell has been told to ignore it, and so its children are.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    process.stdin.write(b"clips/a.mp4\n" * 5000)
    process.stdin.close()
    head = [process.stdout.readline() for _ in range(4)]
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.stdout.read(), process.stderr.read().decode()
    assert process.wait(60) == INTERRUPTED
    assert "Traceback" not in errors
    n = int(errors.removeprefix("error: interrupted after ").partition(" ")[0])
    whole = (b"".join(head) + rest).splitlines()
    assert n <= len(whole) - 1 <= n + 1
    assert {line.split(b",")[0] for line in whole[1:]} == {b"a.mp4"}
    deadline = time.monotonic() + 30
    while alive := running(process.pid):
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def running(group: int) -> list[str]:
    """Commands of the processes of a group that have not ended; who ended and was not waited for has."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = path.read_text().rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, _, of_group = rest.split()[:3]
        if int(of_group) == group and state != "Z":
            found.append(name)
    return found
