"""A process that is killed in the midst of its work, without the seconds that a new interpreter imports for.

killed(folder, train.main, lambda line: line.startswith("epoch 3/"))
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path


def killed(folder: Path, work: Callable[[], object], at: Callable[[str], bool]) -> None:
    """Runs `work` in `folder` in a copy of this process; SIGKILLs it at the first line for which `at` holds.

    Raises AssertionError if it ended by itself, with what it said.
    """
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        _work(folder, work, writing)
    os.close(writing)
    said = []
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            said.append(line)
            if at(line):
                os.kill(process, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert status == -signal.SIGKILL, f"ended with {status}:\n{''.join(said)}"


def _work(folder: Path, work: Callable[[], object], writing: int) -> None:
    """What the copy does; it never returns into the tests."""
    code = 1
    try:
        with chdir(folder), os.fdopen(writing, "w", buffering=1, encoding="utf-8") as out:
            sys.stdout = sys.stderr = out
            try:
                work()
                code = 0
            except BaseException:
                traceback.print_exc()
                raise
    finally:
        os._exit(code)
