"""The process that starts a process per clip: `python -m avfake.decoding.server FD`.

It is a new interpreter that loads the decoders once and then forks: a child per clip costs milliseconds, has
nothing of its caller's memory (no model, no tokens, no other clip), and ends with its clip. It never opens a
clip itself. FD is a SOCK_SEQPACKET socket; a message is JSON with three open files: the clip, where the
answer goes (see `message`), where the child's end is told.

How clips are read is the caller's word and no clip's: the first request of a kind is tried on made-up sound
before it is served, so that modules are loaded and tables computed once and not in every child.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2

from avfake.decoding import cage, message
from avfake.decoding.limits import Limits, NotMediaError, OverLimitError, check_file
from avfake.decoding.warm_up import warm_up, warm_up_reader
from avfake.media.errors import ClipError
from avfake.reader import Reader

READY = b"ready"
MAX_REQUEST = 2**16
OVERDUE = "overdue"


@dataclass
class _Child:
    told: int  # where its end is told
    deadline: float  # on the monotonic clock
    overdue: bool = False


def main(sock: socket.socket) -> None:
    """Serves requests until the other end of the socket is closed; then ends every child."""
    warm_up()
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, _Child] = {}
    readers: dict[str, Reader] = {}
    try:
        sock.send(READY)
    except OSError:  # the caller has gone meanwhile
        return
    try:
        while True:
            events = _wait(sock.fileno(), reading, children)
            if reading in events:
                os.read(reading, 4096)
            _reap(children)
            _end_overdue(children, gone=events)
            if sock.fileno() in events and not _accept(sock, children, readers):
                return
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _wait(requests: int, reading: int, children: dict[int, _Child]) -> set[int]:
    """Waits for a request, a child's end, a deadline, or a caller who no longer waits; what is ready."""
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    poll.register(reading, select.POLLIN)
    for child in children.values():
        poll.register(child.told, 0)
    deadlines = [child.deadline for child in children.values() if not child.overdue]
    timeout = None if not deadlines else max(0, 1000 * (min(deadlines) - time.monotonic()) + 1)
    return {fd for fd, _ in poll.poll(timeout)}


def _reap(children: dict[int, _Child]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        child = children.pop(pid)
        code = os.waitstatus_to_exitcode(status)
        with suppress(OSError):  # nobody waits for it any more
            os.write(child.told, (OVERDUE if child.overdue else str(code)).encode())
        os.close(child.told)


def _end_overdue(children: dict[int, _Child], gone: set[int]) -> None:
    now = time.monotonic()
    for pid, child in children.items():
        if child.overdue:
            continue
        if child.told in gone or now >= child.deadline:
            child.overdue = now >= child.deadline
            os.kill(pid, signal.SIGKILL)


def _accept(sock: socket.socket, children: dict[int, _Child], readers: dict[str, Reader]) -> bool:
    data, files, _, _ = socket.recv_fds(sock, MAX_REQUEST, 3)
    if not data:
        return False
    clip, answer, told = files
    request = json.loads(data)
    limits = Limits.model_validate(request["limits"])
    kind = request["reader"]
    if kind not in readers:
        readers[kind] = Reader.of_kind(kind)
        warm_up_reader(readers[kind])
    pid = os.fork()
    if pid == 0:
        _child(readers[kind], limits, clip, request["path"], answer)
    os.close(clip)
    os.close(answer)
    children[pid] = _Child(told, time.monotonic() + limits.wall_seconds)
    return True


def _child(reader: Reader, limits: Limits, clip: int, path: str | None, answer: int) -> None:
    """Reads one clip, answers and ends; it never returns.

    Args:
        path: of the caller's own file, which may be of any kind; None: a stranger's, without a name.
    """
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _keep_only(clip, answer)
        cage.enter(limits, clip)
        data = _read(reader, limits, path or f"/proc/self/fd/{clip}", checked=path is None)
        view = memoryview(data)
        while view:
            view = view[os.write(answer, view) :]
        code = 0
    except BrokenPipeError:
        pass  # the caller gave up
    finally:
        if sys.exc_info()[0] is not None:  # nothing above this process would show it
            traceback.print_exc()
        os._exit(code)


def _read(reader: Reader, limits: Limits, path: str, checked: bool) -> bytes:
    """The answer: what was read, or why there is nothing."""
    try:
        if checked:
            check_file(path, limits)
        return message.pack(reader.read(path))
    except NotMediaError as error:
        return message.pack_refusal("not_media", str(error))
    except OverLimitError as error:
        return message.pack_refusal("over_limit", str(error))
    except ClipError as error:
        return message.pack_refusal("unreadable", error.reason)
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and "Insufficient memory" not in str(error):
            raise
        gc.collect()
        return message.pack_refusal("memory", "")


def _keep_only(*wanted: int) -> None:
    """Closes all files but the standard ones and these."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        fd = int(entry.name)
        if fd > 2 and fd not in wanted:
            with suppress(OSError):  # the one that the list was read from
                os.close(fd)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
