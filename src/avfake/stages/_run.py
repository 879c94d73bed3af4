"""How a stage starts and how it fails: a message for people and an exit code, not a traceback."""

import errno
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from avfake.errors import AvfakeError


def stage_main(main: Callable[[], None]) -> None:
    """Runs a stage's `main`. Ends with 0 done, 1 the run cannot stand, 2 wrong input, 130 interrupted."""
    try:
        main()
    except AvfakeError as error:
        fail(error.message, error.remedy, error.exit_code)
    except KeyboardInterrupt:
        fail("interrupted", "run it again: what was finished is kept", 130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(Path.cwd()).free / 2**20
        fail(
            f"no space left on the device ({free:.0f} MiB free in {Path.cwd()})",
            "free some space (`avfake memo clear` empties the memo) and run it again; what was done is kept",
            1,
        )


def fail(message: str, remedy: str, exit_code: int) -> None:
    """Prints the message and its remedy to standard error and ends the process."""
    print(f"error: {message}", file=sys.stderr)
    if remedy:
        print(f"remedy: {remedy}", file=sys.stderr)
    raise SystemExit(exit_code)
