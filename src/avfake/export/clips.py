"""The real clips that an exported model is judged by: packed features of the pipeline, or files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avfake.errors import UserError
from avfake.media.errors import ClipError
from avfake.model.clips import Clips, open_inputs, select
from avfake.model.packed import examples, read_clip
from avfake.model.saved import SavedModel
from avfake.model.streams import Looks

FEATURES, LABELS = Path("data/features"), Path("data/resplit")
_OTHERS = "bring the pipeline up to date with `dvc repro featurize`, or name clips: `avfake export CLIP...`"


@dataclass(frozen=True)
class Split:
    """Labelled clips of a split, read one at a time.

    Attributes:
        clips: names, targets and sources.
    """

    clips: Clips
    _features: object
    _modality: str

    def __len__(self) -> int:
        return len(self.clips)

    def looks(self, at_most: int | None = None) -> Iterator[Looks]:
        """What the detector looks at of each clip; of at most so many, spread evenly over the split."""
        for place in spread(len(self), at_most):
            yield read_clip(self._features, int(self.clips.rows[place]), self._modality)  # type: ignore[arg-type]


def open_split(model: SavedModel, split: str) -> Split:
    """The labelled clips of `train` or `val`.

    Raises:
        UserError: an earlier stage has not run, the features are of another front end than the model, or the
            split has no usable clip of one class.
    """
    features, labels = open_inputs(FEATURES, LABELS)
    if features.info != model.facts["features"]:
        raise UserError(f"the model was trained on other features than {FEATURES} holds", _OTHERS)
    found = select(features.index, labels, split, examples(features, model.modality))
    return Split(found, features, model.modality)


def read_files(model: str | Path, paths: Sequence[Path]) -> list[Looks]:
    """What the detector of a folder looks at of clips in files.

    Raises:
        UserError: one cannot be read.
    """
    from avfake.scoring import Scorer

    scorer, found = Scorer(model, "cpu"), []
    for path in paths:
        try:
            found.append(scorer.looks(path))
        except ClipError as error:
            raise UserError(f"{path}: {error.reason}", "name clips that can be read") from None
    return found


def spread(n: int, at_most: int | None) -> Iterable[int]:
    """Of n things at most so many, evenly spread: their places, ascending."""
    if at_most is None or n <= at_most:
        return range(n)
    return [int(place) for place in np.linspace(0, n - 1, at_most).round()]
