"""Everything that a running service consists of, in the order in which it starts; it stops in reverse."""

import logging
from contextlib import AsyncExitStack
from typing import Protocol

from avfake.decoding import cage
from avfake.decoding.client import Decoder
from avfake.scoring import Scorer
from avfake.service.admission import Admission
from avfake.service.engine import Engine
from avfake.service.jobs.runner import Runner
from avfake.service.jobs.store import JobStore
from avfake.service.metrics import Metrics
from avfake.service.settings import Settings

LOG = logging.getLogger(__name__)


class Closable(Protocol):
    """What is closed when the service stops."""

    async def close(self) -> None:
        """Ends it."""


class Service:
    """The parts of a running service.

    Args:
        settings: of the service.
        scorer: the model, loaded.
    """

    decoder: Decoder
    engine: Engine
    runner: Runner

    def __init__(self, settings: Settings, scorer: Scorer) -> None:
        self.settings, self._scorer = settings, scorer
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.model_name = scorer.version
        self.admission = Admission(settings.capacity, settings.decoders)
        self.store = JobStore(settings.database_url, settings.instance)
        self.metrics = Metrics(self.model_name, lambda: self.admission.waiting, self.store.n_open)
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Starts what works; `close` must follow."""
        self._stack.callback(self.store.close)
        self.decoder = self._stack.enter_context(Decoder(self.settings.limits))
        self.decoder.wait()
        missing = [name for name, offered in cage.measures().items() if not offered]
        if missing:
            LOG.warning(
                "this system has no %s: clips are read with resource limits alone", " and no ".join(missing)
            )
        settings = self.settings
        self.engine = Engine(self._scorer, self.decoder, settings.decoders, settings.batch, self.metrics)
        self._stack.push_async_callback(self.engine.close)
        self.runner = Runner(self.store, self.engine, settings)
        self._stack.push_async_callback(self.runner.close)

    def stop_taking(self) -> None:
        """New requests for scores are refused from here on; those taken are finished."""
        self.admission.stopping = True

    async def close(self) -> None:
        """Finishes what is under way and ends all parts."""
        self.stop_taking()
        await self._stack.aclose()

    def forget_uploads(self, job: str) -> None:
        """Removes the uploads of a job."""
        for path in self.settings.uploads.glob(f"{job}-*"):
            path.unlink(missing_ok=True)
