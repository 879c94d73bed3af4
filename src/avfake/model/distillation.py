"""A teacher whose scores a detector learns beside the labels (Hinton et al., arXiv 1503.02531).

The teacher is a saved model, as a rule an ensemble. It sees each batch as the learner does, augmented and
mixed: a teacher that is asked about the very input is the better one (Beyer et al., arXiv 2106.05237).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from avfake.errors import UserError
from avfake.model.ensemble import members_of
from avfake.model.saved import SavedModel, load_model
from avfake.model.streams import SOUND, Pairs
from avfake.params import DistilParams
from avfake.params.train import NO_TEACHER


@dataclass(frozen=True)
class Teacher:
    """A saved model that teaches.

    Attributes:
        folder: where it lies, as `train.distil.teacher` says.
        model: with its facts, in evaluation mode.
        weight: of its scores in the loss.
        temperature: by which logits are divided.
    """

    folder: str
    model: SavedModel
    weight: float
    temperature: float

    @property
    def sha256(self) -> str:
        """Checksum of its weights."""
        return str(self.model.facts["sha256"])

    def facts(self) -> dict[str, Any]:
        """Of model.json: `folder`, `sha256`, `members`, and `model`, the teacher's own model.json."""
        members = len(members_of(self.model.detector))
        return {
            "folder": self.folder,
            "sha256": self.sha256,
            "members": members,
            "model": self.model.facts,
        }

    def loss(self, logits: Tensor, labelled: Tensor, *inputs: Tensor | Pairs) -> Tensor:
        """The loss by labels and the distance to the teacher's scores, weighted.

        Args:
            logits: of the learner, float [B, 2].
            labelled: scalar, the loss by the labels.
            inputs: what the learner saw.
        """
        with torch.no_grad():
            soft = self.model.detector(*inputs).float()
        taught = divergence(logits, soft, self.temperature)
        return (1 - self.weight) * labelled + self.weight * taught


def divergence(logits: Tensor, soft: Tensor, temperature: float) -> Tensor:
    """Kullback-Leibler divergence from the teacher's softmax to the learner's, scalar, mean over the batch.

    Both at `temperature`; times its square, with which the gradients keep their size (arXiv 1503.02531).

    Args:
        logits: of the learner, [B, 2].
        soft: logits or log probabilities of the teacher, [B, 2].
        temperature: above 0.
    """
    own, wanted = (functional.log_softmax(values / temperature, dim=1) for values in (logits, soft))
    return temperature**2 * functional.kl_div(own, wanted, reduction="batchmean", log_target=True)


def load_teacher(
    params: DistilParams,
    features: Mapping[str, Any],
    generators: Sequence[str],
    device: torch.device,
    modality: str = SOUND,
) -> Teacher | None:
    """The teacher that `params` name; None where they name none.

    Args:
        params: the section `train.distil`.
        features: features.json of what the learner sees.
        generators: ways of forging among the training clips.
        device: where the teacher is asked.
        modality: of the learner.

    Raises:
        UserError: the model is missing or damaged, it sees windows of another front end or something else of
            a clip than the learner, or it was trained on forgeries that are not among the training clips:
            what is held out would reach the learner.
    """
    if not params.taught:
        return None
    try:
        model = load_model(params.teacher, device)
    except UserError as error:
        raise UserError(
            f"train.distil.teacher: {error.message}",
            f"name the folder of a saved model, or {NO_TEACHER} for none",
        ) from None
    if model.facts["features"] != features:
        raise UserError(
            f"train.distil.teacher: {params.teacher} was trained on other windows than data/features holds",
            "train the teacher with the same `extract` and `featurize`",
        )
    if model.modality != modality:
        raise UserError(
            f"train.distil.teacher: {params.teacher} is of train.modality: {model.modality}, the learner of"
            f" {modality}",
            "teach with a model that is given the same of a clip",
        )
    strange = sorted(set(model.facts.get("generators", [])) - set(generators))
    if strange:
        raise UserError(
            f"train.distil.teacher: {params.teacher} was trained on forgeries that this training must not"
            f" know: {', '.join(strange)}",
            "train the teacher on the same clips",
        )
    return Teacher(params.teacher, model, params.weight, params.temperature)
