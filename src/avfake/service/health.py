"""The image's health check: does the service of this container answer?

    python -m avfake.service.health

Asks /healthz of the service that is the container's first process; its port and address are read from that
process. A container that scores or trains and serves nothing is healthy as long as it runs. Exit code 0:
healthy; 1: the service does not answer.
"""

import http.client
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST = Path("/proc/1")
SERVE = "serve"
SECONDS = 5.0  # for the answer
# As `avfake serve` has them.
_DEFAULTS = {"host": "127.0.0.1", "port": "8000"}
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}


def main(process: Path = FIRST) -> int:
    """Asks the service that `process` (a folder of /proc) is; returns the exit code."""
    words, variables = read_process(process)
    if SERVE not in words:
        print("healthy: nothing is served here")
        return 0
    host, port = address(words, variables)
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"unhealthy: {host} port {port}: {error}")
        return 1
    finally:
        connection.close()
    print(f"{'healthy' if status == 200 else 'unhealthy'}: {host} port {port} answers {status}")
    return 0 if status == 200 else 1


def read_process(process: Path) -> tuple[list[str], dict[str, str]]:
    """The words of a process's command and its environment; that of this process where it may not be read."""
    words = [os.fsdecode(word) for word in (process / "cmdline").read_bytes().split(b"\0")]
    try:
        pairs = [os.fsdecode(pair) for pair in (process / "environ").read_bytes().split(b"\0")]
    except PermissionError:
        return words, dict(os.environ)
    return words, dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def address(words: Sequence[str], variables: Mapping[str, str]) -> tuple[str, int]:
    """Host and port at which `avfake serve` with this command and this environment can be asked from here."""
    found = {}
    for name, default in _DEFAULTS.items():
        found[name] = variables.get(f"AVFAKE_{name.upper()}", default)
        for word, following in zip(words, [*words[1:], ""], strict=True):
            if word == f"--{name}":
                found[name] = following
            elif word.startswith(f"--{name}="):
                found[name] = word.split("=", 1)[1]
    return _EVERYWHERE.get(found["host"], found["host"]), int(found["port"])


if __name__ == "__main__":
    sys.exit(main())
