"""Groups of fakes that sound alike, and which of the groups are held out."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avfake.errors import UserError
from avfake.resplit.embed import FloatArray, standardised

DIMENSIONS = 32  # principal components; 8 to 64 give nearly the same groups
STARTS = 10  # of k-means; the best counts
LARGEST_SHARE = 0.5  # of the fakes that may be held out
# A group below this share of the mean size is a few odd clips, no way of forging: it is never held out.
SMALLEST_SHARE = 0.25

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """The groups that are held out, and what kept the draw from its wish."""

    groups: list[int]
    notes: list[str]


def cluster(embedding: FloatArray, n_clusters: int, seed: int) -> IntArray:
    """The group of each clip, int64 [n]: k-means on the principal components of the embedding [n, D].

    Groups are numbered by size, the largest first; of equals, the one with the earlier clip. One thread: a
    sum that depends on the number of threads could move a clip from one group to the other.

    Raises:
        UserError: fewer clips than groups, or clips that all look the same.
    """
    # Half a second, and most runs hold nothing out.
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    n = len(embedding)
    if n < n_clusters:
        raise UserError(
            f"resplit.n_clusters: {n_clusters} groups of {n} training fakes with sound",
            "lower resplit.n_clusters, or add clips",
        )
    values = standardised(embedding)
    if not values.any():
        raise UserError(
            "resplit: the training fakes all look the same to the front end",
            "set resplit.hold_out to none, or to generators where the labels name them",
        )
    with threadpool_limits(1), warnings.catch_warnings():
        # Clips that are exactly alike may leave fewer groups than were asked for.
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts = PCA(min(DIMENSIONS, *values.shape), svd_solver="full").fit_transform(values)
        found = KMeans(n_clusters, n_init=STARTS, random_state=seed).fit_predict(parts)
    names, first, group, sizes = np.unique(found, return_index=True, return_inverse=True, return_counts=True)
    number = np.empty(len(names), np.int64)
    number[np.lexsort((first, -sizes))] = np.arange(len(names))
    return number[group]


def draw(groups: IntArray, n_held_out: int, seed: int) -> Draw:
    """Draws the groups to hold out: large enough to say something, and half of the clips at most together.

    Args:
        groups: of each clip [n], as `cluster` numbers them.
        n_held_out: how many are wished for.
        seed: of the order in which they are tried.

    Raises:
        UserError: not one group can be held out.
    """
    sizes = np.bincount(groups)
    large = np.flatnonzero(sizes >= SMALLEST_SHARE * sizes.mean())
    chosen: list[int] = []
    for group in np.random.default_rng(seed).permutation(large).tolist():
        if len(chosen) == n_held_out:
            break
        if sizes[[*chosen, group]].sum() <= LARGEST_SHARE * len(groups):
            chosen.append(group)
    if not chosen:
        raise UserError(
            f"resplit: each group holds more than half of the {len(groups)} training fakes, or too few",
            "raise resplit.n_clusters",
        )
    notes = []
    if small := len(sizes) - len(large):
        notes.append(
            f"{small} of {len(sizes)} clusters are below {SMALLEST_SHARE:g} of the mean size: never held out"
        )
    if len(chosen) < n_held_out:
        notes.append(
            f"{n_held_out} clusters were to be held out, {len(chosen)} are: no more than"
            f" {LARGEST_SHARE:g} of the fakes may be"
        )
    return Draw(sorted(chosen), notes)


def names_of(groups: Sequence[int] | IntArray, n_groups: int) -> list[str]:
    """`cluster-00` and so on: names whose alphabetical order is the order of the numbers."""
    width = max(2, len(str(n_groups - 1)))
    return [f"cluster-{int(group):0{width}d}" for group in groups]
