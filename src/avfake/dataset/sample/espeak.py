"""espeak-ng, unpacked from its Debian packages and run from there."""

import os
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avfake.errors import RunError

PACKAGES = ("espeak-ng", "espeak-ng-data", "libespeak-ng1", "libpcaudio0", "libsonic0")
_HEADER_BYTES = 44
_WORDS_PER_MINUTE = 165


@dataclass(frozen=True)
class Espeak:
    """The program under `root`, the folder that its packages were unpacked into."""

    root: str

    def ipa(self, text: str, language: str) -> str:
        """The pronunciation of `text`, one line per clause."""
        return self._run(["-q", "--ipa", "-v", language, text]).decode("utf-8")

    def speak(self, text: str, voice: str, speed: float) -> tuple[np.ndarray, int]:
        """float32 [n] and its rate in Hz.

        Args:
            text: what to say.
            voice: language and variant, e.g. `cs+m3`.
            speed: 1 is usual, 2 twice as fast.
        """
        pace = str(max(80, round(_WORDS_PER_MINUTE * speed)))
        data = self._run(["--stdout", "-v", voice, "-s", pace, text])
        rate = int.from_bytes(data[24:28], "little")
        return np.frombuffer(data[_HEADER_BYTES:], dtype="<i2").astype(np.float32) / 32768, rate

    def check(self) -> None:
        """Raises RunError if the program does not start."""
        self._run(["--version"])

    def _run(self, arguments: list[str]) -> bytes:
        program = Path(self.root) / "usr" / "bin" / "espeak-ng"
        try:
            done = subprocess.run(
                [program, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except OSError as error:
            raise _broken(self.root, str(error)) from None
        if done.returncode != 0:
            raise _broken(self.root, done.stderr.decode("utf-8", "replace").strip())
        return done.stdout

    @cached_property
    def _environment(self) -> dict[str, str]:
        root = Path(self.root).resolve()
        libraries = sorted({str(path.parent) for path in root.rglob("*.so*")})
        data = next(iter(sorted(root.rglob("espeak-ng-data"))), root)
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries), "ESPEAK_DATA_PATH": str(data)}


def _broken(root: str, why: str) -> RunError:
    return RunError(
        f"espeak-ng, unpacked to {root}, does not run: {why}", "remove that folder: it is fetched anew"
    )
