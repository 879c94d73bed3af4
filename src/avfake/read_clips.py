"""Reading many clips for a scorer, here or in other processes: the same bytes either way."""

import signal
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice
from multiprocessing import resource_tracker
from pathlib import Path

from tqdm import tqdm

from avfake.decoding.client import CutError, Decoder
from avfake.media.errors import ClipError
from avfake.parallel import IN_FLIGHT_PER_WORKER, map_ordered, n_workers
from avfake.reader import Read, Reader

LABEL = "score"


def read_clips(
    paths: Sequence[Path], reader: Reader, jobs: int, decoder: Decoder | None = None
) -> Generator[Read]:
    """Yields the clips in the order of the paths, with a progress bar where standard error is a terminal.

    Args:
        paths: of the clips.
        reader: how they are read.
        jobs: clips read at once; 0: one per core.
        decoder: reads each clip in a process of its own, which a broken clip may bring down. None: `jobs`
            processes read them; with 1, this one does, and such a clip would end it.
    """
    if decoder is not None:
        yield from _caged(paths, reader, n_workers(jobs), decoder)
    elif jobs == 1:
        for path in tqdm(paths, desc=LABEL, unit="clip", file=sys.stderr, disable=None, leave=False):
            yield reader.read(path)
    else:
        yield from _spawned(paths, reader, jobs)


def _caged(paths: Sequence[Path], reader: Reader, jobs: int, decoder: Decoder) -> Iterator[Read]:
    waiting: deque[Future[Read]] = deque()
    pool = ThreadPoolExecutor(jobs, "read")
    try:
        with tqdm(
            total=len(paths), desc=LABEL, unit="clip", file=sys.stderr, disable=None, leave=False
        ) as bar:
            for path in paths:
                waiting.append(pool.submit(_in_cage, decoder, reader, path))
                if len(waiting) < jobs * IN_FLIGHT_PER_WORKER:
                    continue
                yield waiting.popleft().result()
                bar.update()
            while waiting:
                yield waiting.popleft().result()
                bar.update()
    finally:
        # What is being read is not waited for: it ends with the decoder, which is the caller's.
        pool.shutdown(wait=False, cancel_futures=True)


def _in_cage(decoder: Decoder, reader: Reader, path: Path) -> Read:
    try:
        return decoder.read_own(path, reader)
    except CutError as error:
        return reader.refused(str(error))
    except ClipError as error:
        return reader.refused(error.reason)


def _spawned(paths: Sequence[Path], reader: Reader, jobs: int) -> Iterator[Read]:
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
        yield done.value or reader.refused(str(done.error))


def _read(reader: Reader, path: Path) -> Read:
    return reader.read(path)


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of a terminal; the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
