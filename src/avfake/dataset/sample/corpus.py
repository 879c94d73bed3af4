"""The real speech: spoken lines of the game Fish Fillets NG, and who speaks each.

The Debian packages fillets-ng-data-cs and -nl hold one .ogg per line. The file's name tells the speaker's
role: `let-m-oko` is said by the small fish (m), `let-v-oko` by the big one (v); lines without such a role
(other characters, whose actors are not known) are not used. In Czech, names without a level before the role
(`m-oko`) are those of levels added later, recorded at another rate and pitch: sources of their own
(`cs-small-later`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from avfake.dataset.sample.sound import read_line
from avfake.errors import RunError, UserError
from avfake.files import sha256_file
from avfake.params import SampleParams

PACKAGES = ("fillets-ng-data-cs", "fillets-ng-data-nl")
SOUND = Path("usr/share/games/fillets-ng/sound")
ROLES = {"m": "small", "v": "big"}
# The small fish is voiced by women, the big one by men; judged by the median pitch of each source.
DEEP_ROLES = ("big",)

# A source is one speaker. No source is in two splits; validation and test both hold a woman and a man, a
# Czech and a Dutch speaker, none of whom training hears.
SPLIT_SOURCES: Mapping[str, tuple[str, ...]] = {
    "train": ("cs-big", "cs-small"),
    "val": ("cs-big-later", "nl-small"),
    "test": ("cs-small-later", "nl-big"),
}
_NAME = re.compile(r"^(?:(?P<level>[a-z0-9]+)-)?(?P<role>[mv])-[^-]")


@dataclass(frozen=True)
class Line:
    """A spoken line that is long enough.

    Args:
        path: relative to the corpus folder.
        sha256: of the file.
        source: language and role of its speaker.
        seconds: duration without its silent ends.
    """

    path: str
    sha256: str
    source: str
    seconds: float


def source_of(path: Path) -> str | None:
    """Language and role (`cs-small`) of `<level>/<language>/<name>.ogg`; None if the name has no role."""
    match = _NAME.match(path.stem)
    if match is None:
        return None
    later = "-later" if match["level"] is None and path.parent.name == "cs" else ""
    return f"{path.parent.name}-{ROLES[match['role']]}{later}"


def is_deep(source: str) -> bool:
    """Whether the source is a deep voice."""
    return source.split("-")[1] in DEEP_ROLES


def lines_by_source(folder: Path) -> dict[str, list[Path]]:
    """Source -> its recordings, sorted, relative to `folder`.

    Raises:
        RunError: there are none.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.ogg")):
        source = source_of(path)
        if source is not None:
            found.setdefault(source, []).append(path.relative_to(folder))
    if not found:
        raise RunError(
            f"{folder}: no spoken lines in it", "remove the folder and run it again: it is fetched anew"
        )
    return found


def choose_lines(folder: Path, params: SampleParams) -> dict[str, list[Line]]:
    """Split -> the lines that it is made of, one per pair of clips, drawn in turn from the split's sources.

    Raises:
        UserError: the sources of a split have too few lines of at least `min_seconds`.
    """
    recordings = lines_by_source(folder)
    chosen: dict[str, list[Line]] = {}
    for number, (split, sources) in enumerate(SPLIT_SOURCES.items()):
        n_clips = {"train": params.n_train, "val": params.n_val, "test": params.n_test}[split]
        needed = (n_clips + 1) // 2
        waiting = []
        for position, source in enumerate(sources):
            paths = recordings.get(source, [])
            rng = np.random.default_rng([params.seed, number, position])
            waiting.append((source, [paths[i] for i in rng.permutation(len(paths))]))
        lines: list[Line] = []
        while len(lines) < needed and waiting:
            source, paths = waiting.pop(0)
            line = _next_line(folder, source, paths, params)
            if line is not None:
                lines.append(line)
                waiting.append((source, paths))
        if len(lines) < needed:
            raise UserError(
                f"params.yaml: `sample.n_{split}` = {n_clips} takes {needed} spoken lines of at least "
                f"{params.min_seconds} s, and {', '.join(sources)} have {len(lines)}",
                f"lower sample.n_{split} or sample.min_seconds",
            )
        chosen[split] = lines
    return chosen


def _next_line(folder: Path, source: str, paths: list[Path], params: SampleParams) -> Line | None:
    """Takes paths off the list until one is a line that is long enough."""
    while paths:
        path = paths.pop(0)
        if soundfile.info(folder / path).duration < params.min_seconds:
            continue
        seconds = len(read_line(folder / path, params.audio_rate)) / params.audio_rate
        if seconds >= params.min_seconds:
            return Line(path.as_posix(), sha256_file(folder / path), source, round(seconds, 4))
    return None
