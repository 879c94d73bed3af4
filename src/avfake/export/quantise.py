"""Convolutions in eight bits, and whether that may be: the AUC on validation decides.

Static quantisation (Jacob et al., arXiv 1712.05877): weights and activations of convolutions are whole
numbers, with a scale per output channel and one per map, which comes from windows of the training split. What
follows the last convolution stays in floating point: the head's log-odds need more than 256 levels.
Weights keep to seven bits: processors without VNNI add products of eight bits in sixteen, and overflow.
"""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avfake.errors import RunError
from avfake.evaluation import metrics
from avfake.evaluation.intervals import best_interval, generator
from avfake.evaluation.metrics import NoFigure
from avfake.export.onnx_detector import OnnxDetector
from avfake.model.streams import Looks
from avfake.params import EvaluateParams

BATCH_SIZE = 32
Scores = NDArray[np.float64]


def quantised(model: Any, detector: OnnxDetector, clips: Iterable[Looks]) -> Any:
    """An onnx.ModelProto whose convolutions calculate in eight bits.

    Args:
        model: of `avfake.export.graph.to_onnx`.
        detector: the same, ready to run.
        clips: of the training split, from which the ranges of the maps are taken.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        plain, ready, done = (str(Path(folder) / f"{name}.onnx") for name in ("plain", "ready", "done"))
        onnx.save(model, plain)
        quant_pre_process(plain, ready, skip_symbolic_shape=True)
        quantize_static(
            ready,
            done,
            _Ranges(detector, clips),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return onnx.load(done)


def scores_of(detector: OnnxDetector, clips: Iterable[Looks]) -> Scores:
    """Probability of fake of each clip, float64 [n]."""
    return np.array([detector.clip_score(looks, BATCH_SIZE) for looks in clips], np.float64)


def judge(
    target: NDArray[np.int64],
    plain: Scores,
    small: Scores,
    source: list[str | None],
    params: EvaluateParams,
) -> dict[str, Any]:
    """Both AUCs and the interval of the first, as `evaluate` makes it; and whether the second is inside.

    Args:
        target: int64 [n], 1 = fake. plain: scores in float32 [n]. small: in int8 [n].
        source: of each clip. params: the section `evaluate`.

    Raises:
        RunError: validation does not determine an interval.
    """
    try:
        interval = best_interval(
            target,
            plain,
            source,
            confidence=params.confidence,
            n_bootstrap=params.n_bootstrap,
            rng=generator(params.seed, "auc"),
        )
        auc, auc_small = metrics.auc(target, plain), metrics.auc(target, small)
    except NoFigure as none:
        raise RunError(
            f"the AUC on validation has no interval to judge int8 by: {none.reason}", "export without --int8"
        ) from None
    return {
        "clips": len(target),
        "auc": round(auc, 6),
        "auc_low": round(interval.low, 6),
        "auc_high": round(interval.high, 6),
        "interval": interval.how,
        "auc_int8": round(auc_small, 6),
        "largest_score_difference": float(f"{np.abs(plain - small).max():.3g}"),
        "inside": bool(interval.low <= auc_small <= interval.high),
    }


def require_inside(found: Mapping[str, Any]) -> None:
    """Raises RunError if the AUC in eight bits is outside the interval of that in float32."""
    if not found["inside"]:
        raise RunError(
            f"int8: AUC on validation {found['auc_int8']:.4f}, outside the interval of float32"
            f" ({found['auc_low']:.4f} to {found['auc_high']:.4f}): nothing was written",
            "export without --int8",
        )


class _Ranges:
    """What onnxruntime's calibration asks for: one batch of inputs after another, then None."""

    def __init__(self, detector: OnnxDetector, clips: Iterable[Looks]) -> None:
        self._feeds: Iterator[dict[str, Any]] = (
            feed for looks in clips for feed in detector.feeds(looks, BATCH_SIZE)
        )

    def get_next(self) -> dict[str, Any] | None:
        """The next batch."""
        return next(self._feeds, None)
