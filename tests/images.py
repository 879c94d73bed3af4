"""Tiny still images for the tests: photographs of faces, and crude forgeries of them, as JPEG and PNG.

make_images(folder, n_train=6, n_val=4, n_test=4)
"""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from face_pictures import portrait, shifted

SIZE = 96
SUFFIXES = (".jpg", ".png", ".jpeg")


def face(seed: int, size: int = SIZE) -> np.ndarray:
    """A photograph of a face in light, place and noise of its own, uint8 RGB [size, size, 3]."""
    random = np.random.default_rng([seed, 4])
    pixels = shifted(portrait(seed % 2, size)[0], *random.uniform(-2, 2, 2))
    noise = random.normal(0, 3, pixels.shape)
    return np.clip(pixels * random.uniform(0.85, 1.1) + noise, 0, 255).astype(np.uint8)


def forged(pixels: np.ndarray) -> np.ndarray:
    """The image as a forgery that the eye tells from it: the lower half of the face coarse."""
    made, size = pixels.copy(), len(pixels)
    half = made[size // 2 :]
    small = cv2.resize(half, (size // 6, size // 12), interpolation=cv2.INTER_AREA)
    half[:] = cv2.resize(small, (half.shape[1], half.shape[0]), interpolation=cv2.INTER_NEAREST)
    return made


def write_image(path: Path, pixels: np.ndarray, **options: Any) -> Path:
    """Writes an image in the format of its suffix, JPEG at quality 92."""
    path.parent.mkdir(parents=True, exist_ok=True)
    quality = {"quality": 92} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    Image.fromarray(pixels).save(path, **quality, **options)
    return path


def image_name(split: str, index: int) -> str:
    """The name of a root's image: a hash, as the contest's names are."""
    digest = hashlib.sha256(f"image {split} {index}".encode()).hexdigest()[:32]
    return digest + SUFFIXES[index // 2 % len(SUFFIXES)]


def make_images(
    folder: Path, n_train: int = 6, n_val: int = 4, n_test: int = 4, header: str = "img_name"
) -> dict[str, list[str]]:
    """Writes a data root of images, half real and half fake (index even: real); the names of each split."""
    names: dict[str, list[str]] = {}
    for number, (split, count) in enumerate((("train", n_train), ("val", n_val), ("test", n_test))):
        rows = []
        for index in range(count):
            name, fake = image_name(split, index), index % 2
            pixels = face(100 * number + index // 2)
            write_image(folder / f"{split}set" / name, forged(pixels) if fake else pixels)
            rows.append((name, fake))
        with (folder / f"{split}_label.txt").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([(header, "target"), *rows])
        names[split] = [name for name, _ in rows]
    return names
