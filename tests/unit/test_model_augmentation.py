import numpy as np
import pytest

from avfake.model.augmentation import Scale, augment, high_rows, is_neutral, stretches, tilts
from avfake.model.mixing import cutmix, mix, mixup
from train_params import train_params

N, HEIGHT, WIDTH = 400, 32, 24
LEVEL = 100.0


def scale(*names: str, normalise: str = "peak", dynamic_range: float = 51.0) -> Scale:
    params = {"normalise": normalise, "dynamic_range": dynamic_range}
    return Scale.of({"front_end": list(names or ("log_mel",)), "params": params})


def made(shown: Scale | None = None, n: int = N, **values: float) -> np.ndarray:
    shown = shown or scale()
    windows = np.full((n, len(shown.blank), HEIGHT, WIDTH), LEVEL, np.uint8)
    found = augment(windows, train_params(values).augmentation, shown, np.random.default_rng(0))
    assert found.dtype == np.float32
    assert (windows == LEVEL).all()
    assert 0 <= found.min() <= found.max() <= 255
    return found


def test_neutral_is_what_changes_nothing():
    assert is_neutral(train_params({"flip_time": True, "mixup": 1.0}).augmentation)
    assert not is_neutral(train_params({"time_masks": 1}).augmentation)
    assert (made() == LEVEL).all()


def test_decibels_are_grey_levels_by_the_dynamic_range():
    assert scale().per_db == 5  # 255 levels are 51 dB
    gains = made(gain_db=2.0)
    assert (gains == gains[:, :, :1, :1]).all()
    assert gains[:, 0, 0, 0].std() == pytest.approx(10, rel=0.15)
    assert gains.mean() == pytest.approx(LEVEL, abs=1.5)
    noise = made(noise_db=2.0, n=40)
    assert noise.std() == pytest.approx(10, rel=0.05)
    assert noise.mean() == pytest.approx(LEVEL, abs=0.5)


def test_a_tilt_is_smooth_alike_in_every_frame_and_no_gain():
    tilted = made(tilt_db=2.0)
    assert (tilted == tilted[..., :1]).all()
    curves = (tilted[:, 0, :, 0] - LEVEL) / 10
    assert curves.std() == pytest.approx(1, rel=0.1)
    assert np.abs(curves.mean(axis=1)).max() < 1e-4
    assert np.abs(np.diff(curves, axis=1)).max() < 1
    np.testing.assert_allclose(tilts(N, 8, np.random.default_rng(1)).mean(axis=1), 0, atol=1e-12)


def test_stretches_are_of_every_length_up_to_the_longest_and_of_every_place():
    inside = stretches(2000, 40, 1, 0.25, np.random.default_rng(0))
    lengths = inside.sum(axis=1)
    assert set(lengths.tolist()) == set(range(11))
    assert lengths.mean() == pytest.approx(5, abs=0.2)
    assert inside.any(axis=0).all()
    assert (np.abs(np.diff(inside.astype(int), axis=1)).sum(axis=1) <= 2).all()  # one piece each
    two = stretches(2000, 40, 2, 0.25, np.random.default_rng(0))
    assert two.sum(axis=1).max() > 10
    assert len(np.unique(inside, axis=0)) > 200  # every window has its own


def test_a_high_cut_is_in_the_upper_half_in_its_share_of_windows():
    above = high_rows(2000, 32, 0.3, np.random.default_rng(0))
    hit = above.any(axis=1)
    assert hit.mean() == pytest.approx(0.3, abs=0.04)
    edges = above[hit].argmax(axis=1)
    assert (edges.min(), edges.max()) == (16, 31)
    assert (above[hit].sum(axis=1) == 32 - edges).all()
    assert not high_rows(50, 32, 0.0, np.random.default_rng(0)).any()


def test_blotted_out_is_silence_or_the_mean():
    for normalise, blank in (("peak", 0.0), ("band", 127.5), ("band_std", 127.5)):
        shown = scale(normalise=normalise)
        masked = made(shown, time_masks=2, band_masks=1, high_cut=0.5)
        assert set(np.unique(masked).tolist()) == {blank, LEVEL}
    columns = made(time_masks=1, time_mask_share=0.5)[:, 0] == 0
    assert (columns == columns[:, :1]).all()
    rows = made(band_masks=1, band_mask_share=0.5)[:, 0] == 0
    assert (rows == rows[..., :1]).all()


def test_cepstra_have_a_gain_and_no_frequencies():
    shown = scale("log_mel", "lfcc")
    changed = made(shown, gain_db=1.0, tilt_db=1.0, high_cut=1.0)
    assert (changed[:, 1, 1:] == LEVEL).all()
    level = changed[:, 1, 0, 0]
    assert level.std() == pytest.approx(5, rel=0.15)
    masked = made(shown, band_masks=2, band_mask_share=0.4)
    assert set(np.unique(masked[:, 0]).tolist()) == {0.0, LEVEL}
    assert set(np.unique(masked[:, 1]).tolist()) == {127.5, LEVEL}


def test_the_baselines_image_has_the_range_it_is_made_with():
    shown = Scale.of({"front_end": ["baseline_image"], "params": {"front_end": ["baseline_image"]}})
    assert shown.per_db == 255 / 80
    assert shown.blank.tolist() == [0]


def noisy(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Windows of one level each, 0, 1 ..., their targets, and a partner for each."""
    levels = np.broadcast_to(np.arange(n, dtype=np.float32)[:, None, None, None], (n, 2, HEIGHT, WIDTH))
    return levels.copy(), (np.arange(n) % 2).astype(np.float32), np.roll(np.arange(n), 1)


def test_mixup_mixes_windows_and_targets_by_the_same_share():
    levels, targets, partner = noisy(100)
    mixed, shares = mixup(levels, targets, partner, 0.4, np.random.default_rng(0))
    kept = (mixed[1:, 0, 0, 0] - levels[:-1, 0, 0, 0]) / (levels[1:, 0, 0, 0] - levels[:-1, 0, 0, 0])
    np.testing.assert_allclose(shares[1:], kept * targets[1:] + (1 - kept) * targets[:-1], atol=1e-4)
    assert len(np.unique(kept)) > 50
    assert kept.min() < 0.05
    assert kept.max() > 0.95


def test_cutmix_takes_a_rectangle_and_counts_its_area():
    levels, _, partner = noisy(100)
    mixed, given = cutmix(levels, partner, 1.0, np.random.default_rng(0))
    taken = mixed == levels[partner]
    assert (taken | (mixed == levels)).all()
    assert (taken == taken[:, :1]).all()
    for inside in taken[:, 0]:
        np.testing.assert_array_equal(inside, inside.any(axis=1)[:, None] & inside.any(axis=0))
    area = taken[:, 0].mean(axis=(1, 2))
    np.testing.assert_allclose(given, area, atol=1e-6)
    assert area.max() > 0.6
    assert 0.1 < area.mean() < 0.5


def test_targets_and_lines_of_a_cut_batch_go_by_its_area():
    levels, targets, _ = noisy(100)
    params = train_params({"cutmix": 1.0}).augmentation
    mixed, shares = mix(levels, targets.astype(np.int64), params, np.random.default_rng(0), lines=True)
    partner = np.random.default_rng(0).permutation(100)
    area = (mixed[:, 0] != levels[:, 0]).mean(axis=(1, 2))
    area[partner == np.arange(100)] = 0
    np.testing.assert_allclose(shares, (1 - area) * targets + area * targets[partner], atol=1e-6)
    number = (1 - area) * np.arange(100) + area * partner
    np.testing.assert_allclose(
        mixed[:, -1], np.broadcast_to(number[:, None, None], mixed[:, -1].shape), atol=1e-4
    )
    assert len(np.unique(number.round(3))) > 90


@pytest.mark.parametrize(
    ("values", "kinds"), [({"mixup": 1.0}, 1), ({"cutmix": 1.0}, 1), ({"mixup": 1.0, "cutmix": 1.0}, 2)]
)
def test_a_batch_is_mixed_in_one_way(values, kinds):
    windows = np.random.default_rng(1).integers(0, 256, (6, 1, 8, 8)).astype(np.uint8)
    targets = np.array([0, 1, 0, 1, 0, 1])
    ways = set()
    for seed in range(20):
        mixed, shares = mix(windows, targets, train_params(values).augmentation, np.random.default_rng(seed))
        assert mixed.dtype == shares.dtype == np.float32
        assert ((shares >= 0) & (shares <= 1)).all()
        ways.add("cut" if (mixed == mixed.round()).all() else "up")
    assert len(ways) == kinds
