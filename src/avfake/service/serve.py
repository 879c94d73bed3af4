"""Runs the service until it is told to stop; then finishes what it took."""

import logging
import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from avfake.errors import UserError
from avfake.scoring import Scorer
from avfake.service.app import make_app
from avfake.service.service import Service
from avfake.service.settings import Settings

LOG = logging.getLogger(__name__)
_LOG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"uvicorn.access": {"level": "WARNING"}},
}


class _Server(uvicorn.Server):
    """Says where it listens, and tells the service at once that it will stop."""

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self._service = service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says where it listens, once it does."""
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            LOG.info("listening at http://%s:%d", f"[{host}]" if ":" in host else host, port)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by a signal; a second interrupt ends everything at once."""
        self._service.stop_taking()
        super().handle_exit(sig, frame)


def server_config(app: FastAPI, stop_seconds: float) -> uvicorn.Config:
    """How the server speaks HTTP."""
    return uvicorn.Config(
        app,
        log_config=_LOG,
        http="h11",
        ws="none",
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=10,
        timeout_graceful_shutdown=max(1, round(stop_seconds)),
        backlog=512,
    )


def serve(settings: Settings, scorer: Scorer, host: str, port: int, stop_seconds: float) -> None:
    """Serves until SIGTERM or an interrupt; requests that were taken are answered before it returns.

    Args:
        settings: of the service.
        scorer: the model.
        host, port: where it listens; port 0: any, which the log names.
        stop_seconds: how long requests under way may take at the end.

    Raises:
        UserError: it cannot listen there.
    """
    app = make_app(settings, scorer)
    config = server_config(app, stop_seconds)
    try:
        listening = socket.create_server((host, port), backlog=512)
    except OSError as error:
        reason = f"{host}:{port}: cannot listen there: {error.strerror}"
        raise UserError(reason, "choose another --port") from None
    # uvicorn raises the signal again once it is done: stopping as asked is no failure.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with listening:
        _Server(config, app.state.service).run(sockets=[listening])
