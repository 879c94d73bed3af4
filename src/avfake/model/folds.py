"""Leave-generators-out folds of the training clips: how well a training does on forgeries it did not see.

Each fold holds out some generators with all their fakes, and a share of the real clips. What shares a source
is held out together wherever the sources allow it, so that a fold is also of speakers that training does not
hear. Validation is not touched: it stays what the finished detector is calibrated and judged on.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from avfake.errors import UserError
from avfake.model.clips import Clips

_REMEDY = (
    "set train.selection to `validation`, use fewer train.folds, or give the labels a column `generator`"
)


def held_out(clips: Clips, n_folds: int, seed: int) -> NDArray[np.bool_]:
    """Whether each fold holds each clip out, bool [folds, n]; a derived clip goes with any of its parents.

    Raises UserError as `assign`.
    """
    first = clips.take(own_clips(clips))
    home = assign(first.targets, first.generators, first.sources, n_folds, seed)
    folds = dict(zip(first.names, home.tolist(), strict=True))
    held = np.zeros((n_folds, len(clips)), bool)
    for place, (name, parents) in enumerate(zip(clips.names, clips.parents, strict=True)):
        for parent in parents or {name}:
            if parent in folds:
                held[folds[parent], place] = True
    return held


def own_clips(clips: Clips) -> NDArray[np.bool_]:
    """Whether each clip came with labels, bool [n]; of one that is there twice, the first alone."""
    found = np.zeros(len(clips), bool)
    found[np.unique(clips.rows, return_index=True)[1]] = True
    return found & np.array([not names for names in clips.parents])


def most_folds(clips: Clips, n_folds: int, seed: int) -> tuple[int, str]:
    """As many folds as there can be, `n_folds` at most and 2 at least; 0 and why, where there can be none."""
    why = ""
    for count in range(n_folds, 1, -1):
        try:
            held_out(clips, count, seed)
        except UserError as error:
            why = error.message
        else:
            return count, ""
    return 0, why


def generators_of(clips: Clips) -> list[str]:
    """The ways of forging that clips name, sorted."""
    return sorted({name for name in clips.generators if name is not None} - {"real"})


def assign(
    targets: NDArray[np.int64],
    generators: Sequence[str | None],
    sources: Sequence[str | None],
    n_folds: int,
    seed: int,
) -> NDArray[np.int64]:
    """The fold that holds each clip out, int64 [n], from 0 to `n_folds` - 1.

    Units stay whole: generators and sources that are tied to each other by fakes are one unit, where that
    leaves as many units with fakes as there are folds; else generators are units among the fakes, and
    sources (clips, where no source is known) among the reals. The largest unit goes first, each to the
    fold that has the smallest share of its class so far; equal ones in an order drawn with `seed`.

    Args:
        targets: int64 [n], 1 for fake.
        generators: how each clip was faked; of real ones it does not count.
        sources: speaker, identity or origin; None where it is not known.
        n_folds: two at least.
        seed: of the order among units of one size.

    Raises:
        UserError: a fake has no generator, there are fewer generators than folds, or a fold would be
            without one of the classes.
    """
    fake = targets == 1
    named = [name for name, is_fake in zip(generators, fake, strict=True) if is_fake]
    if None in named:
        raise UserError(
            "train.selection: generators needs to know how each fake was made, and"
            f" {named.count(None)} of {len(named)} fakes of the training split have no generator",
            _REMEDY,
        )
    if len(set(named)) < n_folds:
        raise UserError(
            f"train.folds: {n_folds} folds are asked for, and the training fakes have"
            f" {len(set(named))} generators",
            _REMEDY,
        )
    rng = np.random.default_rng(seed)
    units = _tied(fake, generators, sources)
    if units is None or len(set(units[fake].tolist())) < n_folds:
        units = _apart(fake, generators, sources)
    folds = _dealt(units, fake, n_folds, rng)
    for fold in range(n_folds):
        held = targets[folds == fold]
        if len(held) == 0 or held.min() == held.max():
            missing = "real" if len(held) and held.min() == 1 else "fake"
            raise UserError(f"train.folds: fold {fold + 1} of {n_folds} has no {missing} clip", _REMEDY)
    return folds


def _tied(
    fake: NDArray[np.bool_], generators: Sequence[str | None], sources: Sequence[str | None]
) -> NDArray[np.int64] | None:
    """Unit of each clip where generators and sources that meet in a fake are one; None without sources."""
    if any(source is None for source in sources):
        return None
    source_names, source = np.unique(np.array([str(name) for name in sources]), return_inverse=True)
    made_by, generator = np.unique(
        np.array([str(name) if is_fake else "" for name, is_fake in zip(generators, fake, strict=True)]),
        return_inverse=True,
    )
    size = len(source_names) + len(made_by)
    ends = (source[fake], len(source_names) + generator[fake])
    graph = coo_array((np.ones(int(fake.sum())), ends), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    units: NDArray[np.int64] = component[source].astype(np.int64)
    return units


def _apart(
    fake: NDArray[np.bool_], generators: Sequence[str | None], sources: Sequence[str | None]
) -> NDArray[np.int64]:
    """Unit of each clip: its generator if it is fake, its source (or itself) if it is real."""
    keys = [
        ("generator", str(generator)) if is_fake else ("source", source) if source else ("clip", str(place))
        for place, (is_fake, generator, source) in enumerate(zip(fake, generators, sources, strict=True))
    ]
    number = {key: place for place, key in enumerate(sorted(set(keys)))}
    return np.array([number[key] for key in keys], np.int64)


def _dealt(
    units: NDArray[np.int64], fake: NDArray[np.bool_], n_folds: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Fold of each clip: units with fakes first, by their fakes; then units of reals alone, by size."""
    names, unit = np.unique(units, return_inverse=True)
    n_fake = np.bincount(unit, fake, len(names))
    n_real = np.bincount(unit, ~fake, len(names))
    order = rng.permutation(len(names))
    order = order[np.lexsort((-n_real[order], -n_fake[order]))]
    home = np.zeros(len(names), np.int64)
    load = np.zeros((2, n_folds))
    for place in order:
        counted = load[0] if n_fake[place] else load[1]
        fold = int(np.argmin(counted))
        home[place] = fold
        load[:, fold] += n_fake[place], n_real[place]
    return home[unit]
