"""Derived clips among the clips of a data root's training split."""

from dataclasses import replace
from pathlib import Path

from avfake.dataset.augmented import MANIFEST, derived_clips
from avfake.dataset.layout import Problem
from avfake.dataset.root import DataRoot
from avfake.errors import UserError


def with_derived(root: DataRoot, folder: str | Path) -> DataRoot:
    """The root with the derived clips of `folder` among those of its training split.

    A clip that the manifest names and that is not there stays in the list, and is a problem.

    Raises:
        UserError: the manifest is damaged, or names a clip twice or by a name that the root has already.
    """
    path = Path(folder) / MANIFEST
    again = "make the derived clips again: `dvc repro augment`"
    try:
        derived = derived_clips(folder)
    except ValueError as error:
        raise UserError(str(error), again) from None
    names = [clip.video_name for clip in derived]
    taken = {clip.video_name for clip in root.clips}
    for name in names:
        if name in taken:
            raise UserError(f"{path}: {name}: a clip of this name is there already", again)
        taken.add(name)
    problems = [
        Problem(str(path), None, clip.video_name, "derived clip without a file", again)
        for clip in derived
        if not clip.path.exists()
    ]
    train = root.splits["train"]
    clips = tuple(sorted((*train.clips, *derived), key=lambda clip: clip.video_name))
    splits = {**root.splits, "train": replace(train, clips=clips)}
    return replace(root, splits=splits, problems=(*root.problems, *problems))
