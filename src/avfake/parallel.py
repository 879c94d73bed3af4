"""Map a function over items in worker processes: ordered, bounded, and safe from a worker's death."""

import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, TypeVar

from tqdm import tqdm

from avfake.errors import RunError

Item = TypeVar("Item")
Value = TypeVar("Value")

IN_FLIGHT_PER_WORKER = 4
AHEAD_PER_WORKER = 16
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_ONE_THREAD = dict.fromkeys(_THREAD_VARIABLES, "1")


@dataclass(frozen=True)
class Result(Generic[Item, Value]):
    """What became of one item: its value, or the text of why there is none."""

    item: Item
    value: Value | None
    error: str | None


def n_workers(workers: int) -> int:
    """The number of processes that `parallel.workers` means on this machine (0: one per usable core)."""
    return workers or len(os.sched_getaffinity(0))


def map_ordered(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    workers: int,
    label: str,
    initializer: Callable[[], None] | None = None,
    weights: Sequence[int] | None = None,
) -> Iterator[Result[Item, Value]]:
    """Yields the results in the order of the items, whatever the number of processes.

    The processes are spawned (forking after a decoder or torch was loaded has hung) and run numeric
    libraries on one thread each. An exception that `function` raises is raised here. A process that dies
    (a decoder's segmentation fault, the kernel's out-of-memory killer) costs only its own item: that item's
    result carries `error`, the others are computed again.

    Args:
        function: a module-level function, pure with respect to its item.
        items: what to map over.
        workers: processes; 0 means one per core.
        label: of the progress bar on standard error.
        initializer: called once in each process.
        weights: how far each item moves the progress bar (1 each if not given).
    """
    total = len(items) if weights is None else sum(weights)
    done = 0
    with tqdm(total=total, desc=label, file=sys.stderr, unit="clip", disable=None, leave=False) as bar:
        while done < len(items):
            for result in _until_broken(function, items[done:], n_workers(workers), initializer):
                bar.update(1 if weights is None else weights[done])
                done += 1
                yield result
            if done < len(items):
                # A process died. Which item it held is not known, so the ones that were in flight go one
                # by one, each in a process of its own: the guilty one is named, the others lose nothing.
                end = min(len(items), done + n_workers(workers) * IN_FLIGHT_PER_WORKER)
                for item in items[done:end]:
                    result = _alone(function, item, initializer)
                    bar.update(1 if weights is None else weights[done])
                    done += 1
                    yield result


class Crew(AbstractContextManager["Crew"]):
    """Processes that stay from map to map, and work ahead of whoever takes the results.

    They are spawned by the first map, as those of `map_ordered`, and end when the crew is left.

    Args:
        workers: processes; 0 means one per core.
        initializer: called once in each process.
    """

    def __init__(self, workers: int, initializer: Callable[[], None] | None = None) -> None:
        self._n, self._initializer = n_workers(workers), initializer
        self._pool: ProcessPoolExecutor | None = None
        self._stack = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._pool = None

    def map(self, function: Callable[[Item], Value], items: Iterable[Item]) -> Iterator[Value]:
        """Yields the values in the order of the items; a limited number of them is computed ahead.

        Args:
            function: a module-level function, pure with respect to its item. What it raises is raised here.
            items: what to map over.

        Raises:
            RunError: a process died.
        """
        waiting: deque[Future[Value]] = deque()
        try:
            for item in items:
                if self._pool is None:
                    self._pool = self._stack.enter_context(_pool(self._n, self._initializer))
                waiting.append(self._pool.submit(function, item))
                if len(waiting) == self._n * AHEAD_PER_WORKER:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise RunError(
                "a worker process died (a crash in a library, or no memory left)",
                "start it again, with more memory if that was the reason",
            ) from None


def _until_broken(
    function: Callable[[Item], Value],
    items: Sequence[Item],
    workers: int,
    initializer: Callable[[], None] | None,
) -> Iterator[Result[Item, Value]]:
    """The results in order, until the end or until a process dies."""
    waiting: deque[tuple[Item, Future[Value]]] = deque()
    remaining: Iterable[Item] = iter(items)
    with _pool(min(workers, max(1, len(items))), initializer) as pool:
        try:
            for item in remaining:
                waiting.append((item, pool.submit(function, item)))
                if len(waiting) < workers * IN_FLIGHT_PER_WORKER:
                    continue
                first, future = waiting.popleft()
                yield Result(first, future.result(), None)
            while waiting:
                first, future = waiting.popleft()
                yield Result(first, future.result(), None)
        except BrokenProcessPool:
            return


def _alone(
    function: Callable[[Item], Value], item: Item, initializer: Callable[[], None] | None
) -> Result[Item, Value]:
    with _pool(1, initializer) as pool:
        try:
            return Result(item, pool.submit(function, item).result(), None)
        except BrokenProcessPool:
            return Result(
                item, None, "the process that read it died (a crash in the decoder, or no memory left)"
            )


@contextmanager
def _pool(workers: int, initializer: Callable[[], None] | None) -> Iterator[ProcessPoolExecutor]:
    with _environment(_ONE_THREAD):
        pool = ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_process,
            initargs=(initializer,),
        )
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Sets variables that spawned processes inherit: thread pools are sized when a library is loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start_process(initializer: Callable[[], None] | None) -> None:
    threading.Thread(target=_die_with_parent, daemon=True).start()
    if initializer is not None:
        initializer()


def _die_with_parent() -> None:
    """Ends this process when the stage is killed; a spawned worker would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
