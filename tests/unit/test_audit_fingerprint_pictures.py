"""The perceptual hash of pictures, and the search for near ones against comparing all with all."""

import cv2
import numpy as np
import pytest

from avfake.audit.picture_hash import MAX_BITS, PictureHashes, picture_hashes, same_picture

SIZE = 96


def picture(seed):
    """A smooth random picture, uint8 RGB [SIZE, SIZE, 3]."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


def hash_of(image):
    return picture_hashes(image[None])[0][0]


def distance(a, b):
    return int(np.bitwise_count(hash_of(a) ^ hash_of(b)))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: cv2.imdecode(cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR),
        lambda x: cv2.resize(cv2.resize(x, (40, 40)), (112, 112)),
        lambda x: np.clip(0.8 * x.astype(float) + 20, 0, 255).astype(np.uint8),
        lambda x: cv2.GaussianBlur(x, (5, 5), 0),
    ],
    ids=["jpeg", "size", "light", "blur"],
)
def test_a_picture_is_known_again(change):
    for seed in range(8):
        assert distance(picture(seed), change(picture(seed))) <= 6


def test_other_pictures_are_far():
    distances = [distance(picture(i), picture(j)) for i in range(16) for j in range(i)]
    assert min(distances) > MAX_BITS


def test_the_hash_is_the_known_one():
    """As `imagehash.phash` defines it, with scipy's transform."""
    from scipy.fft import dctn

    image = picture(3)
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (32, 32), interpolation=cv2.INTER_AREA)
    low = dctn(grey.astype(float))[:8, :8]
    # Rounding may turn the bits next to the median; the scale of the transform does not matter.
    expected = np.packbits(low.ravel() > np.median(low)).view(np.uint64)[0]
    unscaled = int(np.bitwise_count(hash_of(image) ^ expected))
    assert unscaled <= 2


def test_pictures_of_one_colour_have_no_hash():
    images = np.stack(
        [np.zeros((SIZE, SIZE, 3), np.uint8), picture(1), np.full((SIZE, SIZE, 3), 90, np.uint8)]
    )
    hashes, flat = picture_hashes(images)
    assert (hashes.tolist(), flat) == ([hash_of(picture(1))], 2)
    none, flat = picture_hashes(np.zeros((0, 8, 8, 3), np.uint8))
    assert (len(none), none.dtype, flat) == (0, np.uint64, 0)


def clustered(rng, clips, centres):
    """Hashes of up to four pictures per clip, a few bits from one of the centres or from nothing."""
    made = []
    for _ in range(clips):
        bases = rng.choice(centres, rng.integers(0, 5))
        turns = [
            sum(1 << int(bit) for bit in rng.choice(64, rng.integers(0, 7), replace=False)) for _ in bases
        ]
        made.append(np.array([int(base) ^ turn for base, turn in zip(bases, turns, strict=True)], np.uint64))
    return made


@pytest.mark.parametrize("bits", [0, 3, 4, 6, 8, MAX_BITS])
def test_the_search_finds_what_comparing_all_with_all_finds(bits):
    rng = np.random.default_rng(bits)
    centres = rng.integers(0, 2**64, 20, np.uint64)
    a, b = clustered(rng, 25, centres), clustered(rng, 40, centres)
    found = same_picture(PictureHashes(a), PictureHashes(b), bits)
    expected = {}
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            nearest = int(np.bitwise_count(x[:, None] ^ y[None]).min(initial=64))
            if nearest <= bits:
                expected[i, j] = 1 - nearest / 64
    assert len(expected) > 3
    assert found.complete
    pairs = zip(found.a.tolist(), found.b.tolist(), strict=True)
    assert dict(zip(pairs, found.similarity.tolist(), strict=True)) == expected
    assert set(np.flatnonzero(found.with_partner_a)) == {i for i, _ in expected}
    assert set(np.flatnonzero(found.with_partner_b)) == {j for _, j in expected}
    turned = same_picture(PictureHashes(b), PictureHashes(a), bits)
    assert set(zip(turned.b.tolist(), turned.a.tolist(), strict=True)) == set(expected)


def test_one_face_in_all_clips_is_bounded_and_said():
    rng = np.random.default_rng(1)
    centre = rng.integers(0, 2**64, 1, np.uint64)
    a, b = ([hashes for hashes in clustered(rng, n, centre) if len(hashes)] for n in (60, 400))
    found = same_picture(PictureHashes(a), PictureHashes(b), 6)
    assert not found.complete
    assert len(found.a) <= 20 * len(a)
    near = [any((np.bitwise_count(x[:, None] ^ y[None]) <= 6).any() for y in b) for x in a]
    assert found.with_partner_a.tolist() == near


def test_no_pictures_at_all():
    nothing = [np.zeros(0, np.uint64)] * 3
    for a, b in ((nothing, nothing), ([], nothing), ([], [])):
        found = same_picture(PictureHashes(a), PictureHashes(b), 6)
        assert (len(found.a), found.complete) == (0, True)
        assert (len(found.with_partner_a), len(found.with_partner_b)) == (len(a), len(b))
