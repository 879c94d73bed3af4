"""The service's side: a clip's open file goes out, a row comes back, whatever the clip does."""

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
from types import TracebackType

from avfake.errors import RunError
from avfake.media.clip import ClipRow
from avfake.media.errors import ClipError
from avfake.params import ExtractParams
from avfake.service.decoding import message
from avfake.service.decoding.limits import Limits, NotMediaError, OverLimitError

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


class _DiedError(Exception):
    """The server of children is gone."""


class Decoder:
    """Reads clips in processes of their own. Thread-safe; a context manager.

    Args:
        limits: of every clip.

    Raises:
        RunError: the process does not start.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._closed = False
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
            _stop(self._process, self._socket)

    def read(self, file: int, extract: ExtractParams, limits: Limits | None = None) -> ClipRow:
        """The row of an open clip, as `avfake.media.clip.extract_clip` makes it.

        Args:
            file: file descriptor of a regular file, open for reading; it stays open.
            extract: what is read of it.
            limits: other ones, for this clip.

        Raises:
            NotMediaError, OverLimitError: as `limits.check_file`.
            CutError: a limit on what reading may take, or a crash of the decoder.
            ClipError: the headers are damaged.
        """
        for attempt in (1, 2):
            process = self._process
            try:
                return self._read(file, extract, limits or self.limits)
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

    def _read(self, file: int, extract: ExtractParams, limits: Limits) -> ClipRow:
        with ExitStack() as stack:
            (answer, answer_in), (told, told_in) = os.pipe(), os.pipe()
            for fd in (answer, told):
                stack.callback(os.close, fd)
            request = {"extract": extract.model_dump(), "limits": limits.model_dump()}
            try:
                socket.send_fds(self._socket, [json.dumps(request).encode()], [file, answer_in, told_in])
            except OSError:
                raise _DiedError from None
            finally:
                os.close(answer_in)
                os.close(told_in)
            deadline = time.monotonic() + limits.wall_seconds + _GRACE_SECONDS
            data = _all_of(answer, message.largest(extract), deadline)
            end = _all_of(told, 64, deadline)
        if end == b"":
            raise _DiedError
        return _row(data, end, extract)


def _row(data: bytes, end: bytes, extract: ExtractParams) -> ClipRow:
    if end == OVERDUE:
        raise CutError("time")
    if end in (b"%d" % -signal.SIGXCPU, b"%d" % -signal.SIGKILL):  # the second is the kernel, out of memory
        raise CutError(
            "cpu" if end == b"%d" % -signal.SIGXCPU else "memory"
        )  # the kernel's out-of-memory killer
    if end != b"0":
        raise CutError("crash")
    try:
        kind, reason, row = message.unpack(data, extract)
    except message.MessageError:
        raise CutError("crash") from None
    if row is not None:
        return row
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
            [sys.executable, "-m", "avfake.service.decoding.server", str(theirs.fileno())],
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the terminal is the service's to answer
        )
    ours.settimeout(_START_SECONDS)
    try:
        ready = ours.recv(64)
    except TimeoutError:
        ready = b""
    if ready != READY:
        _stop(process, ours)
        raise RunError("the decoding process does not start", "its messages are above")
    ours.settimeout(None)
    return process, ours


def _stop(process: "subprocess.Popen[bytes]", sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
