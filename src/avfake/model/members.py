"""Members of an ensemble: how each is trained, how a finished one is kept, and what is said of all."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from avfake.memo import Memo, memo_key
from avfake.params import TrainParams

Row = dict[str, float]

_VERSION = 1  # of what is kept
_SEEDS = 2**32


@dataclass(frozen=True)
class Kept:
    """A finished member: facts of its model.json, a row per epoch, its weights."""

    facts: dict[str, Any]
    rows: list[Row]
    weights: dict[str, Tensor]


def member_params(params: TrainParams, number: int) -> TrainParams:
    """The section `train` of member 0 ...: of a single detector, with a seed of its own."""
    alone = params.ensemble.model_copy(update={"members": 1, "bagging": "none"})
    return params.model_copy(update={"ensemble": alone, "seed": (params.seed + number) % _SEEDS})


def keep(memo: Memo, fingerprint: str, member: Kept) -> None:
    """Puts a finished member into the memo, under the fingerprint of its training."""
    buffer = io.BytesIO()
    # The facts as model.json has them: torch reads plain types alone, and its own version is none.
    torch.save({**asdict(member), "facts": json.dumps(member.facts)}, buffer)
    memo.put(_key(fingerprint), buffer.getvalue())


def recall(memo: Memo, fingerprint: str) -> Kept | None:
    """The member of this training; None if it is not finished."""
    stored = memo.get(_key(fingerprint))
    if stored is None:
        return None
    memo.touch(_key(fingerprint))
    parts = torch.load(io.BytesIO(stored), weights_only=True, map_location="cpu")
    return Kept(json.loads(parts["facts"]), parts["rows"], parts["weights"])


def ensemble_facts(members: Sequence[Mapping[str, Any]], params: TrainParams) -> dict[str, Any]:
    """Of model.json, from those of the members; what is of the data or of the whole is not right yet."""
    own = ("best_epoch", "val_auc", "selection")
    each = [
        {
            "seed": member["train"]["seed"],
            **{key: member[key] for key in own},
            "n_clips": member["sizes"]["n_train"],
        }
        for member in members
    ]
    return {
        **members[0],
        "train": params.model_dump(),
        "best_epoch": [member["best_epoch"] for member in members],
        "selection": None,
        "ensemble": {"bagging": params.ensemble.bagging, "members": each},
    }


def mean_rows(members: Sequence[Sequence[Row]]) -> list[Row]:
    """Mean over the members of each epoch; one that ended earlier is not in those after its last."""
    longest = max(len(rows) for rows in members)
    found = []
    for epoch in range(longest):
        there = [rows[epoch] for rows in members if epoch < len(rows)]
        found.append({key: sum(row[key] for row in there) / len(there) for key in there[0]})
    return found


def _key(fingerprint: str) -> str:
    return memo_key("member", _VERSION, fingerprint)
