"""The image's health check asks the service that is the first process, and only that."""

import socket

import pytest

from avfake.service import health
from avfake.service.settings import Settings
from served import served


@pytest.fixture
def process(tmp_path):
    """A folder as /proc/1 is one, of a process with this command and these variables."""

    def make(*words: str, **variables: str):
        (tmp_path / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
        pairs = [f"{name}={value}" for name, value in variables.items()]
        (tmp_path / "environ").write_bytes(b"".join(pair.encode() + b"\0" for pair in pairs))
        return tmp_path

    return make


def test_a_service_that_answers_is_healthy(process, scorer, tmp_path, capsys):
    with served(Settings(state=tmp_path / "state"), scorer) as server:
        folder = process(
            "/app/.venv/bin/python", "/app/.venv/bin/avfake", "serve", AVFAKE_PORT=str(server.port)
        )
        assert health.main(folder) == 0
        assert "answers 200" in capsys.readouterr().out


def test_a_service_that_does_not_answer_is_not(process, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        port = taken.getsockname()[1]
        assert health.main(process("avfake", "serve", "--port", str(port))) == 1
    assert "unhealthy" in capsys.readouterr().out


def test_a_container_that_serves_nothing_is_healthy(process, capsys):
    assert health.main(process("avfake", "score", "/data/clip.mp4")) == 0
    assert "nothing is served" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "variables", "expected"),
    [
        (["serve"], {}, ("127.0.0.1", 8000)),
        (["serve"], {"AVFAKE_HOST": "0.0.0.0", "AVFAKE_PORT": "9"}, ("127.0.0.1", 9)),
        (["serve", "--host", "::", "--port=81"], {"AVFAKE_PORT": "9"}, ("::1", 81)),
        (["serve", "--host=10.0.0.7"], {"AVFAKE_HOST": "0.0.0.0"}, ("10.0.0.7", 8000)),
    ],
)
def test_where_it_asks(words, variables, expected):
    assert health.address(words, variables) == expected
