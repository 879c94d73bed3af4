"""What runs the detector of a Scorer: torch, or onnxruntime. Both are asked in the same way."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from avfake.errors import UserError
from avfake.export.onnx_detector import Floats
from avfake.export.saved import load_onnx

if TYPE_CHECKING:
    from avfake.model.streams import Looks

BACKENDS = ("torch", "onnx")


class Backend(Protocol):
    """A detector, loaded and ready; several threads may ask at once.

    Attributes:
        model: avfake.model.saved.SavedModel or avfake.export.saved.SavedOnnx.
        device: torch's; None where torch has no part in it.
        threads: that it uses for a clip; None: as many as the library takes by itself.
    """

    model: Any
    device: Any
    threads: int | None

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """Probability that a clip is fake, of its windows uint8 [n >= 1, C, H, W] or its streams."""

    def figures(self, looks: "Looks", batch_size: int) -> tuple[float, Floats]:
        """`clip_score`, and the probability of each window, face or pair by itself, float64 [n]."""


class OnnxBackend:
    """model.onnx in one session of onnxruntime."""

    def __init__(self, folder: str | Path, threads: int | None) -> None:
        self.model, self.device = load_onnx(folder, threads), None
        self.threads: int | None = self.model.detector.threads

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """As `Backend` says."""
        return self.model.detector.clip_score(looks, batch_size)

    def figures(self, looks: "Looks", batch_size: int) -> tuple[float, Floats]:
        """As `Backend` says."""
        judged = self.model.detector.judge(looks, batch_size)
        return judged.score, judged.parts


class TorchBackend:
    """model.safetensors in torch."""

    def __init__(self, folder: str | Path, device: str, threads: int | None) -> None:
        from avfake.model.inference import choose_device
        from avfake.model.saved import load_model

        self.device = choose_device(device)
        self.model = load_model(folder, self.device)
        self.threads: int | None = threads or self.model.facts["train"].get("threads")

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """As `Backend` says."""
        from avfake.model.inference import clip_score

        self._set_threads()
        return clip_score(self.model.detector, looks, batch_size, self.device)

    def figures(self, looks: "Looks", batch_size: int) -> tuple[float, Floats]:
        """As `Backend` says; the score is that of `clip_score` bit for bit."""
        from avfake.model.ensemble import members_of
        from avfake.model.inference import clip_probability, fake_probability, window_logits
        from avfake.model.pooling import attend, is_attentive

        self._set_threads()
        scores, parts = [], []
        for member in members_of(self.model.detector):
            if is_attentive(member):
                assert isinstance(looks, np.ndarray)  # attention is of sound
                attended = attend(member, looks, batch_size, self.device)
                whole, each = attended.clip, attended.logits
            else:
                whole = each = window_logits(member, looks, batch_size, self.device)
            scores.append(clip_probability(whole, member.pooling))
            parts.append(fake_probability(each))
        mean: Floats = np.mean(parts, axis=0)
        return float(np.mean(scores)), mean

    def _set_threads(self) -> None:
        import torch

        # At each call: torch keeps a number for each thread of Python.
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)


def load_backend(folder: str | Path, device: str, backend: str, threads: int | None) -> Backend:
    """The detector of a folder.

    Args:
        folder: of the model. device: `auto`, `cpu` or `cuda`. backend: of `BACKENDS`.
        threads: that the detector may use for a clip; None: as many as the model was trained with.

    Raises:
        UserError: one of the arguments is unknown, or the model is missing or damaged.
    """
    if backend not in BACKENDS:
        raise UserError(f"backend: `{backend}` is unknown", f"use {' or '.join(BACKENDS)}")
    if threads is not None and threads < 1:
        raise UserError(f"threads: {threads} is too few", "use 1 or more")
    if backend == "torch":
        return TorchBackend(folder, device, threads)
    if device not in ("auto", "cpu"):
        raise UserError(
            f"device: the backend onnx runs on the CPU, not on `{device}`",
            "use auto or cpu, or backend torch",
        )
    return OnnxBackend(folder, threads)
