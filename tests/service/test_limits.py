"""Who may ask, how many at once, and what is left of requests that break off."""

import os
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from avfake.service.admission import Admission
from avfake.service.problems import ProblemError
from avfake.service.settings import Settings
from avfake.service.tokens import Tokens
from served import BOUNDARY, MULTIPART, Served, form, served

TOKEN = "a-token-of-the-tests"


def uploads_open() -> int:
    """Open files that have no name."""
    n = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            n += str(entry.readlink()).endswith("(deleted)")
    return n


def settled(count, expected: int, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while count() > expected and time.monotonic() < deadline:
        time.sleep(0.05)
    return count() <= expected


def test_tokens_guard_scores_jobs_and_figures(tmp_path, scorer, clips):
    with served(
        Settings(state=tmp_path, clips=clips, tokens=(TOKEN, "another-good-token")), scorer
    ) as server:
        assert server.get("/healthz").status == 200
        assert server.get("/readyz").status == 200
        assert server.get("/").status == 200
        asks = [
            lambda **headers: server.post_json("/v1/score", {"path": "real.mp4"}, **headers),
            lambda **headers: server.post_json("/v1/jobs", {"paths": ["real.mp4"]}, **headers),
            lambda **headers: server.get("/v1/jobs/none", **headers),
            lambda **headers: server.get("/metrics", **headers),
        ]
        for ask in asks:
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
                answer = ask(**wrong)
                assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
                assert answer.json()["type"] == "/problems/unauthorised"
            for token in (TOKEN, "another-good-token"):
                assert ask(Authorization=f"Bearer {token}").status in (200, 202, 404)


def test_tokens_are_not_shown_and_have_a_length(tmp_path):
    assert TOKEN not in repr(Settings(state=tmp_path, tokens=(TOKEN,)))
    with pytest.raises(ValueError, match="at least 16"):
        Settings(state=tmp_path, tokens=("short",))


def test_without_tokens_all_are_accepted_and_with_them_only_those():
    assert Tokens(()).accept(None)
    tokens = Tokens((TOKEN,))
    assert tokens.accept(TOKEN)
    assert not any(map(tokens.accept, (None, "", TOKEN + "x", TOKEN.upper(), "\N{SNOWMAN}")))


def test_a_full_queue_answers_when_to_come_again():
    admission = Admission(2, 1)
    with admission.admitted(), admission.admitted():
        with pytest.raises(ProblemError) as caught, admission.admitted():
            raise AssertionError("a third one was admitted")
        assert caught.value.kind == "queue-full"
        assert int(caught.value.headers["Retry-After"]) >= 1
    with admission.admitted():
        assert admission.waiting == 1


def test_a_service_with_no_place_left_answers_503_and_then_takes_work_again(tmp_path, scorer, clips):
    with served(Settings(state=tmp_path, clips=clips, capacity=1), scorer) as server:
        slow = slow_upload(server)
        assert settled(lambda: 1 - server.service.admission.waiting, 0)
        answer = server.score(clips / "real.mp4")
        assert (answer.status, answer.json()["type"]) == (503, "/problems/queue-full")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert server.get("/healthz").status == 200
        slow.close()
        assert settled(lambda: server.service.admission.waiting, 0)
        assert server.score(clips / "real.mp4").status == 200


def slow_upload(server: Served, length: int = 10_000) -> socket.socket:
    """A connection on which an upload began and does not go on."""
    connection = socket.create_connection(("127.0.0.1", server.port), 30)
    head = (
        f"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: {MULTIPART}\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + f"--{BOUNDARY}\r\n".encode())
    return connection


def test_an_upload_that_does_not_end_is_given_up(tmp_path, scorer):
    with served(Settings(state=tmp_path, upload_seconds=0.2), scorer) as server:
        connection = slow_upload(server)
        answer = connection.recv(2**16)
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b"/problems/upload-timeout" in answer + connection.recv(2**16)
        connection.close()
        assert settled(lambda: server.service.admission.waiting, 0)


def cut_requests(clip: Path, n: int) -> list[tuple[bytes, bool]]:
    """Uploads that break off at random: a third in the headers of the request, a third in those of the form
    or a little after, a third anywhere; and whether the connection is reset in place of closed."""
    rng = np.random.default_rng(17)
    body = form((clip.name, clip.read_bytes()))
    found = []
    for number in range(n):
        length, sent = f"Content-Length: {len(body)}", body
        if number % 4 == 3:
            length, sent = "Transfer-Encoding: chunked", f"{len(body):x}\r\n".encode() + body
        lines = (
            f"POST /v1/{('score', 'jobs')[number % 2]} HTTP/1.1",
            "Host: x",
            f"Content-Type: {MULTIPART}",
        )
        head = "\r\n".join([*lines, length, "", ""]).encode()
        last = (len(head), len(head) + 400, len(head) + len(sent))[number % 3]
        cut = int(rng.integers(1 if number % 3 == 0 else len(head), last))
        found.append(((head + sent)[:cut], bool(rng.integers(2))))
    return found


def test_uploads_that_are_cut_leave_nothing(server, clips):
    before, decoder = uploads_open(), server.service.decoder.pid
    for data, reset in cut_requests(clips / "real.mp4", 100):
        connection = socket.create_connection(("127.0.0.1", server.port), 30)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(data)
        connection.close()
    assert settled(lambda: server.service.admission.waiting, 0)
    assert settled(uploads_open, before)
    assert list(server.service.settings.uploads.iterdir()) == []
    assert server.service.store.n_open() == 0
    assert server.service.decoder.pid == decoder
    assert server.score(clips / "real.mp4").status == 200


def test_many_clients_at_once_get_their_own_answers(server, clips):
    names = ["real.mp4", "fake.mp4", "below/other.mp4", "text.mp4"]
    expected = {name: server.score(clips / name).json() for name in names}
    wrong: list[str] = []

    def ask(first: int):
        for step in range(6):
            name = names[(first + step) % len(names)]
            if server.score(clips / name).json() != expected[name]:
                wrong.append(name)

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert wrong == []
    assert server.service.admission.waiting == 0


def test_a_decoder_that_is_killed_costs_no_request(server, clips):
    expected = server.score(clips / "real.mp4").json()
    os.kill(server.service.decoder.pid, 9)
    assert server.score(clips / "real.mp4").json() == expected
    assert server.get("/readyz").status == 200
