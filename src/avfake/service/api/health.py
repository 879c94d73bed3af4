"""Whether the service lives and takes work, its figures, and what its problems mean."""

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from avfake.service.problems import KINDS, ProblemError
from avfake.service.service import Service
from avfake.service.tokens import authorised

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers as long as the process serves requests."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 while clips are taken; 503 while the service stops, or where a part of it does not work."""
    service: Service = request.app.state.service
    parts = {
        "taking": not service.admission.stopping,
        "decoder": service.engine.ready(),
        "database": await asyncio.to_thread(service.store.answers),
        "jobs": service.runner.alive(),
    }
    return JSONResponse({"ready": all(parts.values()), **parts}, 200 if all(parts.values()) else 503)


@router.get("/metrics", dependencies=[Depends(authorised)], response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    service: Service = request.app.state.service
    text = await asyncio.to_thread(service.metrics.text)
    return Response(text, media_type=service.metrics.content_type)


@router.get("/v1/service")
async def about(request: Request) -> dict[str, Any]:
    """What the page needs to know before it sends anything."""
    service: Service = request.app.state.service
    return {
        "model": service.model_name,
        "max_bytes": service.settings.limits.max_bytes,
        "max_seconds": service.settings.limits.max_seconds,
        "token_needed": bool(service.settings.tokens),
    }


@router.get("/problems/{kind}", response_class=PlainTextResponse)
async def problem(kind: str) -> str:
    """What a kind of problem means and what to do about it."""
    if kind not in KINDS:
        raise ProblemError("not-found", "there is no such kind of problem")
    found = KINDS[kind]
    return f"{found.status} {found.title}\n\n{found.advice}\n"
