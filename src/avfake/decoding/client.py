"""The caller's side: a clip's open file goes out, what was read comes back, whatever the clip does."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from avfake.decoding import message
from avfake.decoding.limits import Limits, NotMediaError, OverLimitError
from avfake.errors import RunError
from avfake.media.errors import ClipError
from avfake.reader import Read, Reader, cannot_open, why_not

READY = b"ready"
OVERDUE = b"overdue"
_START_SECONDS = 60.0
_GRACE_SECONDS = 5.0  # beyond the child's deadline, for its end to be told
# Of the environment, only what an interpreter needs: passwords and tokens stay here.
_ENVIRONMENT = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class CutError(Exception):
    """Reading was ended by a limit. `limit` is `time`, `cpu`, `memory` or `crash`; the text says it."""

    def __init__(self, limit: str) -> None:
        super().__init__(_CUT[limit])
        self.limit = limit


_CUT = {
    "time": "reading the clip took longer than is allowed",
    "cpu": "reading the clip took more processor time than is allowed",
    "memory": "reading the clip took more memory than is allowed",
    "crash": "the decoder failed on this clip",
}


# Only the kernel kills a child unasked: it has no memory left.
_ENDS = {b"%d" % -signal.SIGXCPU: "cpu", b"%d" % -signal.SIGKILL: "memory"}


class _DiedError(Exception):
    """The server of children is gone."""


class Decoder:
    """Reads clips in processes of their own. Thread-safe; a context manager.

    The process that starts the others comes up meanwhile; the first clip waits for it.

    Args:
        limits: of every clip.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._closed = self._ready = False
        self._process, self._socket = _start()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Of the process whose children read clips."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether that process runs."""
        return not self._closed and self._process.poll() is None

    def close(self) -> None:
        """Ends the process and its children."""
        with self._lock:
            self._closed = True
            if not self._ready:  # it has no children yet
                self._process.kill()
            _stop(self._process, self._socket)

    def wait(self) -> None:
        """Returns when clips can be read.

        Raises:
            RunError: the process does not start.
        """
        with self._lock:
            if not self._ready and not self._closed:
                _wait(self._process, self._socket)
                self._ready = True

    def read(self, file: int, reader: Reader, limits: Limits | None = None) -> Read:
        """Reads a stranger's clip, as `reader` does.

        Args:
            file: file descriptor of a regular file, open for reading; it stays open.
            reader: what is read of it.
            limits: other ones, for this clip.

        Raises:
            NotMediaError, OverLimitError: as `limits.check_file`.
            CutError: a limit on what reading may take, or a crash of the decoder.
            ClipError: the headers are damaged.
            RunError: the process does not start, or dies again and again.
        """
        return self._again(file, reader, limits or self.limits, None)

    def read_own(self, path: Path, reader: Reader) -> Read:
        """Reads a file of the user's own, as `reader` does: of any kind and length, by its own name, from
        which FFmpeg guesses where the bytes leave a choice. What is wrong with it is said in the row.

        Raises:
            CutError: a limit on what reading may take, or a crash of the decoder.
            RunError: the process does not start, or dies again and again.
        """
        reason = why_not(path)
        if reason is not None:
            return reader.refused(reason)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            return reader.refused(cannot_open(error))
        try:
            return self._again(file, reader, self.limits, str(path.absolute()))
        finally:
            os.close(file)

    def _again(self, file: int, reader: Reader, limits: Limits, path: str | None) -> Read:
        for attempt in (1, 2):
            self.wait()
            process = self._process
            try:
                return self._read(file, reader, limits, path)
            except _DiedError:
                if attempt == 2:
                    raise RunError("the decoding process dies again and again") from None
                self._restart(process)
        raise AssertionError

    def _restart(self, dead: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            if self._closed or self._process is not dead:
                return
            _stop(self._process, self._socket)
            self._process, self._socket = _start()
            self._ready = False

    def _read(self, file: int, reader: Reader, limits: Limits, path: str | None) -> Read:
        with ExitStack() as stack:
            (answer, answer_in), (told, told_in) = os.pipe(), os.pipe()
            for fd in (answer, told):
                stack.callback(os.close, fd)
            request = {"reader": reader.kind, "limits": limits.model_dump(), "path": path}
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode()], [file, answer_in, told_in])
            except OSError:
                raise _DiedError from None
            finally:
                os.close(answer_in)
                os.close(told_in)
            deadline = time.monotonic() + limits.wall_seconds + _GRACE_SECONDS
            data = _all_of(answer, message.largest(reader), deadline)
            end = _all_of(told, 64, deadline)
        if end == b"":
            raise _DiedError
        return _found(data, end, reader)


def _found(data: bytes, end: bytes, reader: Reader) -> Read:
    if end == OVERDUE:
        raise CutError("time")
    if end != b"0":
        raise CutError(_ENDS.get(end, "crash"))
    try:
        kind, reason, read = message.unpack(data, reader)
    except message.MessageError:
        raise CutError("crash") from None
    if read is not None:
        return read
    if kind == "memory":
        raise CutError("memory")
    raise {"not_media": NotMediaError, "over_limit": OverLimitError}.get(kind, ClipError)(reason)


def _all_of(fd: int, most: int, deadline: float) -> bytes:
    """Everything up to the end of a pipe. Raises CutError at more than `most` bytes, or at the deadline."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    parts: list[bytes] = []
    n = 0
    while True:
        if not poll.poll(max(0, 1000 * (deadline - time.monotonic()))):
            raise CutError("time")
        part = os.read(fd, 2**20)
        if not part:
            return b"".join(parts)
        parts.append(part)
        n += len(part)
        if n > most:
            raise CutError("crash")


def _start() -> "tuple[subprocess.Popen[bytes], socket.socket]":
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "avfake.decoding.server", str(theirs.fileno())],
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the terminal is the caller's to answer
        )
    return process, ours


def _wait(process: "subprocess.Popen[bytes]", sock: socket.socket) -> None:
    try:
        sock.settimeout(_START_SECONDS)
        ready = sock.recv(64)
    except OSError:  # it takes too long, or did not start for somebody else either
        ready = b""
    if ready != READY:
        _stop(process, sock)
        raise RunError("the decoding process does not start", "its messages are above")
    sock.settimeout(None)


def _stop(process: "subprocess.Popen[bytes]", sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
