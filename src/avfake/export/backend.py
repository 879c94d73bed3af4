"""What runs the detector of a Scorer: torch, or onnxruntime. Both are asked in the same way."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from avfake.errors import UserError
from avfake.export.onnx_detector import PICTURE as PICTURE
from avfake.export.onnx_detector import SOUND as SOUND
from avfake.export.onnx_detector import Floats, Judged
from avfake.export.saved import FACTS as FACTS
from avfake.export.saved import load_onnx

if TYPE_CHECKING:
    import torch

    from avfake.model.streams import Looks

BACKENDS = ("torch", "onnx")


class Backend(Protocol):
    """A detector, loaded and ready; several threads may ask at once.

    Attributes:
        model: avfake.model.saved.SavedModel or avfake.export.saved.SavedOnnx.
        device: torch's; None where torch has no part in it.
    """

    model: Any
    device: Any

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """Probability that a clip is fake, of its windows uint8 [n >= 1, C, H, W] or its streams."""

    def window_logits(self, looks: "Looks", batch_size: int) -> Floats:
        """Logits (real, fake) of each window, or of each pair, float64 [n, 2]."""


class OnnxBackend:
    """model.onnx in one session of onnxruntime."""

    def __init__(self, folder: str | Path, threads: int | None) -> None:
        self.model, self.device = load_onnx(folder, threads), None

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """As `Backend` says."""
        return self.judge(looks, batch_size).score

    def window_logits(self, looks: "Looks", batch_size: int) -> Floats:
        """As `Backend` says."""
        return self.judge(looks, batch_size).part_logits

    def judge(self, looks: "Looks", batch_size: int) -> Judged:
        """Both at once."""
        return self.model.detector.judge(looks, batch_size)


class TorchBackend:
    """model.safetensors in torch."""

    def __init__(self, folder: str | Path, device: str, threads: int | None) -> None:
        from avfake.model.inference import choose_device
        from avfake.model.saved import load_model

        self.device: torch.device = choose_device(device)
        self.model = load_model(folder, self.device)
        self.threads = threads

    def clip_score(self, looks: "Looks", batch_size: int) -> float:
        """As `Backend` says."""
        from avfake.model.inference import clip_score

        self._set_threads()
        return clip_score(self.model.detector, looks, batch_size, self.device)

    def window_logits(self, looks: "Looks", batch_size: int) -> Floats:
        """As `Backend` says."""
        from avfake.model.inference import window_logits

        self._set_threads()
        return window_logits(self.model.detector, looks, batch_size, self.device)

    def _set_threads(self) -> None:
        import torch

        # At each call: torch keeps a number for each thread of Python.
        if self.threads is not None and torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)


def load_backend(folder: str | Path, device: str, backend: str, threads: int | None) -> Backend:
    """The detector of a folder.

    Args:
        folder: of the model. device: `auto`, `cpu` or `cuda`. backend: of `BACKENDS`.
        threads: that the detector may use for a clip; None: as torch is set, or one per core.

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
