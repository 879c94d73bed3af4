"""A clip's sound encoded anew, as its own was: same codec, rate and channels, nearly the same bit rate."""

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np

from avfake.forge.clip.reading import LAYOUTS, Track
from avfake.media.errors import ClipError

# Decoder -> encoder, and the form of samples that it takes.
_ENCODERS = {"aac": ("aac", "fltp"), "mp3float": ("libmp3lame", "fltp"), "opus": ("libopus", "flt")}
_OTHERS = ("aac", "fltp")
# Of sound that comes without loss, or from a codec that is not used again: bit/s per channel, at most.
_CHANNEL_BIT_RATE = 64_000
# Encoders miss the bit rate that they are asked for, each its own way. Derived clips would be known by it.
_NEAR = 0.02
_TRIES = 3


def with_samples(track: Track, samples: np.ndarray, in_step: bool) -> np.ndarray:
    """The track's channels with other sound in the middle, float32 [channels, n] in [-1, 1].

    Args:
        track: as it was.
        samples: float32 [n], in place of its mean.
        in_step: they say the same at the same time; then what each channel has beside the mean is kept. For
            two channels that is the side signal, (left - right) / 2. Else it would be heard as an echo: each
            channel gets the samples as loud as it had the mean, so that a voice stays left or right.
    """
    mid = track.mid()
    if in_step and len(samples) == len(mid):
        made = samples + (track.channels - mid)
    else:
        power = float(np.dot(mid, mid))
        gains = track.channels @ mid / power if power else np.ones(len(track.channels))
        made = gains[:, None] * samples
    return np.clip(made, -1, 1).astype(np.float32)


def encoded_sound(channels: np.ndarray, track: Track) -> bytes:
    """An .mp4 file that holds the sound alone, the same bytes for the same input.

    Args:
        channels: float32 [channels, n] in [-1, 1].
        track: whose codec, rate and bit rate are taken.

    Raises:
        ClipError: the codec refuses the sound.
    """
    codec, form = _ENCODERS.get(track.codec, _OTHERS)
    wanted = track.bit_rate
    if track.codec not in _ENCODERS:
        wanted = min(wanted, _CHANNEL_BIT_RATE * len(channels))
    asked, best, least = wanted, b"", np.inf
    for _ in range(_TRIES):
        try:
            made, n_bytes = _encoded(channels, track.rate, codec, form, asked)
        except (av.FFmpegError, ValueError) as error:
            raise ClipError(f"{codec} cannot encode the sound: {error}") from None
        got = 8 * n_bytes * track.rate / channels.shape[1]
        if abs(got / wanted - 1) < least:
            best, least = made, abs(got / wanted - 1)
        if least < _NEAR:
            break
        asked = round(min(max(asked * wanted / got, wanted / 2), wanted * 2))
    return best


def _encoded(channels: np.ndarray, rate: int, codec: str, form: str, bit_rate: int) -> tuple[bytes, int]:
    """An .mp4 file, and the bytes of its packets."""
    file, n_bytes = io.BytesIO(), 0
    # Lengths in samples: FFmpeg writes them in milliseconds else.
    options = {"fflags": "+bitexact", "movie_timescale": str(rate)}
    with av.open(file, "w", "mp4", options=options) as out:
        stream: Any = out.add_stream(codec, rate=rate, layout=LAYOUTS[len(channels)], bit_rate=bit_rate)
        context = stream.codec_context
        context.format, context.thread_count = form, 1
        context.flags |= av.codec.context.Flags.bitexact
        for frame in (_frame(channels, rate, form), None):
            for packet in stream.encode(frame):
                n_bytes += packet.size
                out.mux(packet)
    return file.getvalue(), n_bytes


def _frame(channels: np.ndarray, rate: int, form: str) -> av.AudioFrame:
    laid_out = channels if form.endswith("p") else channels.T.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(laid_out), form, LAYOUTS[len(channels)])
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return frame
