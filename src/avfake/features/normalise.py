"""From decibels to grey levels: what of a clip is taken for granted, and what is left to look at."""

import numpy as np

# Grey levels that one standard deviation is worth under `band_std`: three of them fit on either side.
SPREAD_LEVELS = 255 / 6
# dB. A band that hardly changes is not blown up until its rounding fills the picture.
LEAST_SPREAD = 1.0


def grey_levels(values: np.ndarray, normalise: str, dynamic_range: float) -> np.ndarray:
    """Decibels float32 [rows, frames] in [-dynamic_range, 0] as uint8 of the same shape.

    Args:
        values: of a whole clip.
        normalise:
            `peak`: 0 dB, the clip's loudest band, is 255 and `-dynamic_range` is 0. Loudness is gone.
            `band`: the mean of each row over the clip is 127.5, and 255 levels are `dynamic_range` still.
                What a microphone, a room or a codec does to every frame alike is gone (cepstral mean
                subtraction: Atal, JASA 55, 1974, doi:10.1121/1.1914702, here on the logarithmic spectrum).
            `band_std`: besides, one standard deviation of the row is `SPREAD_LEVELS` levels (mean and
                variance normalisation: Viikki and Laurila, Speech Communication 25, 1998).
        dynamic_range: dB.
    """
    if normalise == "peak":
        shares = values / np.float32(dynamic_range) + 1
    else:
        shares = values - values.mean(axis=1, keepdims=True)
        if normalise == "band_std":
            spread = np.maximum(values.std(axis=1, keepdims=True), np.float32(LEAST_SPREAD))
            shares *= np.float32(SPREAD_LEVELS / 255) / spread
        else:
            shares /= np.float32(dynamic_range)
        shares += np.float32(0.5)
    return np.rint(np.clip(shares * np.float32(255), 0, 255)).astype(np.uint8)
