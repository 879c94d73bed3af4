"""An auxiliary task of training: does this face go with this sound, or is it of another moment?

Forgers change one stream and leave the other, so that the two no longer go together. As in SyncNet (Chung and
Zisserman, Out of time, ACCV 2016 workshops) the network learns from real clips alone what in time means;
shifted pairs come from the same clip where it has any, else from another one (Korbar et al., arXiv
1807.00230). The head is no part of the detector: it is trained beside it and is not saved.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from avfake.errors import UserError
from avfake.model.detector import Detector, Seen

_WIDTH = 64
_PURPOSE = 6  # of the generator of its first weights


class OffsetHead(nn.Module):
    """Features of sound [B, F_s] and of faces [B, F_p] to log-odds [B] that they belong together.

    Both are brought to one width; what they have in common there is weighed by a linear layer.
    """

    def __init__(self, n_sound: int, n_picture: int) -> None:
        super().__init__()
        self.sound, self.picture = nn.Linear(n_sound, _WIDTH), nn.Linear(n_picture, _WIDTH)
        self.head = nn.Linear(_WIDTH, 1)

    def forward(self, sound: Tensor, picture: Tensor) -> Tensor:
        """Log-odds, float [B]."""
        both = F.normalize(self.sound(sound)) * F.normalize(self.picture(picture))
        odds: Tensor = self.head(_WIDTH**0.5 * both)[:, 0]
        return odds


def make_offset_head(detector: Detector, info: Mapping[str, Any], seed: int) -> OffsetHead:
    """The head for a detector of `both`, on its device, on random weights.

    Args:
        detector: with both branches.
        info: features.json.
        seed: of the weights.

    Raises:
        UserError: the windows do not tell which seconds they are of.
    """
    if info["front_end"] == ["baseline_image"] or info["params"]["trim_db"] is not None:
        raise UserError(
            "train.offset_head: the windows do not tell which seconds of the clip they are of",
            "set featurize.trim_db to null and choose another front end than baseline_image, or set"
            " train.offset_head to 0",
        )
    assert detector.fusion is not None
    device = next(detector.parameters()).device
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.default_rng([seed, _PURPOSE]).integers(2**63)))
        return OffsetHead(detector.fusion.n_sound, detector.fusion.n_picture).to(device)


def offset_loss(head: OffsetHead, features: Seen, timed: NDArray[np.int64]) -> Tensor:
    """Cross entropy of pairs that are in time or shifted; 0 where the batch has none.

    Args:
        head: of these features.
        features: of the batch.
        timed: as `avfake.model.paired.timed_pairs` gives them, int64 [k, 3].
    """
    assert features.sound is not None
    if len(timed) == 0:
        return features.sound.new_zeros(())
    places = torch.from_numpy(timed).to(features.sound.device)
    odds = head(features.sound.index_select(0, places[:, 0]), features.picture.index_select(0, places[:, 1]))
    return F.binary_cross_entropy_with_logits(odds.float(), places[:, 2].float())
