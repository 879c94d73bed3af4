"""The rows of the table: every compared figure of validation and test, with its paired difference."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from avfake.dataset.labels import HELD_OUT
from avfake.evaluation.metrics import Interval, NoFigure
from avfake.gate import difference
from avfake.gate.difference import Method
from avfake.gate.disturbed import DisturbedPair, pair_disturbed
from avfake.gate.pairs import Pair, pair
from avfake.gate.revision import Revision
from avfake.gate.scores import Scores
from avfake.gate.verdict import KINDS, Clips, Row, decides
from avfake.params import GateParams

# Split -> its file of figures, and that of its disturbed clips.
REPORTS = {"val": ("evaluate", "robustness"), "test": ("evaluate_test", "robustness_test")}

Computed = Callable[[], tuple[float, Interval]]
Clipped = Pair | DisturbedPair


def compare(
    base: Revision, head: Revision, scores: tuple[Scores, Scores], params: GateParams, method: Method
) -> tuple[list[Row], list[Clips], dict[str, Pair]]:
    """Rows by split, clips counted by split, and the pairs themselves.

    Args:
        base: compared with.
        head: judged.
        scores: of base and head.
        params: the tolerances.
        method: how intervals are made.
    """
    of_base, of_head = scores
    pairs = {
        split: pair(of_base.splits[split], of_head.splits[split])
        for split in (*REPORTS, HELD_OUT)
        if split in of_base.splits and split in of_head.splits
    }
    rows = []
    for split, (file, disturbed) in REPORTS.items():
        computed = dict(_computed(split, pairs, of_base, of_head, method))
        for key, kind in KINDS.items():
            name = disturbed if key == "auc_worst" else file
            row = Row(
                split=split,
                file=name,
                key=key,
                base=base.metrics.get(name, {}).get(key),
                head=head.metrics.get(name, {}).get(key),
                tolerance=getattr(params, kind.tolerance),
                decides=decides(split, key),
            )
            clips, figure = computed[key]
            filled = _filled(row, clips, figure)
            if filled.difference is not None or row.base is not None or row.head is not None:
                rows.append(filled)
    counts = [
        Clips(
            split,
            len(item.target),
            len(item.only_base),
            len(item.only_head),
            len(item.relabelled),
        )
        for split, item in pairs.items()
    ]
    return rows, counts, pairs


def _filled(row: Row, clips: Clipped | None, figure: Computed) -> Row:
    """The row with its difference, or with the reason why there is none."""
    counts = (None, None) if clips is None else (int((clips.target == 0).sum()), int(clips.target.sum()))
    made = {**vars(row), "n_real": counts[0], "n_fake": counts[1]}
    try:
        value, interval = figure()
    except NoFigure as none:
        state = "new" if row.base is None and row.head is not None else "not compared"
        return Row(**{**made, "state": state, "reason": none.reason})
    tolerance = row.tolerance if row.tolerance is not None else 0.0
    state = KINDS[row.key].judge(interval, tolerance)
    return Row(**{**made, "difference": value, "interval": interval, "state": state})


def _computed(
    split: str, pairs: dict[str, Pair], base: Scores, head: Scores, method: Method
) -> Iterator[tuple[str, tuple[Clipped | None, Computed]]]:
    """Figure -> its clips and the function that takes its difference."""
    everything = pairs.get(split)
    for key, function in (("auc", difference.auc), ("eer", difference.eer)):
        yield key, (everything, _of(function, everything, method, f"gate.{split}.{key}"))
    for key, function in (("log_loss", difference.log_loss), ("ece", difference.ece)):
        yield key, (everything, _of(function, everything, method, f"gate.{split}.{key}"))
    for key in ("auc_seen", "auc_unseen"):
        try:
            chosen = _by_generator(key, split, pairs, base, head)
            yield key, (chosen, _of(difference.auc, chosen, method, f"gate.{split}.{key}"))
        except NoFigure as none:
            yield key, (None, partial(_raise, none))
    try:
        disturbed = pair_disturbed(split, base, head)
        worst = partial(difference.worst_auc, disturbed, method, f"gate.{split}.auc_worst")
        yield "auc_worst", (disturbed, worst)
    except NoFigure as none:
        yield "auc_worst", (None, partial(_raise, none))


def _of(
    function: Callable[[Pair, Method, str], tuple[float, Interval]],
    clips: Pair | None,
    method: Method,
    name: str,
) -> Computed:
    if clips is None:
        return partial(_raise, NoFigure("no scores of this split in both revisions"))
    return partial(function, clips, method, name)


def _raise(none: NoFigure) -> tuple[float, Interval]:
    raise none


def _by_generator(key: str, split: str, pairs: dict[str, Pair], base: Scores, head: Scores) -> Pair:
    """The reals, and the fakes whose generator the training of both revisions saw, or of neither.

    Where validation has clips held out of training, those are the forgeries never seen.
    """
    if key == "auc_unseen" and split == "val" and (HELD_OUT in base.splits or HELD_OUT in head.splits):
        if HELD_OUT not in pairs:
            raise NoFigure("one revision alone holds clips out of training")
        return pairs[HELD_OUT]
    if split not in pairs:
        raise NoFigure("no scores of this split in both revisions")
    if base.seen is None or head.seen is None:
        raise NoFigure("the training labels have no generator column")
    clips = pairs[split]
    fake = clips.target == 1
    if key == "auc_seen":
        chosen = [name in base.seen and name in head.seen for name in clips.generator]
    else:
        chosen = [name is not None and name not in base.seen | head.seen for name in clips.generator]
    some = clips.some(~fake | np.asarray(chosen, dtype=bool))
    if not some.target.any():
        text = "was" if key == "auc_seen" else "was not"
        raise NoFigure(f"no fake whose generator {text} in the training of both revisions")
    return some
