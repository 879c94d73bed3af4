"""`POST /v1/score`: one clip, answered at once."""

import asyncio
import os
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from avfake.service.answers import EXAMPLE, Answer, answer_of
from avfake.service.api.documented import problems
from avfake.service.folder import open_below, shown_name
from avfake.service.problems import ProblemError
from avfake.service.service import Service
from avfake.service.tokens import authorised
from avfake.service.uploads import document, is_form, uploaded

router = APIRouter(prefix="/v1", tags=["score"], dependencies=[Depends(authorised)])


class PathRequest(BaseModel):
    """A clip below the folder of clips."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(description="relative to the folder that the service was started with")


_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["clip"],
                "properties": {"clip": {"type": "string", "format": "binary"}},
            }
        },
        "application/json": {
            "schema": PathRequest.model_json_schema(),
            "examples": {"a clip below the folder": {"value": {"path": "valset/clip.mp4"}}},
        },
    },
}


@router.post(
    "/score",
    response_model=Answer,
    responses={
        200: {"content": {"application/json": {"example": EXAMPLE}}},
        **problems(400, 401, 404, 408, 413, 415, 422, 503),
    },
    openapi_extra={"requestBody": _BODY},
)
async def score(
    request: Request,
    explain: Annotated[bool, Query(description="Say what made the score, with pictures.")] = False,
) -> Response:
    """Scores one clip, sound or face image: a file of a form, or a path below the folder of clips."""
    service: Service = request.app.state.service
    with service.admission.admitted():
        if is_form(request):
            async with uploaded(request, 1, service.settings.upload_seconds) as files:
                scored = await service.engine.score(files[0].file, files[0].name, explain)
            return JSONResponse(answer_of(scored))
        wanted = await document(request, PathRequest, service.settings.upload_seconds)
        return JSONResponse(await _of_path(service, wanted.path, explain))


async def _of_path(service: Service, path: str, explain: bool) -> dict[str, Any]:
    if service.settings.clips is None:
        raise ProblemError("not-found", "this service has no folder of clips: send the clip itself")
    file = await asyncio.to_thread(open_below, service.settings.clips, path)
    try:
        return answer_of(await service.engine.score(file, shown_name(path), explain))
    finally:
        os.close(file)
