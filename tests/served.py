"""A service on a real socket in this process, and the few requests that the tests send to it."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from avfake.scoring import Scorer
from avfake.service.app import make_app
from avfake.service.serve import server_config
from avfake.service.service import Service
from avfake.service.settings import Settings

BOUNDARY = "boundary-of-the-tests"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running service."""

    port: int
    service: Service
    loop: asyncio.AbstractEventLoop

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            names = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, names, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post_json(self, path: str, value: Any, **headers: str) -> Answer:
        return self.ask(
            "POST", path, json.dumps(value).encode(), {"Content-Type": "application/json", **headers}
        )

    def post_clips(self, path: str, *clips: tuple[str, bytes], **headers: str) -> Answer:
        return self.ask("POST", path, form(*clips), {"Content-Type": MULTIPART, **headers})

    def score(self, clip: Path, query: str = "") -> Answer:
        return self.post_clips(f"/v1/score{query}", (clip.name, clip.read_bytes()))

    def done(self, job: str, seconds: float = 60) -> Any:
        """The job once it is done."""
        deadline = time.monotonic() + seconds
        while (found := self.get(f"/v1/jobs/{job}").json())["state"] != "done":
            assert time.monotonic() < deadline, found["counts"]
            time.sleep(0.05)
        return found


def form(*clips: tuple[str, bytes]) -> bytes:
    """A form with files."""
    parts = []
    for name, data in clips:
        head = f'Content-Disposition: form-data; name="clip"; filename="{name}"\r\n'
        parts.append(f"--{BOUNDARY}\r\n{head}Content-Type: video/mp4\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@contextmanager
def served(settings: Settings, scorer: Scorer) -> Iterator[Served]:
    """Runs a service until the block ends; then it has stopped as after SIGTERM."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    app = make_app(settings, scorer)
    loops: list[asyncio.AbstractEventLoop] = []
    server = uvicorn.Server(server_config(app, 30))

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve(sockets=[listening])

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the service did not start"
        assert time.monotonic() < deadline, "the service does not start"
        time.sleep(0.01)
    try:
        yield Served(listening.getsockname()[1], app.state.service, loops[0])
    finally:
        app.state.service.stop_taking()
        server.should_exit = True
        thread.join(60)
        listening.close()
    assert not thread.is_alive(), "the service does not stop"
