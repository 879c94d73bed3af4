"""Averages of the weights of a training, which are validated and kept in place of the weights themselves."""

from collections.abc import Callable, Iterable
from typing import Any

from timm.utils import ModelEmaV3
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, update_bn

from avfake.model.detector import Detector
from avfake.model.streams import Pairs
from avfake.params import TrainParams

Batches = Callable[[], Iterable[Tensor | Pairs]]


class Averaging:
    """No mean: the detector stands for itself. What a mean does more, the others say.

    Args:
        detector: as it is trained.
    """

    def __init__(self, detector: Detector) -> None:
        self.trained = detector

    @property
    def kept(self) -> Detector:
        """The detector to validate and keep."""
        return self.trained

    def after_update(self) -> None:
        """Takes note of the weights after an update."""

    def after_epoch(self, epoch: int, batches: Batches) -> None:
        """Takes note of the weights after an epoch.

        Args:
            epoch: 1 ...
            batches: windows of training [B, C, H, W] on the detector's device, as prediction sees them.
        """

    def state_dict(self) -> dict[str, Any]:
        """What cannot be had from the detector."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""


class MovingAverage(Averaging):
    """Exponential moving average over updates, of weights and statistics (timm's ModelEmaV3).

    Its decay rises from 0 to `decay` as 1 - (1 + n) ** (-2 / 3) over n updates: in a short training a mean
    with one decay throughout would be half random weights still.
    """

    def __init__(self, detector: Detector, decay: float) -> None:
        super().__init__(detector)
        self._mean = ModelEmaV3(detector, decay, use_warmup=True)
        self._updates = 0

    @property
    def kept(self) -> Detector:
        """The mean."""
        mean: Detector = self._mean.module
        return mean

    def after_update(self) -> None:
        """Moves the mean towards the weights."""
        self._updates += 1
        self._mean.update(self.trained, step=self._updates)

    def state_dict(self) -> dict[str, Any]:
        """The mean and the number of updates."""
        return {"mean": self._mean.module.state_dict(), "updates": self._updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""
        self._mean.module.load_state_dict(state["mean"])
        self._updates = state["updates"]


class StochasticAverage(Averaging):
    """Plain mean over the weights after epochs (stochastic weight averaging, arXiv 1803.05407).

    Statistics of batch normalisation are not averaged but measured, with the mean's weights, on windows of
    training (torch.optim.swa_utils). Before there is a mean, the detector stands for itself.

    Args:
        detector: as it is trained.
        after: the mean is over the epochs above this number, which need not be whole.
    """

    def __init__(self, detector: Detector, after: float) -> None:
        super().__init__(detector)
        self._mean = AveragedModel(detector)
        self._after = after

    @property
    def kept(self) -> Detector:
        """The mean, or the detector before there is one."""
        if self._mean.n_averaged == 0:
            return self.trained
        mean: Detector = self._mean.module  # type: ignore[assignment]
        return mean

    def after_epoch(self, epoch: int, batches: Batches) -> None:
        """Takes the weights into the mean, and measures the statistics anew."""
        if epoch > self._after:
            self._mean.update_parameters(self.trained)
            update_bn(batches(), self._mean)

    def state_dict(self) -> dict[str, Any]:
        """The mean and how many weights it is of."""
        return self._mean.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""
        self._mean.load_state_dict(state)


def make_averaging(detector: Detector, params: TrainParams) -> Averaging:
    """The averaging of `detector`, as it is trained, that `params` name."""
    if params.averaging == "ema":
        return MovingAverage(detector, params.ema_decay)
    if params.averaging == "swa":
        return StochasticAverage(detector, params.swa_start * params.epochs)
    return Averaging(detector)
