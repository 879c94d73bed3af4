"""Spectral lines at multiples of a generator's frame rate.

A neural vocoder or codec makes a frame of samples at a time, by upsampling. Its layers are not quite equal
over the samples of a frame, so that something of every frame is the same, and what is the same in every frame
is a line at a multiple of the frame rate: weak, but exact to a fraction of a hertz for as long as the clip
lasts, and at dozens of multiples at once. No voice and no room does that. Odena et al., Deconvolution and
checkerboard artifacts, Distill, 2016, doi:10.23915/distill.00003, for pictures; Pons et al., Upsampling
artifacts in neural audio synthesis, arXiv 2010.14356; for detection Afchar et al., A Fourier explanation of
AI-music artifacts, arXiv 2506.19108.

The rates are those that vocoders and codecs are published with: a sample rate divided by a hop.
"""

import math
from functools import lru_cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from avfake.params import FrameLinesParams

Floats = NDArray[np.float64]

# Samples of one Fourier transform at most; longer sound is cut into equal parts whose spectra are averaged.
_LONGEST = 2**18
# Seconds. In less, lines are too broad to be told from voice.
_SHORTEST = 1.0
# The transform that whitens: samples, samples between frames; frames and bins that a level is the mean over.
_WINDOW, _HOP = 256, 64
_SMOOTHED = (3, 17)
# Of the highest level, so that digital silence stays what it is.
_FLOOR = 1e-9
# Hz, and bins in it whose median is the level that a line has to stand out of.
_NEIGHBOURS, _PLACES = 12.0, 49
# Combs that a comb is compared with: moved by these parts of its rate, never onto its neighbours.
_ASIDE = np.linspace(0.07, 0.93, 64)
# What the largest of ten rates is where there are no lines: up to it a rate says nothing. And what is enough.
_SILENT, _ENOUGH = 1.5, 11.5
# A line counts for no more than this many times the power around it, and the two strongest count for nothing:
# a whistle or a hum alone is no comb.
_MOST, _LEFT_OUT = 8.0, 2


def frame_lines(sound: np.ndarray, sample_rate: int, params: FrameLinesParams) -> Floats:
    """How much power lies at multiples of each rate, float64 [rates], in standard deviations.

    The sound is whitened in time and frequency, so that lines show that speech is louder than. In its power
    spectrum every bin is divided by the median around it and cut at 8. What is asked of a rate is the sum
    over its multiples between `fmin` and `fmax`, the two largest left out. Its value is the smaller of two:
    how many standard deviations that is above as many bins anywhere, and above the same comb moved aside by
    parts of the rate. The second is small where few and strong lines, of a machine or another comb, lie on
    some multiples of many rates. Without lines the value is seldom above 1.5.

    Args:
        sound: float32 [n]. Zeros are returned for less than a second, and for silence.
        sample_rate: Hz.
        params: the rates, and between which frequencies lines are looked for.
    """
    if len(sound) < _SHORTEST * sample_rate or not sound.any():
        return np.zeros(len(params.rates))
    parts = np.array_split(sound.astype(np.float32), math.ceil(len(sound) / _LONGEST))
    n_fft = scipy.fft.next_fast_len(2 * len(parts[0]), real=True)
    bin_hz = sample_rate / n_fft
    lowest, highest = round(params.fmin / bin_hz), min(round(params.fmax / bin_hz), n_fft // 2)
    power = np.zeros(highest + 1)
    for part in parts:
        spectrum = np.abs(scipy.fft.rfft(_whitened(part) * np.hanning(len(part)), n_fft)[: highest + 1])
        power += np.minimum((spectrum / _level(spectrum, bin_hz)) ** 2, _MOST)
    power /= len(parts)
    mean, spread = power[lowest:].mean(), power[lowest:].std()
    if not spread:
        return np.zeros(len(params.rates))
    power -= mean
    power /= spread
    return np.array([_value(power, multiples(rate, params) / bin_hz, rate / bin_hz) for rate in params.rates])


def line_levels(values: Floats) -> NDArray[np.uint8]:
    """Values of `frame_lines` as grey levels, uint8 [rates]: 0 up to 1.5, 255 from 11.5."""
    shares = (values - _SILENT) / (_ENOUGH - _SILENT)
    return np.rint(np.clip(shares * 255, 0, 255)).astype(np.uint8)


def level_value(level: float) -> float:
    """Standard deviations that a grey level of `line_levels` stands for: 1.5 is "no more than that"."""
    return _SILENT + level / 255 * (_ENOUGH - _SILENT)


def multiples(rate: float, params: FrameLinesParams) -> Floats:
    """Multiples of a rate from `fmin` to `fmax`, float64 [n] in Hz."""
    numbers = np.arange(math.ceil(params.fmin / rate), math.floor(params.fmax / rate) + 1)
    return numbers.astype(np.float64) * rate


def _value(power: Floats, bins: Floats, period: float) -> float:
    """Standard deviations of a comb.

    Args:
        power: standardised, of every bin.
        bins: places of the comb's lines.
        period: bins from one to the next.
    """
    found = float(_sums(power, bins))
    beside = _sums(power, bins[:-1] + _ASIDE[:, None] * period)
    spread = float(beside.std())
    return min(found, (found - float(beside.mean())) / spread) if spread else found


def _sums(power: Floats, bins: Floats) -> Floats:
    """Sums of power at bins [..., n], without the largest of each, over the root of n: float64 [...]."""
    # A multiple at half of the sample rate may round to the bin behind the last.
    places = np.minimum(np.rint(bins).astype(np.int64), len(power) - 1)
    values = np.sort(power[places], axis=-1)
    n = values.shape[-1]
    sums: Floats = values[..., : n - _LEFT_OUT].sum(axis=-1) / math.sqrt(n)
    return sums


def _level(spectrum: Floats, bin_hz: float) -> Floats:
    """Median of a magnitude spectrum over the neighbourhood of each bin, float64 [bins]."""
    from scipy.ndimage import median_filter  # a third of a second of import

    step = max(1, round(_NEIGHBOURS / bin_hz / _PLACES))
    medians = median_filter(spectrum[::step], _PLACES, mode="nearest")
    levels = np.interp(np.arange(len(spectrum)), np.arange(len(medians)) * step, medians)
    return np.maximum(levels, np.finfo(np.float32).tiny)


def _whitened(sound: NDArray[np.float32]) -> Floats:
    """Sound [n] with every frame and bin of a short-time transform divided by the level around it."""
    from scipy.ndimage import uniform_filter

    window = _hann()
    padded = np.pad(sound, (_WINDOW, _WINDOW + -len(sound) % _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectra = scipy.fft.rfft(frames * window, axis=1)
    level = uniform_filter(spectra.real**2 + spectra.imag**2, _SMOOTHED[::-1])
    highest = level.max()
    if not highest:
        return np.zeros(len(sound))
    spectra /= np.sqrt(level + _FLOOR * highest)
    pieces = scipy.fft.irfft(spectra, _WINDOW, axis=1) * window
    # Frames overlap fourfold: all first quarters side by side, all second ones a hop later, and so on.
    whole = np.zeros((len(pieces) + _WINDOW // _HOP - 1, _HOP))
    for quarter in range(_WINDOW // _HOP):
        whole[quarter : quarter + len(pieces)] += pieces[:, quarter * _HOP : (quarter + 1) * _HOP]
    return whole.reshape(-1)[_WINDOW : _WINDOW + len(sound)].astype(np.float64)


@lru_cache(maxsize=1)
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
