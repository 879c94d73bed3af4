"""The recipe that is in use for these clips, written down as plainly as it can be.

moviepy writes the clip's sound to a wav file, librosa reads it at 22 050 Hz, a 128-band mel spectrogram in
decibels is stretched to 0..255 and resized to 256x256. The tests hold `avfake.features.baseline_image`
against it, and the benchmark measures it. Two of its known faults are not repeated, as they change no
picture: the wav has a temporary folder of its own, and errors are not swallowed.
"""

import tempfile
from pathlib import Path

import cv2
import librosa
import numpy as np
from moviepy import VideoFileClip


def baseline_image(path: str | Path) -> np.ndarray:
    """A clip's sound as a picture, uint8 [256, 256], low frequency in the first row.

    Raises whatever moviepy, ffmpeg or librosa raise; the clip must have a picture and sound.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav = str(Path(folder) / "sound.wav")
        clip = VideoFileClip(str(path))
        clip.audio.write_audiofile(wav, logger=None)
        clip.close()
        sound, rate = librosa.load(wav, sr=22050)
    mel = librosa.feature.melspectrogram(y=sound, sr=rate, n_fft=2048, hop_length=512, n_mels=128)
    decibels = librosa.power_to_db(mel, ref=np.max)
    levels = cv2.normalize(decibels, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    return cv2.resize(levels, (256, 256), interpolation=cv2.INTER_LINEAR)
