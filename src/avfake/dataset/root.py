"""A data root in the contest's layout: three folders of clips, three label files, every oddity named.

    trainset/ valset/ testset/        clips, directly in the folder (testset is optional)
    train_label.txt val_label.txt     CSV, header `video_name,target`, 1 = fake (test_label.txt is optional)

A still image (.jpg, .jpeg, .png) is a clip of one frame; the labels of a root of images may be headed
`img_name,target`.

Optional label columns: `generator` (how it was faked, `real` for real), `source` (speaker, identity or
origin); any other column is kept as a subgroup.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from avfake.dataset.label_file import LabelRow, read_label_file
from avfake.dataset.layout import IMAGE_SUFFIXES, SPLITS, VIDEO_NAME, Clip, Problem
from avfake.errors import UserError
from avfake.params import DataParams

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".flv", ".3gp")
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus")
MEDIA_SUFFIXES = frozenset((*VIDEO_SUFFIXES, *AUDIO_SUFFIXES, *IMAGE_SUFFIXES))


@dataclass(frozen=True)
class Split:
    """One split: its clips in the order of their names. `label_file` is None where there is none."""

    name: str
    folder: Path
    label_file: Path | None
    clips: tuple[Clip, ...]


@dataclass(frozen=True)
class DataRoot:
    """All splits of a root, in the order train, val, test, and everything that is wrong with them.

    `name_column`: how its label files head the names, and its prediction files shall.
    """

    folder: Path
    splits: dict[str, Split]
    problems: tuple[Problem, ...]
    name_column: str = VIDEO_NAME

    @property
    def clips(self) -> list[Clip]:
        """The clips of all splits."""
        return [clip for split in self.splits.values() for clip in split.clips]


def load_root(params: DataParams) -> DataRoot:
    """Lists the clips of a data root with their labels; opens no clip.

    A label without a clip stays in the list of clips (it must not vanish from the predictions) and in the
    list of problems; a clip whose label is missing, doubled with another target or wrong has `target` None.

    Raises:
        UserError: the root, a folder or a label file of train or val is missing, or a label file
            cannot be understood at all (no header, no text, no row), or the label files head the names
            differently.
    """
    folder = Path(params.root)
    if not folder.is_dir():
        raise UserError(
            f"data.root: no such folder: {folder}",
            "set data.root in params.yaml to a folder with trainset/, valset/ and their label files",
        )
    splits: dict[str, Split] = {}
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    name_columns: dict[str, str] = {}  # how the names are headed -> the first label file that does so
    for name in SPLITS:
        if name == "test" and not (folder / "testset").is_dir():
            if (folder / "test_label.txt").exists():
                raise UserError(
                    f"{folder / 'testset'}: no such folder, though test_label.txt is there",
                    "add the clips, or remove the label file",
                )
            continue
        split, found, name_column = _load_split(folder, name)
        problems += found
        if name_column is not None:
            name_columns.setdefault(name_column, str(split.label_file))
        for clip in split.clips:
            other = seen.setdefault(clip.video_name, name)
            if other != name:
                problems.append(
                    Problem(
                        str(split.label_file or split.folder),
                        None,
                        clip.video_name,
                        f"the name stands in the {other} split too",
                        "rename one, or remove the copy: splits must not share clips",
                    )
                )
        splits[name] = _limited(split, params) if params.limit else split
    if len(name_columns) > 1:
        said = " and ".join(f"`{column}` in {file}" for column, file in name_columns.items())
        raise UserError(f"the names of clips are headed {said}", "head them alike in all label files")
    return DataRoot(folder, splits, tuple(problems), next(iter(name_columns)))


def _load_split(root: Path, name: str) -> tuple[Split, list[Problem], str | None]:
    """A split, its problems, and how its label file heads the names; None where there is none."""
    folder = root / f"{name}set"
    label_file = root / f"{name}_label.txt"
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder", f"put the {name} clips there, or correct data.root")
    if not label_file.is_file():
        if name != "test":
            raise UserError(f"{label_file}: no such file", "write one: header `video_name,target`, 1 = fake")
        label_path, said = None, None
    else:
        label_path, said = label_file, read_label_file(label_file)
    labels: dict[str, LabelRow] = said.rows if said else {}
    unusable: set[str] = said.unusable if said else set()
    problems: list[Problem] = said.problems if said else []

    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if not _is_text(path.name):
            # No label, table or prediction file could hold it.
            shown = path.name.encode("utf-8", "backslashreplace").decode()
            problems.append(
                Problem(str(folder), None, shown, "the file name is not UTF-8", "rename the file")
            )
        elif path.is_dir():
            problems.append(
                Problem(
                    str(path), None, path.name, "a folder among the clips", "move its clips up, or remove it"
                )
            )
        elif path.name in labels or path.name in unusable or path.suffix.lower() in MEDIA_SUFFIXES:
            files[path.name] = path
        else:
            problems.append(
                Problem(
                    str(path), None, path.name, "neither labelled nor a media file by its name", "remove it"
                )
            )
    if label_path is not None:
        for video_name in sorted(files.keys() - labels.keys() - unusable):
            problems.append(
                Problem(
                    str(label_path),
                    None,
                    video_name,
                    "clip without a label",
                    f"add a row for it, or remove {files[video_name]}",
                )
            )
        for video_name, row in labels.items():
            if video_name not in files:
                problems.append(
                    Problem(
                        str(label_path),
                        row.line,
                        video_name,
                        "label without a clip",
                        f"add {folder / video_name}, or remove the row",
                    )
                )
    columns = sorted({key for row in labels.values() for key in row.extra})
    clips = tuple(
        _clip(video_name, folder, name, labels.get(video_name), columns)
        for video_name in sorted(files.keys() | labels.keys())
    )
    problems.sort(key=lambda item: (item.file, item.line or 0, item.video_name))
    return Split(name, folder, label_path, clips), problems, said.name_column if said else None


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _clip(video_name: str, folder: Path, split: str, row: LabelRow | None, columns: list[str]) -> Clip:
    if row is None:
        return Clip(video_name, folder / video_name, split, None, None, None, dict.fromkeys(columns))
    return Clip(
        video_name, folder / video_name, split, row.target, row.generator, row.source,
        {column: row.extra.get(column) for column in columns},
    )  # fmt: skip


def _limited(split: Split, params: DataParams) -> Split:
    """At most `data.limit` clips per class, by the rank of a seeded hash: a clip added moves no other."""

    def rank(clip: Clip) -> str:
        return hashlib.sha256(f"{params.seed}:{split.name}:{clip.video_name}".encode()).hexdigest()

    kept: set[str] = set()
    for target in (0, 1, None):
        ranked = sorted((clip for clip in split.clips if clip.target == target), key=rank)
        kept |= {clip.video_name for clip in ranked[: params.limit]}
    clips = tuple(clip for clip in split.clips if clip.video_name in kept)
    return Split(split.name, split.folder, split.label_file, clips)
