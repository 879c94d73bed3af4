"""`avfake serve` as a process: it stops when asked, and a kill leaves nothing that a start does not clear."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avfake.cli import app
from avfake.service.jobs.store import JobStore
from avfake.service.settings import Settings
from served import MULTIPART, form, served
from toy_detector import make_model

START_SECONDS = 90  # importing torch on a busy machine


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """The command in a process, and its port."""
    command = [sys.executable, "-m", "avfake.cli", "serve", "--port", "0", "--device", "cpu"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, "--model", str(folder / "models"), "--state", str(folder / "state"), *options],
            stdout=log,
            stderr=log,
            text=True,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (found := re.search(r"listening at http://.*:(\d+)$", (folder / "log").read_text(), re.M)):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "it does not start"
            time.sleep(0.05)
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()


def ask(port: int, method: str, path: str, body: bytes = b"") -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, {"Content-Type": MULTIPART})
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def decoders() -> set[int]:
    """Processes that start decoders."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"avfake.decoding.server" in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


class Load(threading.Thread):
    """Sends forms to an address until the service takes no more; `answers`: status and document of each.

    `lost`: requests that were sent and had no answer though the service had not been told to stop.
    """

    def __init__(self, port: int, path: str, body: bytes, stopping: threading.Event) -> None:
        super().__init__()
        self.answers: list[tuple[int, dict]] = []
        self.lost: list[Exception] = []
        self._to, self._stopping = (port, "POST", path, body), stopping

    def run(self) -> None:
        while True:
            try:
                self.answers.append(ask(*self._to))
            except (OSError, http.client.HTTPException) as error:
                if not self._stopping.is_set():
                    self.lost.append(error)
                return


def test_it_stops_when_asked_and_a_killed_one_is_succeeded(tmp_path, clips, scorer):
    make_model(tmp_path / "models")
    others = decoders()
    data = [(f"{number}.mp4", (clips / "real.mp4").read_bytes()) for number in range(30)]
    with serving(tmp_path) as (process, port):
        status, job = ask(port, "POST", "/v1/jobs", form(*data))
        assert status == 202
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    deadline = time.monotonic() + 20
    while decoders() - others and time.monotonic() < deadline:
        time.sleep(0.05)
    assert decoders() <= others
    with serving(tmp_path) as (process, port):
        while ask(port, "GET", job["url"])[1]["state"] != "done":
            time.sleep(0.05)
        assert ask(port, "GET", job["url"])[1]["counts"]["scored"] == 30
        assert list((tmp_path / "state/uploads").iterdir()) == []
        stopping = threading.Event()
        jobs = [Load(port, "/v1/jobs", form(*data[:3]), stopping) for _ in range(3)]
        scores = [Load(port, "/v1/score", form(data[0]), stopping) for _ in range(5)]
        for load in jobs + scores:
            load.start()
        while sum(len(load.answers) for load in jobs) < 12 or not all(load.answers for load in scores):
            time.sleep(0.01)
        stopping.set()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        for load in jobs + scores:
            load.join(60)
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert decoders() <= others
    assert [load.lost for load in jobs + scores if load.lost] == []
    assert {status for load in scores for status, _ in load.answers} <= {200, 503}
    assert {status for load in jobs for status, _ in load.answers} <= {202, 503}
    taken = [found["id"] for load in jobs for status, found in load.answers if status == 202]
    settings = Settings(state=tmp_path / "state")
    store = JobStore(settings.database_url, settings.instance)
    assert store.n_open() > 0, "every job was done: nothing could be lost"
    store.close()
    with served(settings, scorer) as server:
        for name in taken:
            assert server.done(name)["counts"]["scored"] == 3
    assert list(settings.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--clips", "no/such"], "no/such: no such folder"),
        (["--tokens", "no-such"], "no-such: cannot be read"),
        (["--capacity", "0"], "capacity"),
        (["--max-seconds", "-1"], "max_seconds"),
        (["--model", "nowhere"], "nowhere/model.json: no such file"),
    ],
)
def test_wrong_options_are_explained(tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["serve", *options])
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_that_is_too_short_is_refused_without_showing_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tokens").write_text("# of the team\n\nsecret\n")
    done = CliRunner().invoke(app, ["serve"], env={"AVFAKE_TOKENS": "tokens"})
    assert done.exit_code == 2
    assert "at least 16" in done.stderr
    assert "secret" not in done.stderr
