"""Clips like the contest's, built on the spot: H.264 384x384 at 30 fps, stereo at 44.1 kHz, 4 to 10 s."""

from pathlib import Path

from tests.clips import make_clip

SIZE, FPS, RATE = 384, 30, 44100


def build(folder: Path, n: int) -> list[Path]:
    """Writes `n` clips of speech-like sound, half of them MP3 and half AAC, 128 kbit/s."""
    return [
        make_clip(
            folder / f"clip-{index:03d}.mp4",
            seconds=4 + 6 * index / max(1, n - 1),
            rate=RATE,
            channels=2,
            seed=index,
            kind="speech",
            size=SIZE,
            fps=FPS,
            audio_codec=("libmp3lame", "aac")[index % 2],
        )
        for index in range(n)
    ]
