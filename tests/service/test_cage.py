"""What a process in the cage cannot do, tried in a process in the cage."""

import json
import os
import resource
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from avfake.decoding import cage
from avfake.decoding.limits import Limits

pytestmark = pytest.mark.filterwarnings("ignore:This process")


OPENED: list[int] = []


def caged(tmp_path: Path, action: Callable[[], object], **limits: int) -> tuple[int, object]:
    """Exit status and what `action` returned, or the name of what it raised, in a caged process."""
    reading, writing = os.pipe()
    allowed = tmp_path / "allowed"
    allowed.write_text("yes")
    file = os.open(allowed, os.O_RDONLY)
    OPENED.append(file)
    pid = os.fork()
    if pid == 0:
        try:
            cage.enter(Limits().model_copy(update=limits), file)
            try:
                said = action()
            except (OSError, MemoryError, ValueError, RuntimeError) as error:
                said = f"{type(error).__name__} {getattr(error, 'errno', None)}"
            os.write(writing, json.dumps(said).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.close(file)
    with os.fdopen(reading) as answer:
        text = answer.read()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status, json.loads(text) if text else None


def test_this_machine_offers_the_measures_that_are_tested_here():
    assert cage.measures() == {"landlock": True, "seccomp": True}


def test_the_one_file_can_be_read(tmp_path):
    assert caged(tmp_path, lambda: (tmp_path / "allowed").read_text()) == (0, "yes")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/1/status", __file__, "/dev/null", "/dev/urandom"]
)
def test_no_other_file_can_be_read(tmp_path, path):
    assert caged(tmp_path, lambda: Path(path).read_bytes()[:1].hex()) == (0, "PermissionError 13")


ACTIONS: dict[str, Callable[[], object]] = {
    "a folder listed": lambda: len(list(Path("/").iterdir())),
    "a file written": lambda: Path("/tmp/caged").write_text("x"),
    "the file written": lambda: os.open(f"/proc/self/fd/{OPENED[-1]}", os.O_RDWR),
    "a link made": lambda: Path("/tmp/caged").symlink_to("/etc/passwd"),
    "a socket": lambda: socket.socket(),
    "a local socket": lambda: socket.socket(socket.AF_UNIX),
    "a socket pair": lambda: socket.socketpair()[0].fileno(),
    "a fork": os.fork,
    "a program": lambda: os.execv("/bin/true", ["true"]),
    "a child program": lambda: subprocess.run(["/bin/true"]).returncode,
    "a limit lifted": lambda: resource.setrlimit(resource.RLIMIT_CPU, (100, 100)),
    "the parent signalled": lambda: os.kill(os.getppid(), 0),
}


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_it_cannot_be_done(tmp_path, name):
    status, said = caged(tmp_path, ACTIONS[name])
    assert status == 0
    assert isinstance(said, str), said
    assert said.split()[0] in ("PermissionError", "OSError", "ValueError"), said
    assert not Path("/tmp/caged").exists()


def test_no_file_can_be_removed(tmp_path):
    assert caged(tmp_path, (tmp_path / "allowed").unlink) == (0, "PermissionError 13")
    assert (tmp_path / "allowed").exists()


def test_threads_can_be_started(tmp_path):
    def action():
        found: list[int] = []
        thread = threading.Thread(target=found.append, args=(1,))
        thread.start()
        thread.join()
        return found

    assert caged(tmp_path, action) == (0, [1])


def test_memory_is_limited(tmp_path):
    assert caged(tmp_path, lambda: len(bytes(200 * 2**20)), memory_bytes=100 * 2**20)[1] == "MemoryError None"
    assert caged(tmp_path, lambda: len(bytes(2**20)), memory_bytes=100 * 2**20) == (0, 2**20)


def test_processor_time_is_limited(tmp_path):
    def action():
        while True:
            pass

    assert caged(tmp_path, action, cpu_seconds=1)[0] == -signal.SIGXCPU


def test_open_files_are_limited(tmp_path):
    status, said = caged(tmp_path, lambda: [os.dup(1) for _ in range(64)] and None)
    assert (status, said) == (0, "OSError 24")
