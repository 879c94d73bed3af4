"""How often each clip is drawn in an epoch."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from avfake.model.clips import Clips

_PURPOSE = 2  # of the generator: other numbers of the same epoch come from others


def times_drawn(clips: Clips, balance: str, seed: int, epoch: int) -> NDArray[np.int64]:
    """How often each clip is drawn, int64 [clips]; the sum is the number of clips.

    Args:
        clips: of both classes.
        balance:
            `none`: every clip once.
            `class`: real and fake clips equally often.
            `generator`: besides, each generator's fakes equally often. Fakes of which no label says are one
                group; so are all real clips.
            `source`: the clips of each source and class equally often. A clip of which no label says is a
                source of its own.
        seed: with `epoch`, of the draw.
        epoch: 1 ...

    Within a group each clip is drawn as often as any other, or once more: at random, another one in every
    epoch (systematic sampling of a shuffled group).
    """
    n = len(clips)
    if balance == "none":
        return np.ones(n, np.int64)
    expected = n * shares(clips, balance)
    rng = np.random.default_rng([seed, epoch, _PURPOSE])
    shuffled = rng.permutation(n)
    # Groups in one piece each: the total of a group is then right to within one, too.
    order = shuffled[np.argsort(_numbers(_groups(clips, balance))[shuffled], kind="stable")]
    ends = np.floor(np.cumsum(expected[order]) + rng.random())
    ends[-1] = n  # where rounding would lose or add one
    times = np.zeros(n, np.int64)
    times[order] = np.diff(ends, prepend=0).astype(np.int64)
    return times


def _groups(clips: Clips, balance: str) -> list[Hashable]:
    """What each clip is balanced by, its class first."""
    targets = clips.targets.tolist()
    if balance == "class":
        return [(target,) for target in targets]
    if balance == "generator":
        return [
            (target, generator or "") if target == 1 else (target, "")
            for target, generator in zip(targets, clips.generators, strict=True)
        ]
    return [
        (target, 0, place) if source is None else (target, 1, source)
        for place, (target, source) in enumerate(zip(targets, clips.sources, strict=True))
    ]


def shares(clips: Clips, balance: str) -> NDArray[np.float64]:
    """Share of the draws that each clip gets, float64 [clips]; `balance` as in `times_drawn`, not `none`."""
    groups = _numbers(_groups(clips, balance))
    sizes = np.bincount(groups)
    if balance != "generator":
        return 1 / (len(sizes) * sizes[groups])
    n_groups = np.array([len(np.unique(groups[clips.targets == value])) for value in (0, 1)])
    return 1 / (2 * n_groups[clips.targets] * sizes[groups])


def _numbers(keys: list[Hashable]) -> NDArray[np.int64]:
    """The keys as numbers from 0, in their sorted order."""
    number = {key: place for place, key in enumerate(sorted(set(keys)))}  # type: ignore[type-var]
    return np.array([number[key] for key in keys], np.int64)
