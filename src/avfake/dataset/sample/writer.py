"""The one writer of clips: real and fake alike become H.264 and AAC in an .mp4."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

AUDIO_BITRATE = "96k"
PRESET = "veryfast"
BITEXACT = [
    "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
    "-pix_fmt", "yuv420p",
]  # fmt: skip


def encoder() -> str:
    """The program that encodes, with its version."""
    from moviepy.config import FFMPEG_BINARY

    return Path(FFMPEG_BINARY).name


def mp4(frames: Sequence[np.ndarray], frame_rate: int, sound: np.ndarray, rate: int) -> bytes:
    """A clip as the bytes of an .mp4 file; the same input gives the same bytes.

    Args:
        frames: uint8 [h, w, 3], RGB.
        frame_rate: per second.
        sound: float32 [n], mono, as long as the frames; written to both channels.
        rate: Hz.
    """
    from moviepy import VideoClip
    from moviepy.audio.AudioClip import AudioArrayClip

    duration = len(frames) / frame_rate
    last = len(frames) - 1
    # Half a frame keeps rounding in the middle: frame times are sums of fractions.
    clip = VideoClip(lambda t: frames[min(last, int(t * frame_rate + 0.5))], duration=duration)
    # Two equal channels: moviepy 2.2.1 plays every array as stereo, and one column comes out at half speed.
    stereo = np.repeat(sound[:, None].astype(np.float64), 2, axis=1)
    clip = clip.with_audio(AudioArrayClip(stereo, fps=rate))
    # A folder of its own per clip: two processes never share moviepy's temporary sound file.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        clip.write_videofile(
            str(path),
            fps=frame_rate,
            codec="libx264",
            preset=PRESET,
            audio_codec="aac",
            audio_fps=rate,
            audio_bitrate=AUDIO_BITRATE,
            temp_audiofile=str(Path(folder) / "sound.m4a"),
            threads=1,
            ffmpeg_params=BITEXACT,
            logger=None,
        )
        return path.read_bytes()
