"""`/v1/jobs`: many clips by one request."""

import asyncio
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from avfake.service.api.documented import problems
from avfake.service.folder import parts_of, shown_name
from avfake.service.jobs.store import Item
from avfake.service.problems import ProblemError
from avfake.service.service import Service
from avfake.service.tokens import authorised
from avfake.service.uploads import document, is_form, save, uploaded

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=[Depends(authorised)])
_PAGE = 1000


class PathsRequest(BaseModel):
    """Clips below the folder of clips."""

    model_config = ConfigDict(extra="forbid")

    paths: list[str] = Field(min_length=1, description="relative to the folder of the service")


_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["clip"],
                "properties": {"clip": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
        "application/json": {
            "schema": PathsRequest.model_json_schema(),
            "examples": {"two clips": {"value": {"paths": ["valset/a.mp4", "valset/b.mp4"]}}},
        },
    },
}
_TAKEN = {"id": "Zk3qX8b0TqS5mV1yPn7wLw", "url": "/v1/jobs/Zk3qX8b0TqS5mV1yPn7wLw", "n": 2}


@router.post(
    "",
    status_code=202,
    responses={
        202: {"content": {"application/json": {"example": _TAKEN}}},
        **problems(400, 401, 404, 408, 413, 503),
    },
    openapi_extra={"requestBody": _BODY},
)
async def create(request: Request) -> Response:
    """Takes clips: files of a form, or paths below the folder of clips. Once answered, the job is kept: a
    service that is stopped goes on with it when it starts again."""
    service: Service = request.app.state.service
    settings = service.settings
    job = secrets.token_urlsafe(16)
    with service.admission.admitted():
        await _check_room(service)
        if is_form(request):
            items = await _uploads(request, service, job)
        else:
            items = _paths(service, job, await document(request, PathsRequest, settings.upload_seconds))
            await asyncio.to_thread(service.store.add, items)
    service.runner.notify()
    url = f"/v1/jobs/{job}"
    return JSONResponse({"id": job, "url": url, "n": len(items)}, 202, {"Location": url})


@router.get("/{job}", responses=problems(401, 404))
async def read(
    request: Request,
    job: str,
    offset: Annotated[int, Query(ge=0, description="of the first item shown")] = 0,
    limit: Annotated[int, Query(ge=1, le=_PAGE, description="items shown")] = _PAGE,
) -> dict[str, Any]:
    """A job: its state (`open` or `done`), how many clips are in which state, and its clips in order, each
    with its result or its problem."""
    service: Service = request.app.state.service
    found = await asyncio.to_thread(service.store.job, job, offset, limit)
    if found is None:
        raise ProblemError("not-found", "there is no such job; finished ones are kept for a while only")
    return found


@router.delete("/{job}", status_code=204, responses=problems(401, 404))
async def delete(request: Request, job: str) -> Response:
    """Forgets a job with its results and uploads; clips that wait are not scored any more."""
    service: Service = request.app.state.service
    if not await asyncio.to_thread(service.store.delete, job):
        raise ProblemError("not-found", "there is no such job")
    await asyncio.to_thread(service.forget_uploads, job)
    return Response(status_code=204)


async def _check_room(service: Service) -> None:
    waiting = await asyncio.to_thread(service.store.n_open)
    if waiting >= service.settings.open_items:
        raise ProblemError("queue-full", f"{waiting} clips of jobs are waiting", {"Retry-After": "60"})


def _paths(service: Service, job: str, wanted: PathsRequest) -> list[Item]:
    if service.settings.clips is None:
        raise ProblemError("not-found", "this service has no folder of clips: send the clips themselves")
    _check_number(service, len(wanted.paths))
    for path in wanted.paths:
        parts_of(path)
    return [Item(job, number, shown_name(path), path) for number, path in enumerate(wanted.paths)]


async def _uploads(request: Request, service: Service, job: str) -> list[Item]:
    settings = service.settings
    async with uploaded(request, settings.job_items, settings.upload_seconds) as files:
        _check_number(service, len(files))
        items = [Item(job, number, upload.name, None) for number, upload in enumerate(files)]
        kept = False
        try:
            for item, upload in zip(items, files, strict=True):
                await asyncio.to_thread(save, upload, settings.uploads / item.upload_name)
            await asyncio.to_thread(service.store.add, items)
            kept = True
        finally:
            if not kept:
                await asyncio.to_thread(service.forget_uploads, job)
    return items


def _check_number(service: Service, n: int) -> None:
    most = service.settings.job_items
    if n > most:
        raise ProblemError("bad-request", f"a job has at most {most} clips, these are {n}")
