"""The requests in docs/service.md work as they stand there."""

import json
import re
import shlex
import subprocess
from pathlib import Path

from avfake.service.problems import KINDS
from avfake.service.settings import Settings
from served import served
from workspace import ROOT

TEXT = (ROOT / "docs/service.md").read_text()


def test_the_requests_of_the_page_are_answered(tmp_path, scorer, clips):
    folder = tmp_path / "clips"
    (folder / "below").mkdir(parents=True)
    for path in (folder / "clip.mp4", folder / "other.mp4", folder / "below/clip.mp4"):
        path.write_bytes((clips / "real.mp4").read_bytes())
    lines = re.findall(r"^curl .*$", TEXT, re.M)
    assert len(lines) == 7
    with served(Settings(state=tmp_path / "state", clips=folder), scorer) as server:
        for line in lines:
            words = shlex.split(line.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}"))
            done = subprocess.run(
                [*words, "-sS", "--fail-with-body"], cwd=folder, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)
            if "/v1/score" in line:
                assert 0 <= json.loads(done.stdout)["score"] <= 1
            if "/v1/jobs" in line:
                assert server.done(json.loads(done.stdout)["id"])["counts"]["scored"] == 2


def test_every_problem_and_figure_is_on_the_page(server):
    for kind, said in KINDS.items():
        assert f"`/problems/{kind}`" in TEXT
        assert re.search(rf"`/problems/{kind}`.*\| {said.status} \|", TEXT), kind
    names = re.findall(r"^# TYPE (avfake_\w+) ", server.get("/metrics").body.decode(), re.M)
    assert names
    for name in names:
        if not name.endswith("_created"):
            assert f"`{name}" in TEXT, name


def test_the_tests_that_the_security_page_names_exist():
    named = set(re.findall(r"`(?:tests/service/)?(test_\w+\.py)`", (ROOT / "docs/security.md").read_text()))
    assert len(named) >= 8
    for name in named:
        assert (Path(__file__).parent / name).is_file(), name
