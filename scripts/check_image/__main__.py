"""Builds the image in a clean root and tries it, where there is no Docker engine.

    sudo .venv/bin/python scripts/check_image [--clip CLIP] [--folder DIR] [--mirror URL]

Needs the rights of root, debootstrap and util-linux.

The steps of the Dockerfile run in a root made by debootstrap, as their user, with their files (those that
.dockerignore leaves) and their environment. The result is then mounted read-only, without capabilities, and
asked what `docker run` would be asked: its user, a clip's score - which must be that of this machine -, the
service, its health check, a score over HTTP, SIGTERM. It all runs in namespaces of its own: however the
script ends, no mount and no process is left.

What only an engine can tell is not checked: the base image itself (debootstrap's minimal root stands for it),
the registry's format, networks. `avfake audit rules --build` does that where there is one.

--bind and --env hand on what the build needs on this machine and the image must not have: a package mirror's
configuration and certificates. Exit code 0: all is well, 1: something is not, 2: it cannot be tried here.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from build import build
from trial import try_image

from avfake.errors import RunError, UserError

INSIDE = "AVFAKE_CHECK_IMAGE_INSIDE"
NEEDED = ("debootstrap", "unshare", "nsenter", "chroot", "mount", "du")
HANDED_ON = ("PIP_", "UV_", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")


def main() -> int:
    """Runs the check; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, help="to score; the first of data/sample/testset if left out")
    parser.add_argument(
        "--folder", type=Path, help="where the root is built and stays, so that a second run only tries it"
    )
    parser.add_argument("--mirror", default="http://deb.debian.org/debian", help="of Debian's packages")
    parser.add_argument(
        "--bind", type=Path, nargs="*", default=[], help="paths that the build sees, read-only"
    )
    parser.add_argument("--env", nargs="*", default=[], help="variables that the build sees")
    options = parser.parse_args()
    try:
        clip = require(options.clip)
        if os.environ.get(INSIDE) != "1":
            os.environ[INSIDE] = "1"
            os.execvp("unshare", ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                  sys.executable, *sys.argv])  # fmt: skip
        if options.folder is not None:
            return check(options.folder.resolve(), clip, options)
        with tempfile.TemporaryDirectory() as folder:
            return check(Path(folder), clip, options)
    except (UserError, RunError) as error:
        print(f"error: {error.message}\nremedy: {error.remedy}", file=sys.stderr)
        return 2 if isinstance(error, UserError) else 1


def require(clip: Path | None) -> Path:
    """The clip to score. Raises UserError where something that the check needs is not there."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        raise UserError(
            f"not installed: {', '.join(missing)}", "apt-get install debootstrap util-linux coreutils"
        )
    if os.geteuid() != 0:
        raise UserError("it mounts and changes roots", "sudo .venv/bin/python scripts/check_image")
    if not Path("Dockerfile").is_file() or not Path("models/model.json").is_file():
        raise UserError(
            "no Dockerfile or no models/model.json here", "run it in the project's folder, after `make repro`"
        )
    if clip is None:
        clip = next(iter(sorted(Path("data/sample/testset").glob("*.mp4"))), None)
    if clip is None or not clip.is_file():
        raise UserError(f"no clip to score: {clip or 'data/sample/testset'}", "name one: --clip CLIP")
    return clip.resolve()


def check(folder: Path, clip: Path, options: argparse.Namespace) -> int:
    """Builds what is not built yet, and tries it."""
    root = folder / "root"
    names = [name for name in os.environ if name.startswith(HANDED_ON)] + options.env
    handed_on = {name: os.environ[name] for name in names if name in os.environ}
    image = build(root, options.mirror, [path.absolute() for path in options.bind], handed_on)
    return try_image(image, folder, clip)


if __name__ == "__main__":
    sys.exit(main())
