"""Stage `predict`: a score, the probability of fake, for every clip of validation, test and held_out.

    dvc repro predict                  # as part of the pipeline
    python -m avfake.stages.predict    # by itself, from the repository's root

Reads data/features, data/resplit, models; writes data/predictions/. Nothing is dropped: a clip that cannot
be scored gets the training prior and a row in unscored.csv with the reason.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from avfake.dataset.features import FeatureSet
from avfake.dataset.labels import HELD_OUT, homes, read_name_column
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
from avfake.model.packed import examples, read_clip
from avfake.model.saved import SavedModel, load_model
from avfake.model.streams import nothing_to_look_at
from avfake.model.views import views_of
from avfake.params import PredictParams, load
from avfake.stages._run import stage_main

FEATURES, LABELS, MODELS = Path("data/features"), Path("data/resplit"), Path("models")
PREDICTIONS = Path("data/predictions")
NO_FEATURES = "the clip has labels but no row in data/features"
NOT_A_CLIP = "the template names it, and it is no clip of the data root"

Key = tuple[str, str]
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
    heading = dict.fromkeys(order, read_name_column(LABELS))
    if template is not None:
        split = template_split(template, {split: clips[split] for split in clips if split != HELD_OUT})
        order[split], column[split] = list(template.names), template.score_column
        heading[split] = template.name_column

    scores, reasons = score_splits(model, features, params, _places(clips, labels))
    known = {split: frozenset(names) for split, names in clips.items()}
    unscored = []
    for split, names in order.items():
        # What was held out never stands in for a name of a template.
        others = [other for other in clips if other not in (split, HELD_OUT)]
        rows = []
        for name in names:
            found = next((part for part in (split, *others) if name in known[part]), None)
            score = scores[found].get(name) if found else None
            if score is None:
                reason = reasons[found].get(name, NO_FEATURES) if found else NOT_A_CLIP
                unscored.append(Unscored(split, name, reason))
            rows.append((name, model.prior if score is None else score))
        write_predictions(PREDICTIONS / FILES[split], rows, column[split], heading[split])
        n_unscored = sum(item.split == split for item in unscored)
        remark = " (they got the training prior)" if n_unscored else ""
        print(f"predict: {split}: {len(rows) - n_unscored} clips scored, {n_unscored} not{remark}")
    write_unscored(PREDICTIONS / UNSCORED, unscored)
    if HELD_OUT not in order:
        (PREDICTIONS / FILES[HELD_OUT]).unlink(missing_ok=True)  # of a run that held something out


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
    model: SavedModel, features: FeatureSet, params: PredictParams, places: Mapping[Key, str]
) -> tuple[dict[str, Scores], dict[str, Reasons]]:
    """Scores by split and name, and for the clips without a window the reason by split and name.

    Args:
        model: the detector.
        features: the packed windows and faces.
        params: the section `predict`.
        places: the split of each clip to score, by (home, video_name), its key in `features`.
    """
    views = views_of(model.facts["train"], params.tta)
    counts = examples(features, model.modality)
    device = next(model.detector.parameters()).device
    scores: dict[str, Scores] = {split: {} for split in FILES}
    reasons: dict[str, Reasons] = {split: {} for split in FILES}
    index = features.index
    keys = zip(index["split"], index["video_name"], strict=True)
    rows = [(position, places[key]) for position, key in enumerate(keys) if key in places]
    for position, split in tqdm(
        rows, desc="predict", unit="clip", file=sys.stderr, disable=None, leave=False
    ):
        name, count, reason = (index[column].iloc[position] for column in ("video_name", "count", "reason"))
        if (count if counts is None else counts[position]) > 0:
            looks = read_clip(features, position, model.modality)
            scores[split][name] = clip_score(model.detector, looks, params.batch_size, device, views)
        elif counts is None:
            reasons[split][name] = str(reason) if reason else "no window"
        else:
            no_face = index["face_reason"].iloc[position]
            reasons[split][name] = nothing_to_look_at(model.modality, reason, no_face)
    return scores, reasons


def _places(clips: Mapping[str, list[str]], labels: pd.DataFrame) -> dict[Key, str]:
    """The split of each clip to score, by its key in the features."""
    places: dict[Key, str] = {(split, name): split for split in clips for name in clips[split]}
    moved = labels[homes(labels) != labels["split"]]
    for home, name, split in zip(homes(moved), moved["video_name"], moved["split"], strict=True):
        places.pop((split, name), None)
        if split in clips:
            places[home, name] = split
    return places


def _clips(split: str, labels: pd.DataFrame, index: pd.DataFrame) -> list[str]:
    """Names of a split from labels and features, sorted: a clip that either knows must be predicted."""
    names: set[str] = set()
    for table in (labels, index):
        names |= set(table.loc[table["split"] == split, "video_name"])
    return sorted(names)


if __name__ == "__main__":
    stage_main(main)
