"""How one clip is read for a scorer: sound, faces, facts, and the windows that the detector listens to."""

import json
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avfake.features import front_ends
from avfake.media.clip import ClipRow, extract_clip, unreadable
from avfake.params import ExtractParams, FeaturizeParams


@dataclass(frozen=True)
class Read:
    """A clip that was read, and the windows of its sound, uint8 [n, C, H, W]; None where there is none or the
    detector does not listen."""

    row: ClipRow
    windows: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Reader:
    """How clips are read; sent to other processes, which need neither torch nor the model.

    Attributes:
        extract: what is taken from a clip. featurize: what its sound becomes; None: nothing.
    """

    extract: ExtractParams
    featurize: FeaturizeParams | None

    def read(self, path: str | Path) -> Read:
        """Reads one clip; what is wrong with it is said in the row."""
        row = read_row(path, self.extract)
        if self.featurize is None or row.audio_error:
            return Read(row, None)
        pcm = np.frombuffer(row.pcm, "<i2")
        return Read(row, front_ends.compute(pcm, row.sample_rate, self.featurize, row.pcm_shift))

    def refused(self, reason: str) -> Read:
        """What there is of a clip that could not be read."""
        return Read(unreadable(reason, self.extract), None)

    @cached_property
    def kind(self) -> str:
        """The same as JSON."""
        featurize = None if self.featurize is None else self.featurize.model_dump(mode="json")
        return json.dumps({"extract": self.extract.model_dump(mode="json"), "featurize": featurize})

    @classmethod
    def of_kind(cls, kind: str) -> "Reader":
        """The reader of this `kind`."""
        value = json.loads(kind)
        featurize = value["featurize"]
        return cls(
            ExtractParams.model_validate(value["extract"]),
            None if featurize is None else FeaturizeParams.model_validate(featurize),
        )


def read_row(path: str | Path, params: ExtractParams) -> ClipRow:
    """As `extract_clip`, of a path that anybody may have typed: no folder, pipe or device is opened."""
    reason = why_not(path)
    return extract_clip(path, params) if reason is None else unreadable(reason, params)


def why_not(path: str | Path) -> str | None:
    """Why there is nothing to read at a path; None: it is a regular file."""
    try:
        return None if stat.S_ISREG(Path(path).stat().st_mode) else "not a file"
    except FileNotFoundError:
        return "no such file"
    except (OSError, ValueError) as error:  # a name that is too long, a loop of links, a NUL byte
        return cannot_open(error)


def cannot_open(error: OSError | ValueError) -> str:
    """What is said of a path that cannot be opened."""
    return f"cannot be opened: {getattr(error, 'strerror', None) or error}"
