"""Front ends: sound to pictures. `baseline_image` is the known recipe's picture of a clip."""

from pathlib import Path

import numpy as np


def baseline_image(path: str | Path) -> np.ndarray:
    """The known baseline's picture of a clip's sound, uint8 [256, 256], low frequency in the first row.

    It takes the same way as the pipeline with `featurize.front_end: [baseline_image]` (sound kept as 16-bit
    samples at 22 050 Hz), hence the same bytes, and is within one grey level of the reference recipe in
    benchmarks/reference.py.

    Raises:
        avfake.media.errors.ClipError: the clip has no sound that can be read.
    """
    from avfake.features.baseline import SAMPLE_RATE, image_of
    from avfake.media.audio import read_audio
    from avfake.media.pcm import from_pcm, to_pcm

    return image_of(from_pcm(*to_pcm(read_audio(path, SAMPLE_RATE))))
