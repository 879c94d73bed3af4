"""Stage `predict`: a score, the probability of fake, for every clip of validation and test.

    dvc repro predict                  # as part of the pipeline
    python -m avfake.stages.predict    # by itself, from the repository's root

Reads data/features, data/labels, models; writes data/predictions/. Nothing is dropped: a clip that cannot
be scored gets the training prior and a row in unscored.csv with the reason.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from avfake.dataset.features import FeatureSet
from avfake.dataset.predictions import (
    FILES,
    UNSCORED,
    Template,
    Unscored,
    read_template,
    write_predictions,
    write_unscored,
)
from avfake.errors import UserError
from avfake.model.clips import open_inputs
from avfake.model.inference import choose_device, clip_score, deterministic
from avfake.model.saved import SavedModel, load_model
from avfake.model.views import make_views
from avfake.params import PredictParams, load
from avfake.stages._run import stage_main

FEATURES, LABELS, MODELS = Path("data/features"), Path("data/labels"), Path("models")
PREDICTIONS = Path("data/predictions")
NO_FEATURES = "the clip has labels but no row in data/features"
NOT_A_CLIP = "the template names it, and it is no clip of the data root"

Scores = dict[str, float]
Reasons = dict[str, str]


def main() -> None:
    """Scores as params.yaml says."""
    params = load(PredictParams)
    template = read_template(params.template) if params.template else None
    with deterministic(params.threads):
        _predict(params, template)


def _predict(params: PredictParams, template: Template | None) -> None:
    features, labels = open_inputs(FEATURES, LABELS)
    model = load_model(MODELS, choose_device(params.device))
    check_features(model, features)
    clips = {split: _clips(split, labels, features.index) for split in FILES}
    clips = {split: names for split, names in clips.items() if names or split == "val"}
    order = dict(clips)
    column = dict.fromkeys(order, "score")
    if template is not None:
        split = template_split(template, clips)
        order[split], column[split] = list(template.names), template.score_column

    scores, reasons = score_splits(model, features, params, list(clips))
    unscored = []
    for split, names in order.items():
        others = [other for other in clips if other != split]
        rows = []
        for name in names:
            home = next((part for part in (split, *others) if name in clips[part]), None)
            score = scores[home].get(name) if home else None
            if score is None:
                reason = reasons[home].get(name, NO_FEATURES) if home else NOT_A_CLIP
                unscored.append(Unscored(split, name, reason))
            rows.append((name, model.prior if score is None else score))
        write_predictions(PREDICTIONS / FILES[split], rows, column[split])
        n_unscored = sum(item.split == split for item in unscored)
        remark = " (they got the training prior)" if n_unscored else ""
        print(f"predict: {split}: {len(rows) - n_unscored} clips scored, {n_unscored} not{remark}")
    write_unscored(PREDICTIONS / UNSCORED, unscored)


def check_features(model: SavedModel, features: FeatureSet) -> None:
    """Raises UserError if the model was trained on another front end than the features come from."""
    if model.facts["features"] != features.info:
        raise UserError(
            f"{MODELS} was trained on other features than {FEATURES} holds",
            "bring both up to date: `dvc repro`",
        )


def template_split(template: Template, clips: Mapping[str, list[str]]) -> str:
    """The split most of whose clips the template names.

    Raises:
        UserError: it names no clip at all.
    """
    names = set(template.names)
    known = {split: len(names & set(own)) for split, own in clips.items()}
    best = max(known, key=lambda split: known[split])
    if known[best] == 0:
        raise UserError(
            f"predict.template: {template.path} names no clip of {' or '.join(clips)}",
            "its first column holds file names as they stand in valset/ or testset/, with the suffix",
        )
    return best


def score_splits(
    model: SavedModel, features: FeatureSet, params: PredictParams, splits: list[str]
) -> tuple[dict[str, Scores], dict[str, Reasons]]:
    """Scores by split and name, and for the clips without a window the reason by split and name."""
    trained = model.facts["train"]
    views = make_views(params.tta, trained["flip_time"], trained["flip_frequency"])
    device = next(model.detector.parameters()).device
    scores: dict[str, Scores] = {split: {} for split in splits}
    reasons: dict[str, Reasons] = {split: {} for split in splits}
    index = features.index
    rows = [position for position, split in enumerate(index["split"]) if split in scores]
    columns = ("split", "video_name", "count", "reason")
    for position in tqdm(rows, desc="predict", unit="clip", file=sys.stderr, disable=None, leave=False):
        split, name, count, reason = (index[column].iloc[position] for column in columns)
        if count > 0:
            windows = features.windows(position)
            scores[split][name] = clip_score(model.detector, windows, params.batch_size, device, views)
        else:
            reasons[split][name] = str(reason) if reason else "no window"
    return scores, reasons


def _clips(split: str, labels: pd.DataFrame, index: pd.DataFrame) -> list[str]:
    """Names of a split from labels and features, sorted: a clip that either knows must be predicted."""
    names: set[str] = set()
    for table in (labels, index):
        names |= set(table.loc[table["split"] == split, "video_name"])
    return sorted(names)


if __name__ == "__main__":
    stage_main(main)
