"""Reading many clips for a scorer, here or in worker processes: the same bytes either way."""

import signal
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from avfake.features import front_ends
from avfake.media.clip import ClipRow, extract_clip, unreadable
from avfake.parallel import map_ordered
from avfake.params import ExtractParams, FeaturizeParams

LABEL = "score"


@dataclass(frozen=True)
class Read:
    """A clip that was read, and the windows of its sound, uint8 [n, C, H, W]; None where there is none or the
    detector does not listen."""

    row: ClipRow
    windows: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Reader:
    """How clips are read; sent to worker processes, which need neither torch nor the model.

    Attributes:
        extract: what is taken from a clip. featurize: what its sound becomes; None: nothing.
    """

    extract: ExtractParams
    featurize: FeaturizeParams | None

    def read(self, path: Path) -> Read:
        """Reads one clip; what is wrong with it is said in the row."""
        row = read_row(path, self.extract)
        if self.featurize is None or row.audio_error:
            return Read(row, None)
        pcm = np.frombuffer(row.pcm, "<i2")
        return Read(row, front_ends.compute(pcm, row.sample_rate, self.featurize, row.pcm_shift))


def read_row(path: str | Path, params: ExtractParams) -> ClipRow:
    """As `extract_clip`, of a path that anybody may have typed: no folder, pipe or device is opened."""
    try:
        if not stat.S_ISREG(Path(path).stat().st_mode):
            return unreadable("not a file", params)
    except FileNotFoundError:
        return unreadable("no such file", params)
    except (OSError, ValueError) as error:  # a name that is too long, a loop of links, a NUL byte
        return unreadable(f"cannot be opened: {getattr(error, 'strerror', None) or error}", params)
    return extract_clip(path, params)


def read_clips(paths: Sequence[Path], reader: Reader, jobs: int) -> Iterator[Read]:
    """Yields the clips in the order of the paths, with a progress bar where standard error is a terminal.

    Args:
        paths: of the clips.
        reader: how they are read.
        jobs: processes that read; 1: this one does, 0: one per core. A process that a broken clip brings down
            costs that clip alone; this process it would end.
    """
    if jobs == 1:
        for path in tqdm(paths, desc=LABEL, unit="clip", file=sys.stderr, disable=None, leave=False):
            yield reader.read(path)
        return
    results = map_ordered(partial(_read, reader), paths, jobs, LABEL, initializer=_ignore_interrupt)
    # The processes start with the first result, and what is blocked here is blocked in them from the start.
    # The tracker of their resources would unblock it by its own start.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        first = list(islice(results, 1))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    for done in chain(first, results):
        yield done.value or Read(unreadable(str(done.error), reader.extract), None)


def _read(reader: Reader, path: Path) -> Read:
    return reader.read(path)


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of a terminal; the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
