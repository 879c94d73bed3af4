"""A clip's sound, sample for sample as the reference recipe hears it, without its wav file and its processes.

The recipe (benchmarks/reference.py) lets moviepy call ffmpeg for 16-bit stereo at 44.1 kHz, writes that to a
wav file and lets librosa average the channels and resample with soxr. Here the same numbers come from the
audio packets alone: no picture is demuxed or decoded, no process started, no file written.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import soxr

from avfake.media.container import best_stream, decoding, keep_only, opened
from avfake.media.errors import ClipError

REFERENCE_RATE = 44100
# moviepy clips to +-0.99 before it writes 16-bit samples.
_CLIP = int(0.99 * 32768)
# swresample's gain from one channel to each of two.
_MONO_TO_STEREO = np.float32(math.sqrt(0.5))
# Of the difference of two channels: below it they are the same.
LEAST_DB = -120.0
# Below this share of the sound that the container declares, the rest is taken to be lost. Real files differ
# from their header by a frame or two.
_COMPLETE = 0.9
# Decoded sound that needs no resampler: only rounding, and the gain above for one channel.
_PLAIN = (("fltp", "mono", REFERENCE_RATE), ("fltp", "stereo", REFERENCE_RATE))


class Sound(NamedTuple):
    """What is heard of a clip.

    Attributes:
        mono: float32 [n] in [-1, 1], the mean of the channels.
        left_right_db: loudness of the difference of the two channels against their sum, dB, at least
            `LEAST_DB`; None for one channel. Sound of more channels is mixed down to two first.
    """

    mono: np.ndarray
    left_right_db: float | None


def read_audio(path: str | Path, sample_rate: int, max_seconds: float | None = None) -> np.ndarray:
    """The clip's sound, float32 [n] in [-1, 1], mono.

    Args:
        path: any file with a sound track that FFmpeg reads.
        sample_rate: Hz, of the result.
        max_seconds: sound beyond this is not read; None: all of it.

    Raises:
        ClipError: the file cannot be opened, has no sound track, or the track breaks off.
    """
    with opened(path) as container:
        return sound_of(container, sample_rate, max_seconds).mono


def sound_of(container: Any, sample_rate: int, max_seconds: float | None = None) -> Sound:
    """As `read_audio`, of an open container; its other streams are discarded from here on."""
    stream = best_stream(container, "audio")
    keep_only(container, stream)
    n = _n_samples(container, max_seconds)
    with decoding("sound"):
        levels = _levels(container, stream, n)
    left_right_db = None if stream.codec_context.layout.nb_channels == 1 else _left_right_db(levels[:, :n])
    mono = _mono(levels, n)
    return Sound(resampled(mono, sample_rate), left_right_db)


def resampled(mono: np.ndarray, sample_rate: int) -> np.ndarray:
    """Sound float32 [n] at `REFERENCE_RATE`, as every clip's is brought to `sample_rate` Hz."""
    if sample_rate == REFERENCE_RATE:
        return mono
    sound = soxr.resample(mono, REFERENCE_RATE, sample_rate, quality="HQ")
    return _fixed_length(sound, math.ceil(len(mono) * sample_rate / REFERENCE_RATE))


def _n_samples(container: Any, max_seconds: float | None) -> int | None:
    """Length of the reference's wav in samples, or None where the container does not say how long it is.

    moviepy reads the duration from ffmpeg's log, which rounds it to hundredths of a second.
    """
    if container.duration is None:
        return None if max_seconds is None else int(max_seconds * REFERENCE_RATE)
    minutes, hundredths = divmod((container.duration + 5000) // 10000, 6000)
    hours, minutes = divmod(minutes, 60)
    seconds = float(f"{hundredths / 100:.2f}") + 60 * float(minutes) + 3600 * float(hours)
    n = int(REFERENCE_RATE * seconds)
    return n if max_seconds is None else min(n, int(max_seconds * REFERENCE_RATE))


def _levels(container: Any, stream: Any, n: int | None) -> np.ndarray:
    """16-bit levels at 44.1 kHz, float32 [channels, samples]; a single channel stands for two equal ones."""
    declared = None if stream.duration is None else stream.duration * stream.time_base
    wanted = None if n is None else Fraction(n, REFERENCE_RATE)
    collect: _Planes | _Resampled | None = None
    rate = decoded = 0  # of the source: Hz, samples
    end = enough = math.inf  # of the source's samples: where the track ends, where no more are needed
    for frame, samples in _frames(container, stream):
        if collect is None:
            # Only the first frame knows: some codecs decode to another rate than the header says.
            rate = frame.sample_rate
            plain = (frame.format.name, frame.layout.name, rate) in _PLAIN
            collect = _Planes(frame.layout.nb_channels) if plain else _Resampled()
            end = math.inf if declared is None else round(declared * rate)
            enough = math.inf if wanted is None else (wanted + 1) * rate // 1
        elif frame.sample_rate != rate:
            raise ClipError("the sound changes its sample rate midway")
        collect.add(frame, int(min(samples, max(0, end - decoded))))
        decoded += samples
        if decoded > enough:
            break
    if collect is None:
        raise ClipError("the audio stream holds no sound")
    expected = min((length for length in (declared, wanted) if length is not None), default=None)
    if declared is not None and expected is not None and decoded < _COMPLETE * expected * rate:
        raise ClipError(f"truncated: {decoded / rate:.2f} s of {float(expected):.2f} s of sound can be read")
    return collect.finished()


def _frames(container: Any, stream: Any) -> Iterator[tuple[Any, int]]:
    """Decodes the stream to its end, or to where the file breaks off: frames, and how much of each counts."""
    context = stream.codec_context
    context.thread_count = 1
    decode = context.decode
    held = None
    duration = 0  # of the last packet
    try:
        for packet in container.demux(stream):
            duration = packet.duration or duration  # the packet that flushes has none
            try:
                for frame in decode(packet):
                    if held is not None:
                        yield held, held.samples
                    held = frame
            except av.InvalidDataError:
                continue  # as ffmpeg does: a frame is lost and the sound goes on; `_COMPLETE` limits that
    except av.InvalidDataError:
        duration = 0
    if held is not None:
        # A codec's last frame is as long as all others, and its packet says how much of it is sound. The
        # ffmpeg program cuts it there; the libraries that PyAV brings do not.
        exact = duration and stream.time_base * held.sample_rate == 1
        yield held, min(held.samples, duration) if exact else held.samples


class _Planes:
    """Collects float frames at 44.1 kHz, and rounds them to 16 bits as swresample does."""

    def __init__(self, channels: int) -> None:
        self._sound = np.empty((channels, 10 * REFERENCE_RATE), np.float32)
        self._used = 0

    def add(self, frame: Any, samples: int) -> None:
        planes = frame.planes
        if len(planes) != len(self._sound):
            raise ClipError("the sound changes its channels midway")
        end = self._used + samples
        if end > self._sound.shape[1]:
            # One block that doubles is several times cheaper than joining hundreds of pieces at the end.
            larger = np.empty((len(planes), 2 * end), np.float32)
            larger[:, : self._used] = self._sound[:, : self._used]
            self._sound = larger
        if samples:
            for channel, plane in zip(self._sound, planes, strict=True):
                channel[self._used : end] = np.frombuffer(plane, np.float32, samples)
        self._used = end

    def finished(self) -> np.ndarray:
        sound = self._sound[:, : self._used]
        sound *= np.float32(32768) if len(sound) == 2 else np.float32(32768) * _MONO_TO_STEREO
        return np.rint(sound, out=sound)


class _Resampled:
    """Collects frames of any other form through swresample, as the ffmpeg program converts them."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler("s16", "stereo", REFERENCE_RATE)
        self._pieces: list[np.ndarray] = []

    def add(self, frame: Any, samples: int) -> None:
        if samples == 0:
            return
        if samples < frame.samples:
            # Cut before the resampler, which would otherwise smear the rest into the end.
            queue = av.AudioFifo()
            frame.pts = None
            queue.write(frame)
            frame = queue.read(samples)
        frame.pts = None  # gaps and jumps of the clock are not filled, as in the reference
        try:
            self._take(self._resampler.resample(frame))
        except ValueError:
            raise ClipError("the sound changes its sample rate or channels midway") from None

    def finished(self) -> np.ndarray:
        self._take(self._resampler.resample(None))
        packed = np.concatenate(self._pieces)
        return np.ascontiguousarray(packed.reshape(-1, 2).T, np.float32)

    def _take(self, frames: list[Any]) -> None:
        for frame in frames:
            self._pieces.append(np.frombuffer(frame.planes[0], np.int16, 2 * frame.samples))


def _mono(levels: np.ndarray, n: int | None) -> np.ndarray:
    """16-bit levels [channels, m] to float32 [n] in [-1, 1]: the mean of the channels."""
    levels = levels[:, :n]
    # No clip to 16 bits before: moviepy's is the narrower one.
    np.clip(levels, -_CLIP, _CLIP, out=levels)
    mono = levels[0]
    for channel in levels[1:]:
        mono += channel
    mono *= np.float32(1 / (32768 * len(levels)))
    return mono if n is None else _fixed_length(mono, n)


def _left_right_db(levels: np.ndarray) -> float:
    """Energy of left minus right over left plus right, of levels [2, n]; `LEAST_DB` where they are equal."""
    if len(levels) == 1:
        return LEAST_DB
    left, right = levels
    difference, total = left - right, left + right
    ratio = float(np.dot(difference, difference)) / max(float(np.dot(total, total)), 1.0)
    return max(LEAST_DB, 10 * math.log10(ratio)) if ratio > 0 else LEAST_DB


def _fixed_length(sound: np.ndarray, n: int) -> np.ndarray:
    """Cut or padded with zeros to n samples."""
    if len(sound) >= n:
        return sound[:n]
    return np.concatenate([sound, np.zeros(n - len(sound), sound.dtype)])
