"""The steps of the Dockerfile, run in a root of their own."""

import json
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template

from avfake.errors import RunError, UserError
from avfake.files import write_json
from avfake.rules.dockerfile import Ignored, Instruction, files_below, parse

SUITE = "bookworm"
BASE = f"debian:{SUITE}-slim"
# As Docker has it where an image sets none.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Image:
    """A built root and what the Dockerfile says about running it.

    Attributes:
        root: folder with its files.
        user, folder: as whom and where commands run.
        variables: of the environment.
        labels, ports: as they are declared.
        entry_point, command, health: words.
        layers: by instruction, the bytes that it added.
    """

    root: str
    user: str = "root"
    folder: str = "/"
    variables: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    labels: dict[str, str] = field(default_factory=dict)
    ports: list[str] = field(default_factory=list)
    entry_point: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    layers: dict[str, int] = field(default_factory=dict)


def build(root: Path, mirror: str, binds: Sequence[Path], handed_on: Mapping[str, str]) -> Image:
    """Runs the Dockerfile of the current folder, if `root` is not built yet.

    Args:
        root: of the image; image.json beside it says that it is finished.
        mirror: of Debian's packages.
        binds: files and folders of this machine that RUN sees.
        handed_on: variables of the environment that RUN sees.

    Raises:
        RunError: a step failed; it has said why.
        UserError: the Dockerfile has an instruction that is not understood here.
    """
    finished = root.with_name("image.json")
    if finished.is_file():
        print(f"{root} is built; delete {root.parent} to build it again")
        return Image(**json.loads(finished.read_text(encoding="utf-8")))
    instructions = parse(Path("Dockerfile").read_text(encoding="utf-8"))
    if not instructions or instructions[0] != Instruction("FROM", BASE):
        raise UserError(f"the Dockerfile does not begin with FROM {BASE}", "extend scripts/check_image")
    shutil.rmtree(root, ignore_errors=True)
    print(f"debootstrap {SUITE}", flush=True)
    _run(["debootstrap", "--variant=minbase", SUITE, str(root), mirror], quiet=True)
    image = Image(str(root))
    builder = _Builder(image, root, binds, handed_on)
    before = _size(root)
    for item in instructions[1:]:
        line = f"{item.name} {item.text}"[:100]
        print(line, flush=True)
        builder.step(item)
        if item.name in ("RUN", "COPY"):
            after = _size(root)
            image.layers[line] = after - before
            before = after
    write_json(finished, asdict(image))
    return image


class _Builder:
    """Carries an image from instruction to instruction."""

    def __init__(self, image: Image, root: Path, binds: Sequence[Path], handed_on: Mapping[str, str]) -> None:
        self.image, self.root, self.binds, self.handed_on = image, root, binds, handed_on
        self.arguments: dict[str, str] = {}
        ignore = Path(".dockerignore")
        self.ignored = Ignored(ignore.read_text(encoding="utf-8") if ignore.is_file() else "")

    def step(self, item: Instruction) -> None:
        """Runs one instruction. Raises RunError if it fails, UserError if it is not known here."""
        method = getattr(self, f"_{item.name.lower()}", None)
        if method is None:
            raise UserError(f"{item.name}: not understood here", "extend scripts/check_image")
        method(item.text)

    def _arg(self, text: str) -> None:
        name, _, value = text.partition("=")
        self.arguments[name] = value

    def _env(self, text: str) -> None:
        self.image.variables |= self._pairs(text)

    def _label(self, text: str) -> None:
        self.image.labels |= self._pairs(text)

    def _user(self, text: str) -> None:
        self.image.user = text

    def _workdir(self, text: str) -> None:
        self.image.folder = text
        (self.root / text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def _expose(self, text: str) -> None:
        self.image.ports += text.split()

    def _entrypoint(self, text: str) -> None:
        self.image.entry_point = json.loads(text)

    def _cmd(self, text: str) -> None:
        self.image.command = json.loads(text)

    def _healthcheck(self, text: str) -> None:
        _, _, words = text.partition("CMD ")
        self.image.health = json.loads(words)

    def _copy(self, text: str) -> None:
        words = shlex.split(text)
        owner = next((word.split("=", 1)[1] for word in words if word.startswith("--chown=")), "root")
        *sources, target = [word for word in words if not word.startswith("--")]
        for source in sources:
            files = [path for path in files_below(source) if not self.ignored(path)]
            if not files:
                raise RunError(f"COPY {source}: nothing is there, or .dockerignore keeps it out", "see above")
            for file in files:
                inner = Path(file).relative_to(source) if Path(source).is_dir() else Path()
                place = Path(target) / (Path(source).name if target.endswith("/") else "") / inner
                self._place(Path(file), self.root / self.image.folder.lstrip("/") / place, owner)

    def _place(self, source: Path, target: Path, owner: str) -> None:
        user = _user_of(self.root, owner)
        made = [folder for folder in target.parents if not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        for path in (*made, target):
            shutil.chown(path, user.pw_uid, user.pw_gid)

    def _run(self, text: str) -> None:
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        root = shlex.quote(str(self.root))
        mounts = [f"mount -t proc proc {root}/proc"]
        for path in self.binds:
            target = self.root / path.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                target.mkdir(exist_ok=True)
            else:
                target.touch()
            quoted = shlex.quote(str(path))
            mounts += [
                f"mount --bind {quoted} {root}{quoted}",
                f"mount -o remount,bind,ro {root}{quoted}",
            ]
        variables = {**self.handed_on, **self.arguments, **self.image.variables}
        words = inside(self.image, ["/bin/sh", "-c", text], variables)
        script = " && ".join([*mounts, f"exec {shlex.join(words)}"])
        _run(["unshare", "--mount", "sh", "-c", script])

    def _pairs(self, text: str) -> dict[str, str]:
        known = {**self.arguments, **self.image.variables}
        pairs = [word.split("=", 1) for word in shlex.split(text)]
        return {name: Template(value).safe_substitute(known) for name, value in pairs}


def inside(image: Image, words: Sequence[str], variables: Mapping[str, str]) -> list[str]:
    """The command that runs `words` in the image's root as its user, who has no capability unless root."""
    home = _user_of(Path(image.root), image.user).pw_dir
    least = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"] if image.user != "root" else []
    assigned = [f"{name}={value}" for name, value in {"HOME": home, **variables}.items()]
    become = [f"--reuid={image.user}", f"--regid={image.user}", "--init-groups", *least]
    clean = ["env", "-i", f"--chdir={image.folder}", *assigned]
    return ["chroot", image.root, "setpriv", *become, *clean, *words]


def _user_of(root: Path, name: str) -> pwd.struct_passwd:
    """The user's entry in the root's own list. Raises RunError if there is none."""
    for line in (root / "etc/passwd").read_text(encoding="utf-8").splitlines():
        parts = line.split(":")
        if parts[0] == name:
            return pwd.struct_passwd((*parts[:2], int(parts[2]), int(parts[3]), *parts[4:]))
    raise RunError(f"the image has no user {name}", "create it before USER and COPY --chown name it")


def _size(root: Path) -> int:
    done = subprocess.run(
        ["du", "-sx", "--block-size=1", str(root)], stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout.split()[0])


def _run(words: Sequence[str], quiet: bool = False) -> None:
    done = subprocess.run(words, stdout=subprocess.DEVNULL if quiet else None, check=False)
    if done.returncode:
        raise RunError(f"ended with {done.returncode}: {shlex.join(words)[:300]}", "see what it said above")
