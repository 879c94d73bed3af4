"""The application: addresses, page, errors, in the order in which a request meets them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

import avfake
from avfake.scoring import Scorer
from avfake.service import problems
from avfake.service.api import health, jobs, score
from avfake.service.guard import Guard
from avfake.service.service import Service
from avfake.service.settings import Settings
from avfake.service.tokens import Tokens

_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/draw.js": ("draw.js", "text/javascript; charset=utf-8"),
    "/report.js": ("report.js", "text/javascript; charset=utf-8"),
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
}


def make_app(settings: Settings, scorer: Scorer) -> FastAPI:
    """The application of a service; its parts start and stop with it."""
    service = Service(settings, scorer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            await service.start()
            yield
        finally:
            await service.close()

    # The framework's own pages of documentation load scripts from other sites.
    app = FastAPI(
        title="avfake",
        version=avfake.__version__,
        description="Scores audio-video clips: the probability that each is a deepfake.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            problems.ProblemError: problems.on_problem,
            HTTPException: problems.on_http,
            RequestValidationError: problems.on_invalid,
            ClientDisconnect: problems.on_gone,
            Exception: problems.on_error,
        },
    )
    app.state.service = service
    app.state.tokens = Tokens(settings.tokens)
    largest = {"/v1/score": settings.limits.max_bytes, "/v1/jobs": settings.job_bytes}
    app.add_middleware(Guard, metrics=lambda: service.metrics, largest=largest)
    for router in (score.router, jobs.router, health.router):
        app.include_router(router)
    _add_page(app)
    return app


def _add_page(app: FastAPI) -> None:
    folder = files("avfake.service") / "page"
    for address, (name, media_type) in _PAGE.items():
        content = (folder / name).read_bytes()

        def page(content: bytes = content, media_type: str = media_type) -> Response:
            return Response(content, media_type=media_type)

        app.add_api_route(address, page, include_in_schema=False)
