"""Tiny clips for the tests: written with PyAV, the same bytes for the same arguments.

make_clip(path, seconds=1.0, rate=44100, channels=2, kind="tone")
make_root(folder, n_train=6, n_val=4, n_test=4)
BROKEN["truncated"](path)
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}
TONE_HZ = 440.0
TONE_AMPLITUDE = 0.5


def tone(
    seconds: float, rate: int, frequency: float = TONE_HZ, amplitude: float = TONE_AMPLITUDE
) -> np.ndarray:
    """A pure sine, float32 [n]."""
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def speech(seconds: float, rate: int, seed: int) -> np.ndarray:
    """Speech-like sound, float32 [n]: gliding pitch, three moving formants, syllables, breath."""
    generator = np.random.default_rng([seed, 1])
    n = round(seconds * rate)
    time = np.arange(n) / rate
    pitch = generator.uniform(90, 220) * (1 + 0.15 * np.sin(2 * np.pi * generator.uniform(0.5, 2) * time))
    phase = np.cumsum(pitch) / rate
    sound = np.zeros(n)
    formants = [generator.uniform(*span) for span in ((350, 800), (1000, 2000), (2300, 3000))]
    for harmonic in range(1, int(min(rate / 2, 6000) / pitch.max())):
        frequency = harmonic * pitch
        gain = sum(1 / (1 + ((frequency - f * (1 + 0.1 * np.sin(5 * time))) / 180) ** 2) for f in formants)
        sound += gain * np.sin(2 * np.pi * harmonic * phase + generator.uniform(0, 6.28))
    sound /= np.abs(sound).max()
    syllables = np.sin(2 * np.pi * generator.uniform(2.5, 4.5) * time + generator.uniform(0, 6))
    sound = 0.4 * sound * np.clip(syllables, 0.02, 1) + 0.003 * generator.standard_normal(n)
    return sound.astype(np.float32)


def forge(sound: np.ndarray, rate: int, generator: str = "comb") -> np.ndarray:
    """A crude forgery that the ear and a spectrogram tell from the real sound.

    `comb`: an echo of 1 ms, as notches; `alias`: every third sample held, as mirrored bands above.
    """
    if generator == "comb":
        delay = max(1, rate // 1000)
        delayed = np.concatenate([np.zeros(delay, np.float32), sound[:-delay]])
        return (0.5 * (sound + delayed)).astype(np.float32)
    if generator == "alias":
        return np.repeat(sound[::3], 3)[: len(sound)].astype(np.float32)
    raise ValueError(f"unknown forgery {generator}")


def pictures(n: int, size: int, seed: int, face: np.ndarray | None = None) -> list[np.ndarray]:
    """`n` RGB frames uint8 [size, size, 3] in which a bright square moves, or a face sways."""
    generator = np.random.default_rng([seed, 2])
    base = cv2.resize(generator.integers(40, 160, (8, 8, 3), dtype=np.uint8), (size, size))
    frames = []
    for index in range(n):
        if face is not None:
            shift = np.array([[1, 0, 2 * np.sin(index / 3)], [0, 1, np.cos(index / 4)]], np.float32)
            frame = cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA)
            frame = cv2.warpAffine(frame, shift, (size, size), borderMode=cv2.BORDER_REPLICATE)
        else:
            frame = base.copy()
            x = (3 * index + 7 * seed) % (size - size // 4)
            frame[size // 3 : size // 2, x : x + size // 4] = 230
        frames.append(np.ascontiguousarray(frame))
    return frames


def _fan_out(mono: np.ndarray, channels: int, seed: int) -> np.ndarray:
    """Spread mono float32 [n] over channels [channels, n] which differ a little, as a real recording's do."""
    gains = 1 - 0.2 * np.random.default_rng([seed, 3]).random(channels)
    gains[0] = 1.0
    return (gains[:, None] * mono[None]).astype(np.float32)


def write_clip(
    path: Path,
    sound: np.ndarray | None,
    rate: int,
    frames: Sequence[np.ndarray],
    fps: int = 10,
    audio_codec: str = "aac",
    bit_rate: int = 128_000,
) -> Path:
    """Write float32 [channels, n] and RGB frames as one clip; `sound` None or no frames leave a track out."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as out:
        video: Any = None
        audio: Any = None
        if len(frames):
            video = out.add_stream("libx264", rate=fps, options={"preset": "veryfast", "threads": "1"})
            video.height, video.width = frames[0].shape[:2]
            video.pix_fmt = "yuv420p"
        if sound is not None:
            audio = out.add_stream(audio_codec, rate=rate, layout=LAYOUTS[sound.shape[0]])
            audio.bit_rate = bit_rate
            audio.codec_context.flags |= av.codec.context.Flags.bitexact
            resampler = av.AudioResampler(audio.codec_context.format, audio.codec_context.layout, rate)
        steps = max(1, len(frames))
        for step in range(steps):
            if video is not None:
                picture = av.VideoFrame.from_ndarray(frames[step], format="rgb24")
                picture.pts = step
                picture.time_base = Fraction(1, fps)
                out.mux(video.encode(picture))
            if sound is not None:
                first, last = (round(i * sound.shape[1] / steps) for i in (step, step + 1))
                if last > first:
                    packed = np.ascontiguousarray(sound[:, first:last].T).reshape(1, -1)
                    piece = av.AudioFrame.from_ndarray(packed, format="flt", layout=LAYOUTS[sound.shape[0]])
                    piece.sample_rate, piece.pts, piece.time_base = rate, first, Fraction(1, rate)
                    for ready in resampler.resample(piece):
                        out.mux(audio.encode(ready))
        if video is not None:
            out.mux(video.encode(None))
        if audio is not None:
            for ready in resampler.resample(None):
                out.mux(audio.encode(ready))
            out.mux(audio.encode(None))
    return path


def make_clip(
    path: Path,
    seconds: float = 1.0,
    rate: int = 44100,
    channels: int = 2,
    seed: int = 0,
    kind: str = "tone",
    video: bool = True,
    audio: bool = True,
    size: int = 64,
    fps: int = 10,
    audio_codec: str = "aac",
    bit_rate: int = 128_000,
    forgery: str | None = None,
    face: np.ndarray | None = None,
    video_seconds: float | None = None,
) -> Path:
    """Write one clip and return its path.

    Args:
        path: the suffix chooses the container (.mp4, .mkv, .wav, ...).
        seconds: length of the sound, and of the picture unless `video_seconds` says otherwise.
        rate: Hz. channels: 1, 2, 6 or 8.
        kind: "tone" (440 Hz at half amplitude in the first channel), "speech" or "silence".
        video, audio: which tracks the clip has.
        size: width and height of the picture. fps: frames per second.
        forgery: None, "comb" or "alias" (see `forge`).
        face: RGB photograph [h, w, 3] that becomes the picture.
    """
    mono = {
        "tone": lambda: tone(seconds, rate),
        "speech": lambda: speech(seconds, rate, seed),
        "silence": lambda: np.zeros(round(seconds * rate), np.float32),
    }[kind]()
    if forgery is not None:
        mono = forge(mono, rate, forgery)
    n_frames = max(1, round((seconds if video_seconds is None else video_seconds) * fps)) if video else 0
    sound = _fan_out(mono, channels, seed) if audio else None
    return write_clip(path, sound, rate, pictures(n_frames, size, seed, face), fps, audio_codec, bit_rate)


def clip_name(split: str, index: int, seed: int = 0) -> str:
    """The name of a root's clip: a hash, as the contest's names are."""
    return hashlib.sha256(f"{split} {index} {seed}".encode()).hexdigest()[:32] + ".mp4"


def make_root(
    folder: Path,
    n_train: int = 6,
    n_val: int = 4,
    n_test: int = 0,
    seed: int = 0,
    generators: Sequence[str] = ("comb",),
    test_generators: Sequence[str] = ("alias",),
    seconds: float = 1.0,
    rate: int = 16000,
    channels: int = 1,
    columns: bool = True,
    **clip_arguments: Any,
) -> dict[str, list[str]]:
    """Write a whole data root, half real and half fake (index even: real); return the names of each split.

    Fakes of training and validation come from `generators`, those of the test from `test_generators`; a real
    clip and the fake after it share one `source`, and no source is in two splits. `columns` False leaves the
    labels at `video_name,target`. Further arguments go to `make_clip`.
    """
    folder = Path(folder)
    names: dict[str, list[str]] = {}
    for number, (split, count) in enumerate((("train", n_train), ("val", n_val), ("test", n_test))):
        if count == 0:
            continue
        clips = folder / f"{split}set"
        clips.mkdir(parents=True, exist_ok=True)
        kinds = test_generators if split == "test" else generators
        rows = []
        for index in range(count):
            fake = index % 2
            forgery = kinds[(index // 2) % len(kinds)] if fake else None
            name = clip_name(split, index, seed)
            voice = 10_000 * seed + 1000 * number + index // 2
            make_clip(
                clips / name,
                **{
                    "seconds": seconds + 0.1 * (index // 2 % 3),
                    "rate": rate,
                    "channels": channels,
                    "seed": voice,
                    "kind": "speech",
                    "size": 32,
                    "fps": 5,
                    "bit_rate": 64_000,
                    "forgery": forgery,
                    **clip_arguments,
                },
            )
            rows.append((name, fake, forgery or "real", f"{split}-voice-{index // 2}"))
        write_labels(folder / f"{split}_label.txt", rows, columns)
        names[split] = [row[0] for row in rows]
    return names


def write_labels(path: Path, rows: Sequence[tuple[str, int, str, str]], columns: bool = True) -> None:
    """Write a label file of rows (video_name, target, generator, source)."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        width = 4 if columns else 2
        writer.writerow(("video_name", "target", "generator", "source")[:width])
        writer.writerows(row[:width] for row in rows)


def empty(path: Path) -> Path:
    """A file of no bytes."""
    Path(path).write_bytes(b"")
    return Path(path)


def text(path: Path) -> Path:
    """A text file with a clip's suffix."""
    Path(path).write_text("this is a shopping list, not a clip\n" * 20, encoding="utf-8")
    return Path(path)


def truncated(path: Path) -> Path:
    """The first half of a clip whose index lies at the end: no reader can open it."""
    whole = make_clip(path, seconds=2.0, kind="speech").read_bytes()
    Path(path).write_bytes(whole[: len(whole) // 2])
    return Path(path)


def truncated_stream(path: Path, share: float = 0.5) -> Path:
    """A clip whose index lies in front and whose packets stop early: it opens, the sound ends too soon."""
    path = Path(path)
    source = make_clip(path.with_name(path.stem + "-whole.mp4"), seconds=2.0, kind="speech")
    with av.open(str(source)) as inp, av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        streams = {stream.index: out.add_stream_from_template(stream) for stream in inp.streams}
        for packet in inp.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    source.unlink()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


BROKEN: dict[str, Callable[[Path], Path]] = {
    "empty": empty,
    "text": text,
    "truncated": truncated,
    "truncated_stream": truncated_stream,
    "no_audio": lambda path: make_clip(path, audio=False),
    "no_video": lambda path: make_clip(path, kind="speech", video=False),
    "short": lambda path: make_clip(path, seconds=0.1),
    "silence": lambda path: make_clip(path, kind="silence"),
    "eight_channels": lambda path: make_clip(path, rate=48000, channels=8, kind="speech"),
}
