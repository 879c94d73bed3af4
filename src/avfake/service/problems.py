"""Errors as the caller gets them: problem documents of RFC 9457."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem; its `type` is the address of a page that says what to do about it."""

    status: int
    title: str
    advice: str


KINDS = {
    "bad-request": Kind(400, "The request is malformed", "Compare it with the examples of /openapi.json."),
    "unauthorised": Kind(401, "A token is needed", "Send `Authorization: Bearer TOKEN` with a valid token."),
    "forbidden": Kind(403, "Not from there", "Pages of other sites may not send requests to this service."),
    "not-found": Kind(404, "There is no such thing", "Check the address, the path or the job's id."),
    "upload-timeout": Kind(408, "The upload took too long", "Send it again over a faster line."),
    "too-large": Kind(413, "The upload is too large", "Send a shorter or smaller clip, or raise the limit."),
    "not-media": Kind(
        415, "Neither a clip, a sound nor an image that is read here",
        "Send a file as mp4, mkv, webm, avi, wav, mp3, flac, ogg, m4a, jpg or png.",
    ),
    "unreadable": Kind(422, "The clip cannot be read or judged", "The detail says why; try another copy."),
    "over-limit": Kind(422, "The clip exceeds a limit", "Cut it, scale it down, or raise the limit."),
    "too-costly": Kind(422, "Reading the clip took more than is allowed", "Write the clip anew and send it."),
    "queue-full": Kind(503, "Too many clips are waiting", "Try again after the seconds in `Retry-After`."),
    "stopping": Kind(503, "The service is stopping", "Try again after the seconds in `Retry-After`."),
    "internal": Kind(500, "An error of the service", "Its log says more; please report it."),
}  # fmt: skip
_OF_STATUS = {400: "bad-request", 401: "unauthorised", 403: "forbidden", 404: "not-found", 413: "too-large"}


class ProblemError(Exception):
    """A problem that a request runs into.

    Args:
        kind: a key of `KINDS`.
        detail: what is wrong with this request, as a sentence.
        headers: of the response.
        more: further members of the document.
    """

    def __init__(self, kind: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.headers, self.more = kind, detail, headers, more

    def document(self) -> dict[str, Any]:
        """The members of the document."""
        kind = KINDS[self.kind]
        return {
            "type": f"/problems/{self.kind}",
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail,
            **self.more,
        }

    def response(self) -> Response:
        """The answer."""
        return JSONResponse(self.document(), KINDS[self.kind].status, self.headers, MEDIA_TYPE)


async def on_problem(_: Request, error: Exception) -> Response:
    """Answers a ProblemError."""
    assert isinstance(error, ProblemError)
    return error.response()


async def on_http(_: Request, error: Exception) -> Response:
    """Answers what the framework refuses: an unknown address, a wrong method, a malformed form."""
    assert isinstance(error, HTTPException)
    kind = _OF_STATUS.get(error.status_code)
    if kind is not None:
        return ProblemError(kind, str(error.detail), dict(error.headers or {})).response()
    document = {"type": "about:blank", "title": str(error.detail), "status": error.status_code}
    return JSONResponse(document, error.status_code, error.headers, MEDIA_TYPE)


async def on_invalid(_: Request, error: Exception) -> Response:
    """Answers parameters that are not as declared."""
    assert isinstance(error, RequestValidationError)
    errors = [{"where": "/".join(map(str, item["loc"])), "what": item["msg"]} for item in error.errors()]
    detail = "; ".join(f"{item['where']}: {item['what']}" for item in errors)
    return ProblemError("bad-request", detail, errors=errors).response()


async def on_gone(_: Request, error: Exception) -> Response:
    """The caller left in the middle of its request: nobody reads this."""
    assert isinstance(error, ClientDisconnect)
    return Response(status_code=400)


async def on_error(_: Request, __: Exception) -> Response:
    """Answers an error of the service; the log has it, the caller does not."""
    return ProblemError("internal", "the service failed on this request").response()
