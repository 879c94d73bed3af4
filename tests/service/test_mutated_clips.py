"""Hundreds of damaged and hostile files: each is answered, and nothing of them stays."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from test_limits import uploads_open

from avfake.service.settings import Settings
from mutated import mutated, whole_files
from served import served

N = 500
CLIENTS = 4
SECONDS = 60  # of one answer, far above the wall time that a decoder has
MEGABYTES = 200  # that memory may grow by


def resident(pid: int | str = "self") -> float:
    """Megabytes that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()


def test_damaged_clips_are_answered_and_leave_nothing(tmp_path, scorer):
    files = whole_files(tmp_path)
    with served(Settings(state=tmp_path / "state"), scorer) as server:
        for name, data in files.items():
            assert server.post_clips("/v1/score", (name, data)).status in (200, 422)
        decoder, before, open_before = server.service.decoder.pid, resident(), uploads_open()

        def ask(item: tuple[str, bytes]) -> tuple[str, int, float, str]:
            begin = time.monotonic()
            answer = server.post_clips("/v1/score", ("clip.mp4", item[1]))
            kind = "score" if answer.status == 200 else answer.json()["type"]
            return item[0], answer.status, time.monotonic() - begin, kind

        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(ask, mutated(files, N, seed=7)))
        assert len(answers) == N
        assert [row for row in answers if row[1] not in (200, 413, 415, 422)] == []
        assert [row for row in answers if row[2] > SECONDS] == []
        kinds = {row[3] for row in answers}
        assert {"score", "/problems/unreadable", "/problems/not-media", "/problems/over-limit"} <= kinds
        # Nobody's server of children died, no child and no file stays, memory is back.
        assert server.service.decoder.pid == decoder
        assert children(decoder) == ""
        assert uploads_open() == open_before
        assert resident() - before < MEGABYTES
        good = server.post_clips("/v1/score", ("clip.mp4", files["clip.mp4"]))
        assert good.status == 200
    assert sorted(path.name for path in (tmp_path / "state").iterdir() if path.suffix != ".sqlite") == [
        "uploads"
    ]
