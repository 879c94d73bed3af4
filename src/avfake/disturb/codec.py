"""Sound through a lossy codec and back, packet by packet in memory: no file, no container."""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import soxr

from avfake.disturb.sound import RATE, fixed_length
from avfake.media.errors import ClipError


@dataclass(frozen=True)
class Codec:
    """A codec as FFmpeg names and feeds it.

    Attributes:
        encoder, decoder: FFmpeg's names.
        rate: Hz at which the encoder runs where it cannot run at the sound's own rate; the sound is resampled
            to it and back.
        form: the sample format that the encoder takes.
        delay: samples, at the encoder's rate, by which the decoded sound lags. LAME and Opus tell the
            decoder theirs, and FFmpeg takes it off. AAC's 1024 (one frame) stand in containers only, and the
            5 ms of AMR's look-ahead (3GPP TS 26.071) nowhere.
        rates: Hz, of all sounds that the encoder takes as they are, beside `rate`.
    """

    encoder: str
    decoder: str
    rate: int
    form: str
    delay: int
    rates: frozenset[int] = frozenset()

    def rate_for(self, sample_rate: int) -> int:
        """Hz at which a sound of `sample_rate` Hz is encoded."""
        return sample_rate if sample_rate in self.rates else self.rate


_MPEG_RATES = frozenset((8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000))
CODECS = {
    "aac": Codec("aac", "aac", RATE, "fltp", 1024, _MPEG_RATES),
    "mp3": Codec("libmp3lame", "mp3float", RATE, "fltp", 0, _MPEG_RATES),
    "opus": Codec("libopus", "opus", 48000, "flt", 0),
    "amr_nb": Codec("libopencore_amrnb", "amrnb", 8000, "s16", 40),
}


def recoded(sound: np.ndarray, codec: str, bit_rate: int, sample_rate: int = RATE) -> np.ndarray:
    """Encoded and decoded again, aligned with what went in and of the same length.

    Args:
        sound: float32 [n >= 1].
        codec: a name in `CODECS`.
        bit_rate: bit/s.
        sample_rate: Hz, of the sound.

    Returns:
        float32 [n]; a decoder may leave [-1, 1].

    Raises:
        ClipError: the codec refuses the sound.
    """
    chosen = CODECS[codec]
    rate = chosen.rate_for(sample_rate)
    own = sound if rate == sample_rate else soxr.resample(sound, sample_rate, rate, quality="HQ")
    try:
        packets, extradata = _encoded(own, chosen, rate, bit_rate)
        made = _decoded(packets, extradata, chosen, rate)
    except av.FFmpegError as error:
        raise ClipError(f"{chosen.encoder} cannot encode the sound: {error.strerror}") from None
    made = fixed_length(made[chosen.delay :], len(own))
    back = made if rate == sample_rate else soxr.resample(made, rate, sample_rate, quality="HQ")
    return fixed_length(back, len(sound))


def _encoded(
    sound: np.ndarray, codec: Codec, rate: int, bit_rate: int
) -> tuple[list[av.Packet], bytes | None]:
    context = av.CodecContext.create(codec.encoder, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", codec.form
    context.time_base = Fraction(1, rate)
    context.bit_rate = bit_rate
    context.thread_count = 1
    context.flags |= av.codec.context.Flags.bitexact
    frame = av.AudioFrame.from_ndarray(_as_format(sound, codec.form), codec.form, "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    return [*context.encode(frame), *context.encode(None)], context.extradata


def _decoded(packets: list[av.Packet], extradata: bytes | None, codec: Codec, rate: int) -> np.ndarray:
    context = av.CodecContext.create(codec.decoder, "r")
    context.thread_count = 1
    if extradata:
        context.extradata = extradata
    else:
        # Without a header the decoder has to be told; AMR's does not know its own rate.
        context.sample_rate, context.layout = rate, "mono"
    frames = [frame for packet in [*packets, None] for frame in context.decode(packet)]
    return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype(np.float32)


def _as_format(sound: np.ndarray, form: str) -> np.ndarray:
    """float32 [n] as the array [1, n] of a sample format."""
    if form == "s16":
        return np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)[None]
    return np.ascontiguousarray(sound, np.float32)[None]
