"""Works through the items of jobs, beside the requests."""

import asyncio
import logging
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from avfake.service.answers import answer_of
from avfake.service.engine import Engine
from avfake.service.folder import open_below
from avfake.service.jobs.store import FAILED, SCORED, Item, JobStore
from avfake.service.problems import ProblemError
from avfake.service.settings import Settings

LOG = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
_LOOK_AGAIN = 5.0  # seconds
_HOUR = 3600.0


class Runner:
    """Takes items from the store as long as there are any. Made and used in a running event loop.

    Args:
        store: of the jobs.
        engine: scores them.
        settings: of the service.
    """

    def __init__(self, store: JobStore, engine: Engine, settings: Settings) -> None:
        self._store, self._engine, self._settings = store, engine, settings
        self._news = asyncio.Event()
        self._stopping = False
        self._swept = 0.0
        settings.uploads.mkdir(parents=True, exist_ok=True)
        again = store.put_back()
        if again:
            LOG.info("%d clips of jobs were under way when the service ended; they are queued again", again)
        sweep(settings.uploads, store.open_uploads())
        self._task = asyncio.create_task(self._run())

    def alive(self) -> bool:
        """Whether items are being taken."""
        return not self._task.done()

    def notify(self) -> None:
        """There is a new job."""
        self._news.set()

    async def close(self) -> None:
        """Takes no more items, and waits for those under way. The others stay in the store."""
        self._stopping = True
        self._news.set()
        await self._task

    async def _run(self) -> None:
        running: set[asyncio.Task[None]] = set()
        while not self._stopping:
            self._news.clear()
            await self._forget_old()
            free = self._settings.decoders - len(running)
            items = await asyncio.to_thread(self._store.take, free) if free else []
            running |= {asyncio.create_task(self._one(item)) for item in items}
            if len(items) == free and running:  # there may be more
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            else:
                news = asyncio.ensure_future(self._news.wait())
                waiting: set[asyncio.Future[Any]] = {*running, news}
                await asyncio.wait(waiting, timeout=_LOOK_AGAIN, return_when=asyncio.FIRST_COMPLETED)
                news.cancel()
                running = {task for task in running if not task.done()}
        if running:
            await asyncio.wait(running)

    async def _one(self, item: Item) -> None:
        """Scores an item and keeps what became of it."""
        if item.attempts > MAX_ATTEMPTS:
            problem = ProblemError("internal", f"the service ended {MAX_ATTEMPTS} times while it read this")
            await asyncio.to_thread(self._store.finish, item, FAILED, problem.document())
        else:
            work = asyncio.create_task(self._score(item))
            await asyncio.wait({work})
            error = work.exception()
            if error is None:
                state, answer = SCORED, work.result()
            elif isinstance(error, ProblemError):
                state, answer = FAILED, error.document()
            else:
                LOG.error("a clip of job %s failed", item.job, exc_info=error)
                state, answer = FAILED, ProblemError("internal", "the service failed on it").document()
            await asyncio.to_thread(self._store.finish, item, state, answer)
        if item.path is None:
            (self._settings.uploads / item.upload_name).unlink(missing_ok=True)

    async def _score(self, item: Item) -> dict[str, object]:
        if item.path is None:
            upload = self._settings.uploads / item.upload_name
            if not upload.is_file():  # the job was deleted
                raise ProblemError("not-found", "the upload is gone")
            file = os.open(upload, os.O_RDONLY | os.O_CLOEXEC)
        else:
            if self._settings.clips is None:
                raise ProblemError("not-found", "the service has no folder of clips any more")
            file = open_below(self._settings.clips, item.path)
        try:
            return answer_of(await self._engine.score(file, item.name))
        finally:
            os.close(file)

    async def _forget_old(self) -> None:
        if time.monotonic() - self._swept < _HOUR and self._swept:
            return
        self._swept = time.monotonic()
        before = time.time() - _HOUR * self._settings.keep_hours
        await asyncio.to_thread(self._store.delete_done, before)


def sweep(folder: Path, wanted: set[str]) -> int:
    """Removes the uploads that no open item needs; how many."""
    n = 0
    for path in folder.iterdir():
        if path.name not in wanted:
            with suppress(FileNotFoundError):
                path.unlink()
                n += 1
    return n
