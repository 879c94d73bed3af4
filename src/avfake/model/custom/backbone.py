"""What timm expects of a network in its registry, beside the network itself."""

from typing import Any

import torch.nn.functional as F
from timm.models import DefaultCfg, generate_default_cfgs
from torch import Tensor, nn


class Backbone(nn.Module):
    """A feature map, features made of it, and a linear classifier, by the names that timm gives to each.

    Attributes:
        num_features: channels of the feature map.
        head_hidden_size: features that the classifier sees, and that come out where there is none.
        num_classes: logits of the classifier; 0: none.
        drop_rate: dropout in front of the classifier.
    """

    def __init__(self, num_features: int, head_hidden_size: int, num_classes: int, drop_rate: float) -> None:
        super().__init__()
        self.num_features = num_features
        self.head_hidden_size = head_hidden_size
        self.drop_rate = drop_rate
        self.reset_classifier(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] to a feature map [B, num_features, h, w]."""
        raise NotImplementedError

    def pool(self, x: Tensor) -> Tensor:
        """The feature map to features [B, head_hidden_size]."""
        raise NotImplementedError

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The map to logits [B, num_classes]; to features without a classifier or with `pre_logits`."""
        x = F.dropout(self.pool(x), self.drop_rate, self.training)
        logits: Tensor = x if pre_logits else self.fc(x)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Images [B, C, H, W] to logits, or to features if there is no classifier."""
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        """The last layer."""
        return self.fc

    def reset_classifier(self, num_classes: int) -> None:
        """A new last layer of so many logits; 0: none."""
        self.num_classes = num_classes
        self.fc = nn.Linear(self.head_hidden_size, num_classes) if num_classes else nn.Identity()


def default_cfgs(name: str, first_conv: str, paper: str, paper_id: str) -> dict[str, DefaultCfg]:
    """timm's entry for a network without published weights, made for grey levels around one half."""
    entry: dict[str, Any] = {
        "input_size": (1, 128, 256), "min_input_size": (1, 32, 32), "mean": (0.5,), "std": (0.5,),
        "num_classes": 2, "first_conv": first_conv, "classifier": "fc", "license": "mit",
        "paper_name": paper, "paper_ids": paper_id,
    }  # fmt: skip
    made: dict[str, DefaultCfg] = generate_default_cfgs({name: entry})
    return made
