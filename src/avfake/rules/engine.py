"""Rule: the container really builds, and scores the clip as this machine does."""

import csv
import io
import shutil
import subprocess
from pathlib import Path

from avfake.dataset.predictions import format_score
from avfake.rules.trial import Trial
from avfake.rules.verdict import Case, Verdict

ENGINES = ("docker", "podman")
_ASK_SECONDS = 30
_ROUNDING = 1.000001e-6


def judge(trial: Trial, build: bool) -> Verdict:
    """Builds the image and scores the trial's clip in it, if that is asked for and there is an engine."""
    if not build:
        return _unchecked(
            "not asked for: `avfake audit rules --build` builds the image and scores a clip in it"
        )
    engine, answers = _engine()
    if engine is None:
        return _unchecked(f"no engine answers here: {answers}")
    case = Case("container_build")
    done = _run(engine, "build", "--quiet", ".")
    if done.returncode:
        case.fault(f"{engine} build failed: {_last(done.stderr or done.stdout)}")
        return case.verdict()
    image = done.stdout.strip().splitlines()[-1]
    case.found(f"{engine} built {image}")
    if trial.clip is None:
        case.fault(f"there is no clip to score in it: {trial.error}")
        return case.verdict()
    _score(case, engine, image, trial.clip.resolve(), trial.score)
    return case.verdict()


def _score(case: Case, engine: str, image: str, clip: Path, expected: object) -> None:
    inside = f"/clip/{clip.name}"
    mount = f"type=bind,source={clip},target={inside},readonly"
    done = _run(engine, "run", "--rm", "--network", "none", "--mount", mount, image, "score", "--csv", inside)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    if done.returncode or len(rows) != 1 or "score" not in rows[0]:
        case.fault(f"the image does not score {clip.name}: {_last(done.stderr or done.stdout)}")
        return
    score = rows[0]["score"]
    here = format_score(expected) if isinstance(expected, float | int) else "nothing"
    if here == "nothing" or abs(float(score) - float(here)) > _ROUNDING:
        case.fault(f"{clip.name}: {score} in the image, {here} here")
    else:
        case.found(f"{clip.name}: {score} in the image and here, without a network")


def _engine() -> tuple[str | None, str]:
    """The first engine that answers, and what the others said."""
    said = []
    for name in ENGINES:
        if shutil.which(name) is None:
            said.append(f"{name} is not installed")
            continue
        try:
            done = subprocess.run(
                [name, "info"], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            said.append(f"{name} does not answer")
            continue
        if done.returncode == 0:
            return name, ""
        said.append(f"{name}: {_last(done.stderr or done.stdout)}")
    return None, "; ".join(said)


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _unchecked(why: str) -> Verdict:
    return Verdict("container_build", "not checked", (), (why,))
