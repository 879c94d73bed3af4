"""Confidence intervals by bootstrap, fast enough for a hundred thousand clips.

Clips of one source (speaker, identity, origin) resemble each other: drawing single clips would make the
interval too narrow. Where every clip has a source, sources are drawn first and then clips within each drawn
source (two-stage bootstrap, Davison and Hinkley 1997, section 3.8): drawing whole sources alone would show
next to no spread where there are two or three of them.
"""

import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from avfake.evaluation.delong import delong_interval
from avfake.evaluation.metrics import FloatArray, IntArray, Interval, NoFigure, checked, need_both_classes

# Below this share of resamples that hold both classes, the rest no longer stands for the sample.
LEAST_USABLE = 0.5
# Fewer clusters than this make bootstrap intervals too narrow (Cameron, Gelbach and Miller 2008).
FEW_SOURCES = 10


def generator(seed: int, name: str) -> np.random.Generator:
    """The generator of the figure `name`: a figure added later changes no other figure's interval."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def best_interval(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    source: Sequence[str | None] | None,
    *,
    confidence: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Interval:
    """Interval of the AUC: bootstrap by source where every clip has one and there are two, DeLong otherwise.

    Arguments as of `auc_interval`; without sources `rng` is not drawn from.

    Raises:
        NoFigure: one class only; most resamples hold one class only; without sources, one clip of a class.
    """
    t, s = checked(target, score)
    groups, reason = source_groups(t.size, source)
    if groups is not None:
        return auc_interval(t, s, source, confidence=confidence, n_bootstrap=n_bootstrap, rng=rng)
    made = delong_interval(t, s, confidence)
    return Interval(made.low, made.high, f"{made.how} ({reason})")


def auc_interval(
    target: npt.ArrayLike,
    score: npt.ArrayLike,
    source: Sequence[str | None] | None,
    *,
    confidence: float,
    n_bootstrap: int,
    rng: np.random.Generator,
) -> Interval:
    """Percentile bootstrap interval of the AUC.

    Args:
        target: int [n], 1 = fake.
        score: float [n], probability of fake.
        source: group of each clip [n]; None or a clip without one: single clips are drawn, by class.
        confidence: share of the resamples within the interval.
        n_bootstrap: resamples.
        rng: the only randomness.

    Raises:
        NoFigure: one class only, or most resamples hold one class only.
    """
    t, s = checked(target, score)
    need_both_classes(t)
    groups, kind = resampling(t, source)
    draws = (
        source_weights(groups, n_bootstrap, rng) if groups is not None else clip_weights(t, n_bootstrap, rng)
    )
    values = weighted_auc(t, s, draws)
    usable = values[~np.isnan(values)]
    if usable.size < LEAST_USABLE * n_bootstrap:
        raise NoFigure(
            f"bootstrap by {kind}: only {usable.size} of {n_bootstrap} resamples hold both classes"
        )
    low, high = np.quantile(usable, [(1 - confidence) / 2, (1 + confidence) / 2])
    how = f"{confidence:g} interval, bootstrap by {kind}, {usable.size} resamples"
    if usable.size < n_bootstrap:
        how += f" ({n_bootstrap - usable.size} more held one class only and are left out)"
    if low == high:
        how += "; every resample gives the same value: the sample is too small or too easy to show the spread"
    return Interval(float(low), float(high), how)


def resampling(target: IntArray, source: Sequence[str | None] | None) -> tuple[IntArray | None, str]:
    """What a bootstrap draws: the group number of each clip [n], or None for single clips; and its name."""
    groups, text = source_groups(target.size, source)
    if groups is None:
        return None, f"single clips within each class ({text})"
    return groups, f"source ({text})"


def source_groups(n: int, source: Sequence[str | None] | None) -> tuple[IntArray | None, str]:
    """Numbers of the sources [n] and how many there are, or None and why sources cannot be drawn.

    Raises:
        ValueError: not `n` sources.
    """
    if source is None:
        return None, "the labels have no source"
    if len(source) != n:
        raise ValueError(f"{len(source)} sources for {n} clips")
    without = sum(name is None for name in source)
    if without:
        return None, "the labels have no source" if without == n else f"{without} of {n} clips have no source"
    names, groups = np.unique(np.asarray(source, dtype=str), return_inverse=True)
    if names.size < 2:
        return None, f"all clips have the source `{names[0]}`" if n else "no clips"
    few = ", so few that the interval is too narrow" if names.size < FEW_SOURCES else ""
    return groups, f"{names.size} sources{few}"


def source_weights(groups: IntArray, n_bootstrap: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """How often each clip [n] is drawn, once per resample: groups with replacement, then their clips too."""
    by_group = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    for _ in range(n_bootstrap):
        drawn = rng.integers(sizes.size, size=sizes.size)
        size, start = (np.repeat(values[drawn], sizes[drawn]) for values in (sizes, starts))
        # Three times as fast as `rng.integers(size)`, and as even to the last bits of a double.
        clips = by_group[start + (rng.random(size.size) * size).astype(np.int64)]
        yield np.bincount(clips, minlength=groups.size)


def clip_weights(target: IntArray, n_bootstrap: int, rng: np.random.Generator) -> Iterator[IntArray]:
    """How often each clip [n] is drawn, once per resample, as many of each class as there are."""
    classes = [np.flatnonzero(target == value) for value in (0, 1)]
    for _ in range(n_bootstrap):
        weights = np.zeros(target.size, dtype=np.int64)
        for clips in filter(len, classes):
            drawn = rng.integers(clips.size, size=clips.size)
            weights[clips] = np.bincount(drawn, minlength=clips.size)
        yield weights


def weighted_auc(target: IntArray, score: FloatArray, weights: Iterator[IntArray]) -> FloatArray:
    """AUC of each resample, given by how often it holds each clip; NaN where it lacks a class.

    The clips are sorted once. With reals and fakes in order, the reals below a fake are a cumulative sum
    of weights read at a place that no resample changes (Mann-Whitney form; a tie counts one half).
    """
    real, fake = np.flatnonzero(target == 0), np.flatnonzero(target == 1)
    real, fake = real[np.argsort(score[real])], fake[np.argsort(score[fake])]
    below = np.searchsorted(score[real], score[fake], side="left")
    not_above = np.searchsorted(score[real], score[fake], side="right")
    values = []
    total = np.zeros(real.size + 1, dtype=np.int64)
    for weight in weights:
        np.cumsum(weight[real], out=total[1:])
        w_fake = weight[fake]
        pairs = int(total[-1]) * int(w_fake.sum())
        won_twice = int((w_fake * (total[below] + total[not_above])).sum())
        values.append(won_twice / (2 * pairs) if pairs else np.nan)
    return np.asarray(values, dtype=np.float64)
