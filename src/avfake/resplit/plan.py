"""What `resplit` does with a table of labels: nothing, or clusters or named generators held out of train."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from avfake.dataset.augmented import is_derived
from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import HELD_OUT, HOME, UNUSED
from avfake.errors import UserError
from avfake.params import ResplitParams
from avfake.resplit import reals
from avfake.resplit.cluster import LARGEST_SHARE, cluster, draw, names_of
from avfake.resplit.embed import embed
from avfake.resplit.hold_out import BoolArray, hold_out, is_fake, is_real, training_reals

# A share of reals that lies further from the one asked for is worth a remark.
_NEAR = 0.05
# What each way of holding out reads: another value of the rest must leave resplit.json alone, and with it
# the training.
_USED = {
    "none": {"hold_out"},
    "clusters": {"hold_out", "n_clusters", "n_held_out", "real_share", "seed"},
    "generators": {"hold_out", "generators", "real_share", "seed"},
}


@dataclass(frozen=True)
class Resplit:
    """The new table, the clusters (video_name, cluster, held_out; by name), and resplit.json."""

    labels: pd.DataFrame
    clusters: list[tuple[str, str, bool]]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Chosen:
    """The fakes that are held out: their rows [n], the groups' names, and what must be said of them."""

    fakes: BoolArray
    names: list[str]
    notes: list[str]


def with_home(labels: pd.DataFrame) -> pd.DataFrame:
    """The table with the column `home`. Raises UserError where the label files have one of that name."""
    if HOME in labels:
        raise UserError(
            f"the label files have a column `{HOME}`, which the pipeline adds itself", "rename the column"
        )
    return labels.assign(**{HOME: labels["split"]})


def pass_through(labels: pd.DataFrame, params: ResplitParams) -> Resplit:
    """Nothing held out: every split is its home."""
    return _result(with_home(labels), [], params, held_out=[], sources=[], notes=[])


def resplit(labels: pd.DataFrame, features: FeatureSet, params: ResplitParams) -> Resplit:
    """Holds clusters or named generators out of train, and real clips beside them.

    Args:
        labels: of `extract`: split, video_name, target, generator, source, ...
        features: the packed windows of the same clips.
        params: the section `resplit`; `hold_out` is not `none`.

    Raises:
        UserError: a name is no generator of the training fakes, they cannot be clustered, or one class
            would be left without a clip in training or among the held out.
    """
    table = with_home(labels)
    index = zip(*(features.index[name] for name in ("split", "video_name", "count")), strict=True)
    rows = {(home, name): position for position, (home, name, count) in enumerate(index) if count > 0}
    keys = list(zip(table[HOME], table["video_name"], strict=True))
    usable = np.array([key in rows for key in keys], dtype=bool)
    fakes = is_fake(table) & (table["split"] == "train").to_numpy(dtype=bool)
    own = fakes & ~is_derived(table)
    clusters: list[tuple[str, str, bool]] = []
    if params.hold_out == "clusters":
        positions = np.flatnonzero(own & usable)
        embedded = [rows[keys[position]] for position in positions]
        table, clusters, chosen = _by_cluster(table, positions, _embedded(features, embedded), params)
        if without := int((own & ~usable).sum()):
            chosen.notes.append(f"{without} training fakes have no sound: in no cluster, and in no training")
    else:
        chosen = _by_name(table, fakes, params.generators)

    real = training_reals(table)
    names = table.loc[real, "video_name"].tolist()
    units = reals.units(names, table.loc[real, "source"].tolist())
    picked = reals.choose(units.of, params.real_share, params.seed)
    done = hold_out(table, chosen.fakes, units, picked)
    _check(done.labels, usable)
    notes = [*chosen.notes, *units.notes]
    share = done.counts["held_out_real"] / len(units.of)
    if abs(share - params.real_share) > _NEAR:
        notes.append(
            f"{share:.2f} of the training reals are held out where {params.real_share:g} was asked for:"
            " sources stay whole"
        )
    if same := done.counts["held_out_fake_source_in_train"]:
        notes.append(
            f"{same} of {done.counts['held_out_fake']} held-out fakes come from a source that training sees"
        )
    return _result(done.labels, clusters, params, held_out=chosen.names, sources=done.sources, notes=notes)


def _embedded(features: FeatureSet, rows: Sequence[int]) -> np.ndarray:
    """Embeddings [n, D]; [0, 0] where there is no clip, for `cluster` to refuse in its own words."""
    return embed(features, rows) if rows else np.zeros((0, 0))


def _by_cluster(
    table: pd.DataFrame, positions: np.ndarray, embedding: np.ndarray, params: ResplitParams
) -> tuple[pd.DataFrame, list[tuple[str, str, bool]], Chosen]:
    groups = cluster(embedding, params.n_clusters, params.seed)
    drawn = draw(groups, params.n_held_out, params.seed)
    n_groups = int(groups.max()) + 1
    names = names_of(groups, n_groups)
    held = np.isin(groups, drawn.groups)
    if n_groups < params.n_clusters:
        drawn.notes.append(f"{n_groups} clusters where {params.n_clusters} were asked for: fakes are alike")
    if table.loc[is_fake(table), "generator"].isna().all():
        generator = table["generator"].to_numpy(dtype=object, copy=True)
        generator[positions] = names
        table = table.assign(generator=generator)
    fakes = np.zeros(len(table), dtype=bool)
    fakes[positions[held]] = True
    clips = table["video_name"].iloc[positions].tolist()
    clusters = sorted(zip(clips, names, held.tolist(), strict=True))
    return table, clusters, Chosen(fakes, names_of(drawn.groups, n_groups), drawn.notes)


def _by_name(table: pd.DataFrame, fakes: BoolArray, wanted: list[str]) -> Chosen:
    known = sorted(set(table.loc[fakes, "generator"].dropna()))
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        there = f"they are: {', '.join(known)}" if known else "the labels name none: use hold_out: clusters"
        raise UserError(
            f"resplit.generators: no training fake is by {', '.join(f'`{name}`' for name in unknown)}",
            f"name generators of the training fakes; {there}",
        )
    held = fakes & table["generator"].isin(wanted).to_numpy(dtype=bool)
    notes = []
    if held.sum() > LARGEST_SHARE * fakes.sum():
        notes.append(f"{held.sum()} of {fakes.sum()} training fakes are held out: more than half")
    return Chosen(held, sorted(set(wanted)), notes)


def _check(labels: pd.DataFrame, usable: BoolArray) -> None:
    """Raises UserError unless train and held_out have usable clips of both classes."""
    for split, what in (("train", "left to train on"), (HELD_OUT, "held out")):
        here = usable & (labels["split"] == split).to_numpy(dtype=bool)
        for kind, rows in (("real", is_real(labels)), ("fake", is_fake(labels))):
            if not (here & rows).any():
                raise UserError(
                    f"resplit: no {kind} clip with readable sound would be {what}",
                    "hold out fewer generators or clusters, change resplit.real_share or resplit.seed,"
                    " or set resplit.hold_out to none",
                )


def _result(
    labels: pd.DataFrame,
    clusters: list[tuple[str, str, bool]],
    params: ResplitParams,
    *,
    held_out: list[str],
    sources: list[str],
    notes: list[str],
) -> Resplit:
    counts = {
        split: {
            "real": int((is_real(labels) & of_split).sum()),
            "fake": int((is_fake(labels) & of_split).sum()),
            "unlabelled": int((labels["target"].isna().to_numpy(dtype=bool) & of_split).sum()),
        }
        for split in ("train", HELD_OUT, UNUSED, "val", "test")
        for of_split in [(labels["split"] == split).to_numpy(dtype=bool)]
    }
    sizes = pd.Series([name for _, name, _ in clusters], dtype=object).value_counts()
    facts = {
        "params": {key: value for key, value in params.model_dump().items() if key in _USED[params.hold_out]},
        "held_out": held_out,
        "held_out_sources": sources,
        "counts": counts,
        "clusters": {name: int(sizes[name]) for name in sorted(sizes.index)},
        "notes": notes,
    }
    return Resplit(labels, clusters, facts)
