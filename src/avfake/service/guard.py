"""What every request passes first: where it comes from, how large it is; and what every answer carries."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from avfake.service.metrics import Metrics
from avfake.service.problems import ProblemError

_FORM_OVERHEAD = 2**16  # bytes of a form beside its files
_DOCUMENT = 2**20  # bytes of a request that is no form
# What is thrown away of a request that is refused, so that its sender gets to read why.
_DISCARDED, _DISCARD_SECONDS = 2**26, 10.0
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware.

    Args:
        app: what follows.
        metrics: where requests are counted.
        largest: bytes of the files of a form, by address.
    """

    def __init__(self, app: ASGIApp, metrics: Callable[[], Metrics], largest: dict[str, int]) -> None:
        self._app, self._metrics, self._largest = app, metrics, largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            try:
                limited = self._checked(scope, receive)
            except ProblemError as problem:
                if problem.kind == "too-large":
                    await _discard(receive)
                await problem.response()(scope, receive, sending)
                return
            await self._app(scope, limited, sending)
        finally:
            route = getattr(scope.get("route"), "path", "other")
            metrics = self._metrics()
            metrics.requests.labels(route, scope["method"], str(status)).inc()
            metrics.request_seconds.labels(route).observe(perf_counter() - begin)

    def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """How the request's body is received. Raises ProblemError if the request is refused."""
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        # A page of another site can make a browser send forms, but not hide where they come from.
        if origin is not None and scope["method"] != "GET" and urlsplit(origin).netloc != headers.get("host"):
            raise ProblemError("forbidden", "the page that sent this is not the service's own")
        largest = _DOCUMENT
        if headers.get("content-type", "").lower().startswith("multipart/form-data"):
            largest = self._largest.get(scope["path"], 0) + _FORM_OVERHEAD
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) > largest:
            raise _too_large(largest)
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                if message.get("more_body", False):
                    await _discard(receive)
                raise _too_large(largest)
            return message

        return limited


async def _discard(receive: Receive) -> None:
    n = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_SECONDS):
            while n < _DISCARDED:
                message = await receive()
                n += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _too_large(largest: int) -> ProblemError:
    return ProblemError(
        "too-large", f"at most {largest} bytes are taken", {"Connection": "close"}, limit=largest
    )
