"""Which clips each member of an ensemble trains on: bootstrap samples (Breiman 1996, 10.1007/BF00058655)."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from avfake.errors import UserError
from avfake.model.clips import Clips

_PURPOSE = 6  # of the generator: other numbers of the same seed come from others
_DRAWS = 100


def bag(clips: Clips, bagging: str, seed: int) -> Clips:
    """As many clips, or as many sources with all their clips, drawn with replacement.

    Clips drawn twice are there twice. A sample without one of the classes is drawn again.

    Args:
        clips: of both classes.
        bagging: `none`: the clips as they are; `clips`; `sources`: a clip of which no label says is a source
            of its own.
        seed: of the member.

    Raises:
        UserError: no sample has both classes, as where a single source has all of one.
    """
    if bagging == "none":
        return clips
    unit = _units(clips, bagging)
    n_units = int(unit.max()) + 1
    rng = np.random.default_rng([seed, _PURPOSE])
    for _ in range(_DRAWS):
        times = np.bincount(rng.integers(n_units, size=n_units), minlength=n_units)
        places = np.repeat(np.arange(len(clips)), times[unit])
        if len(set(clips.targets[places].tolist())) == 2:
            return clips.at(places)
    raise UserError(
        f"train.ensemble.bagging: {_DRAWS} samples of {n_units} {bagging} all lack one of the classes",
        "set it to `clips` or `none`",
    )


def _units(clips: Clips, bagging: str) -> NDArray[np.int64]:
    """The number of what each clip is drawn with, from 0: int64 [clips]."""
    if bagging == "clips":
        return np.arange(len(clips))
    keys: list[Hashable] = [
        ("clip", place) if source is None else ("source", source)
        for place, source in enumerate(clips.sources)
    ]
    number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    return np.array([number[key] for key in keys], np.int64)
