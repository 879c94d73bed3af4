"""From an open file to a result: reading in a caged process, then the model, in one thread.

Rows that are ready while the model is busy are handed to it together.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from avfake.decoding.client import CutError, Decoder
from avfake.decoding.limits import NotMediaError, OverLimitError
from avfake.errors import UserError
from avfake.media.clip import ClipRow
from avfake.media.errors import ClipError
from avfake.reader import Read
from avfake.result import Result
from avfake.scoring import Scorer
from avfake.service.metrics import Metrics
from avfake.service.problems import ProblemError

# Heat needs gradients, which torch alone has.
NO_EXPLANATION: dict[str, Any] = {
    "sound": None,
    "notes": [
        "no explanation: it needs torch and the weights, and this service has the exported model alone"
    ],
    "pictures": {"channels": [], "faces": []},
}


@dataclass(frozen=True)
class Scored:
    """A result, and what made it if that was asked for."""

    result: Result
    explanation: dict[str, Any] | None


@dataclass(frozen=True)
class _Waiting:
    read: Read
    name: str
    done: "asyncio.Future[Result | ClipError]"


class Engine:
    """Scores clips. Made and used in a running event loop.

    Args:
        scorer: the model.
        decoder: reads the clips.
        decoders: clips read at once.
        batch: clips handed to the model at once, at most.
        metrics: where it is counted.
    """

    def __init__(self, scorer: Scorer, decoder: Decoder, decoders: int, batch: int, metrics: Metrics) -> None:
        self._scorer, self._decoder, self._metrics, self._batch = scorer, decoder, metrics, batch
        self._explainer = scorer if scorer.backend == "torch" else None
        self._readers = ThreadPoolExecutor(decoders, "read")
        self._model = ThreadPoolExecutor(1, "model")
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._task = asyncio.create_task(self._judge())

    def ready(self) -> bool:
        """Whether clips can be read and judged."""
        return self._decoder.alive() and not self._task.done()

    async def score(self, file: int, name: str, explain: bool = False) -> Scored:
        """Scores an open clip.

        Args:
            file: descriptor of a regular file; it stays open.
            name: for the result.
            explain: whether to say what made the score.

        Raises:
            ProblemError: the clip cannot be read or judged; the document says why.
        """
        try:
            return await self._score(file, name, explain)
        except NotMediaError as error:
            self._metrics.clips.labels("not-media").inc()
            raise ProblemError("not-media", str(error), video_name=name) from None
        except OverLimitError as error:
            self._metrics.clips.labels("over-limit").inc()
            raise ProblemError("over-limit", str(error), video_name=name) from None
        except CutError as error:
            self._metrics.clips.labels(f"cut-{error.limit}").inc()
            raise ProblemError("too-costly", str(error), video_name=name, limit=error.limit) from None
        except ClipError as error:
            self._metrics.clips.labels("unreadable").inc()
            raise ProblemError("unreadable", error.reason, video_name=name) from None

    async def close(self) -> None:
        """Ends the threads; nothing may be waiting any more."""
        self._task.cancel()
        await asyncio.wait({self._task})
        self._readers.shutdown()
        self._model.shutdown()

    async def _score(self, file: int, name: str, explain: bool) -> Scored:
        loop = asyncio.get_running_loop()
        read = await loop.run_in_executor(self._readers, self._read, file)
        done: asyncio.Future[Result | ClipError] = loop.create_future()
        with self._metrics.step("judge"):
            self._queue.put_nowait(_Waiting(read, name, done))
            result = await done
        if isinstance(result, ClipError):
            raise result
        explanation = None
        if explain:
            with self._metrics.step("explain"):
                explanation = await loop.run_in_executor(self._model, self._explained, read.row)
        self._metrics.clips.labels("scored").inc()
        return Scored(result, explanation)

    def _read(self, file: int) -> Read:
        with self._metrics.step("read"):
            return self._decoder.read(file, self._scorer.reader)

    def _explained(self, row: ClipRow) -> dict[str, Any]:
        # Imported here: a service that runs the model with ONNX starts without torch.
        try:
            from avfake.service.explanation import explained

            if self._explainer is None:
                self._explainer = Scorer(self._scorer.folder)
        except (UserError, ModuleNotFoundError):
            return NO_EXPLANATION
        return explained(self._explainer, row)

    async def _judge(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            waiting = [await self._queue.get()]
            while len(waiting) < self._batch and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            self._metrics.batch_clips.observe(len(waiting))
            reads = [(item.read, item.name) for item in waiting]
            work = loop.run_in_executor(self._model, _judged, self._scorer, reads)
            await asyncio.wait({work})
            error = work.exception()
            for number, item in enumerate(waiting):
                if item.done.cancelled():
                    continue
                if error is not None:
                    item.done.set_exception(error)
                else:
                    item.done.set_result(work.result()[number])


def _judged(scorer: Scorer, reads: list[tuple[Read, str]]) -> list[Result | ClipError]:
    """The results of clips and their names. Each runs by itself, so that its score does not depend on its
    neighbours."""
    found: list[Result | ClipError] = []
    for read, name in reads:
        try:
            found.append(scorer.judge_row(read.row, name, read.windows))
        except ClipError as error:
            found.append(error)
    return found
