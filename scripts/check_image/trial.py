"""What `docker run` would ask of an image, asked of its root."""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from build import Image, inside

from avfake.errors import RunError

SECONDS = 180.0  # for the service to begin, and to end
_BOUNDARY = "boundary-of-the-check"


def try_image(image: Image, folder: Path, clip: Path) -> int:
    """Tries an image whose root was built; prints a line per question. Returns 1 if one failed.

    Args:
        image: as `build` left it.
        folder: for the state of a service and the clip.
        clip: to score.
    """
    state, data = folder / "state", folder / "data"
    for path in (state, data):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    shutil.copy(clip, data / "clip.mp4")
    state.chmod(0o777)
    asked = [
        ("pipeline", lambda: knows_the_pipeline(image)),
        ("mounts", lambda: mount(image, state, data)),
        ("labels and sizes", lambda: described(image)),
        ("user", lambda: runs_as_nobody_special(image)),
        ("root is read-only", lambda: cannot_write(image)),
        ("score", lambda: scores_as_here(image, clip)),
        ("health of a container that does not serve", lambda: healthy_without_service(image)),
        ("service", lambda: serves(image, clip)),
    ]
    failed = 0
    for name, question in asked:
        try:
            print(f"{name}: {question()}", flush=True)
        except RunError as error:
            failed += 1
            print(f"FAILED {name}: {error.message}", flush=True)
    return int(failed > 0)


def mount(image: Image, state: Path, data: Path) -> str:
    """Makes the root read-only, /tmp in memory, the state writable, the clips to read, devices."""
    root = Path(image.root)
    (root / "data").mkdir(exist_ok=True)
    # tmpfs of its own for /dev/shm, as a container has it.
    for words in (
        ["--bind", root, root],
        ["--rbind", "/dev", root / "dev"],
        ["-t", "tmpfs", "-o", "size=64m", "tmpfs", root / "dev/shm"],
        ["-t", "tmpfs", "tmpfs", root / "tmp"],
        ["--bind", state, root / "state"],
        ["--bind", data, root / "data"],
        ["-o", "remount,bind,ro", root / "data"],
        ["-o", "remount,bind,ro", root],
    ):
        done = subprocess.run(["mount", *map(str, words)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RunError(f"mount {shlex.join(map(str, words))}: {done.stderr}", "")
    return "the root and /data read-only; /tmp, /state and /dev/shm writable"


def container(image: Image, words: Sequence[str], variables: Mapping[str, str] | None = None) -> list[str]:
    """The command that runs `words` in the root as the first process of a process namespace of its own."""
    command = shlex.join(inside(image, words, {**image.variables, **(variables or {})}))
    proc = shlex.quote(f"{image.root}/proc")
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
            f"mount -t proc proc {proc} && exec {command}"]  # fmt: skip


def answer(image: Image, *words: str) -> str:
    """What a command in the image prints. Raises RunError where it fails."""
    done = subprocess.run(container(image, words), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"{shlex.join(words)} ended with {done.returncode}: {done.stderr[-1500:]}", "")
    return done.stdout


def described(image: Image) -> str:
    """Labels are there; the largest layers."""
    for name in ("title", "description", "licenses", "version", "revision"):
        if not image.labels.get(f"org.opencontainers.image.{name}"):
            raise RunError(f"no label org.opencontainers.image.{name}", "")
    sizes = sorted(image.layers.items(), key=lambda pair: -pair[1])
    return "".join(f"\n  {size / 2**20:8.1f} MiB  {line}" for line, size in sizes)


def runs_as_nobody_special(image: Image) -> str:
    """Not as root, with no capability, and nothing in reach that would give one."""
    status = answer(image, "cat", "/proc/self/status")
    uid = re.search(r"^Uid:\s+(\d+)", status, re.M)
    caps = re.search(r"^CapEff:\s+(\w+)", status, re.M)
    if uid is None or caps is None or uid[1] == "0" or int(caps[1], 16):
        raise RunError(f"runs as uid {uid and uid[1]} with capabilities {caps and caps[1]}", "")
    return f"{image.user}, uid {uid[1]}, no capabilities"


def cannot_write(image: Image) -> str:
    """Neither the user's own folders nor the source can be written."""
    places = f"{image.folder}/x {image.folder}/models/x $HOME/x /x"
    found = answer(image, "sh", "-c", f"for f in {places}; do touch $f 2>/dev/null && echo $f; done; true")
    if found:
        raise RunError(f"could be written: {found}", "")
    return "yes"


def knows_the_pipeline(image: Image) -> str:
    """DVC finds the stages, and their code can be imported. DVC writes, so this comes before the mounts."""
    stages = answer(image, "dvc", "stage", "list", "--name-only").split()
    answer(image, "python", "-c", "import avfake.stages.train, avfake.stages.extract, avfake.service.app")
    return f"{len(stages)} stages"


def scores_as_here(image: Image, clip: Path) -> str:
    """`docker run IMAGE score /data/clip.mp4` gives this machine's score."""
    words = ("score", "--csv", "/data/clip.mp4")
    there = _score(answer(image, *image.entry_point, *words))
    command = [sys.executable, "-m", "avfake.cli", "score", "--csv", str(clip)]
    here = subprocess.run(command, capture_output=True, text=True, check=False)
    if here.returncode:
        raise RunError(f"this machine cannot score {clip}: {here.stderr[-500:]}", "")
    if abs(there - _score(here.stdout)) > 1.5e-6:
        raise RunError(f"{there} in the image, {_score(here.stdout)} here", "")
    return f"{there:.6f}, as here"


def healthy_without_service(image: Image) -> str:
    """A container that scores has nothing to be asked for."""
    return answer(image, *image.health).strip()


def serves(image: Image, clip: Path) -> str:
    """`docker run --read-only --tmpfs /tmp IMAGE serve`: health, a score over HTTP, SIGTERM."""
    port = int(image.ports[0])
    with service(image) as process:
        _wait(f"http://127.0.0.1:{port}/readyz", process)
        enter = ["nsenter", "--target", str(process), "--pid", "--mount"]
        check = [*enter, *inside(image, image.health, image.variables)]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        if checked.returncode:
            raise RunError(f"the health check says: {checked.stdout}{checked.stderr[-500:]}", "")
        score = _post(f"http://127.0.0.1:{port}/v1/score", clip)
        os.kill(process, signal.SIGTERM)
    expected = _score(answer(image, *image.entry_point, "score", "--csv", "/data/clip.mp4"))
    if abs(score - expected) > 1.5e-6:
        raise RunError(f"{score} over HTTP, {expected} by the command", "")
    left = sorted(path.name for path in Path(image.root, "tmp").rglob("*") if path.is_file())
    said = f"{checked.stdout.strip()}; {score:.6f} over HTTP; SIGTERM ends it with 0"
    return f"{said}; files left in /tmp: {', '.join(left) or 'none'}"


@contextmanager
def service(image: Image) -> Iterator[int]:
    """The service as a container's first process: its number. It must end by itself with exit code 0.

    Raises:
        RunError: it ended with another, or not at all.
    """
    log = Path(image.root).with_name("serve.log")
    with log.open("w", encoding="utf-8") as file:
        outer = subprocess.Popen(container(image, [*image.entry_point, "serve"]), stderr=file, stdout=file)
    try:
        children: list[str] = []
        while not children and outer.poll() is None:
            time.sleep(0.05)
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
        if not children:
            raise RunError(f"did not start: {log.read_text()[-1500:]}", "")
        yield int(children[0])
        code = outer.wait(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise RunError(f"SIGTERM did not end it in {SECONDS:.0f} s: {log.read_text()[-1500:]}", "") from None
    finally:
        outer.kill()
        outer.wait()
    if code:
        raise RunError(f"ended with {code}: {log.read_text()[-1500:]}", "")


def _wait(url: str, process: int) -> None:
    begin = time.monotonic()
    while time.monotonic() - begin < SECONDS and Path(f"/proc/{process}").exists():
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise RunError(f"{url} does not answer", "")


def _post(url: str, clip: Path) -> float:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="clip"; filename="{clip.name}"\r\n\r\n'
    body = head.encode() + clip.read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, kind), timeout=SECONDS) as response:
            return float(json.load(response)["score"])
    except OSError as error:
        raise RunError(f"{url}: {error}", "") from None


def _score(text: str) -> float:
    return float(next(iter(csv.DictReader(text.splitlines())))["score"])
