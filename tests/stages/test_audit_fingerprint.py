"""The acoustic fingerprint and its search: what survives a codec or a cut, and what is another sound."""

import numpy as np
import pytest

from avfake.audit.fingerprint import KEY_GAP, SoundPrint, agreement, sound_print
from avfake.audit.key_index import KeyIndex, blocks
from avfake.audit.sound_search import MIN_FRAMES, SoundPrints, same_sound
from avfake.forge.voice import griffin_lim
from avfake.media.audio import read_audio
from clips import speech, tone, write_clip

RATE = 16000
SHARE = 0.8
N_VOICES = 6


@pytest.fixture(scope="module")
def voices():
    return [speech(4.0, RATE, seed) for seed in range(N_VOICES)]


@pytest.fixture(scope="module")
def prints(voices):
    return [sound_print(voice, RATE) for voice in voices]


def reencoded(folder, sound, suffix, codec, rate, bit_rate):
    own = (
        sound
        if rate == RATE
        else np.interp(np.arange(0, len(sound), RATE / rate), np.arange(len(sound)), sound)
    )
    path = write_clip(folder / f"clip{suffix}", own[None].astype(np.float32), rate, [], 10, codec, bit_rate)
    return read_audio(path, 22050)


def partner(prints, sound, rate):
    """The one clip that the search finds, and the similarity."""
    found = same_sound(SoundPrints([sound_print(sound, rate)]), SoundPrints(prints), SHARE)
    assert found.complete
    assert len(found.b) == 1
    return int(found.b[0]), float(found.similarity[0])


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "bit_rate"),
    [
        (".mp4", "aac", 16000, 16_000),
        (".mp4", "libmp3lame", 16000, 32_000),
        (".mkv", "libopus", 48000, 24_000),
        (".3gp", "libopencore_amrnb", 8000, 12_200),
    ],
)
def test_a_clip_is_known_again_after_a_codec_at_another_rate(
    tmp_path, voices, prints, suffix, codec, rate, bit_rate
):
    for index in (0, 3):
        sound = reencoded(tmp_path, voices[index], suffix, codec, rate, bit_rate)
        found, similarity = partner(prints, sound, 22050)
        assert found == index
        assert 0.85 < similarity < 1


def noisy(sound, decibels):
    noise = np.random.default_rng(3).standard_normal(len(sound)).astype(np.float32)
    return sound + noise * np.sqrt((sound**2).mean()) * 10 ** (-decibels / 20)


@pytest.mark.parametrize(
    "change",
    [
        lambda x: 0.05 * x,
        lambda x: np.concatenate([np.zeros(1733, np.float32), x]),  # 0.108 s, no whole number of frames
        lambda x: x[len(x) // 3 : -len(x) // 6],
        lambda x: noisy(x, 10),
        lambda x: np.clip(x, -0.15, 0.15),
        lambda x: noisy(0.3 * x[8111:52222], 15),
    ],
    ids=["gain", "shift", "cut", "noise", "clipping", "all"],
)
def test_a_changed_clip_is_known_again(voices, prints, change):
    for index in (1, 4):
        assert partner(prints, change(voices[index]).astype(np.float32), RATE)[0] == index


def test_a_copy_through_another_phase_is_the_same_content(voices, prints):
    """A vocoded forgery beside its original: the same words in the same time, found if split apart."""
    found, similarity = partner(prints, griffin_lim.resynthesise(voices[2], RATE), RATE)
    assert found == 2
    assert 0.9 < similarity < 1


def test_different_utterances_do_not_match(prints):
    """At every offset, not only where the search looks."""
    for i in range(N_VOICES):
        for j in range(i):
            offsets = range(-len(prints[j].bits), len(prints[i].bits))
            shares = [agreement(prints[i], prints[j], offset) for offset in offsets]
            assert max(share for share, frames in shares if frames >= MIN_FRAMES) < SHARE - 0.05
    assert len(same_sound(SoundPrints(prints[:3]), SoundPrints(prints[3:]), SHARE).a) == 0


def utterance(seed):
    """Four seconds of one voice, syllables of five vowels in an order of their own, float32 [n]."""
    rng = np.random.default_rng(seed)
    vowels = np.array([[300, 2300], [450, 1900], [700, 1200], [500, 900], [320, 800]])
    time = np.arange(4 * RATE) / RATE
    moments = np.cumsum(rng.uniform(0.15, 0.35, 40))
    formants = [np.interp(time, moments, vowels[rng.integers(5, size=40), i]) for i in (0, 1)]
    phase = 2 * np.pi * np.cumsum(120 + 20 * np.interp(time, moments, rng.uniform(-1, 1, 40))) / RATE
    sound = np.zeros(len(time))
    for harmonic in range(1, 25):
        gain = sum(1 / (1 + ((120 * harmonic - formant) / 90) ** 2) for formant in formants)
        sound += gain * np.sin(harmonic * phase)
    return (0.1 * sound * np.interp(time, moments, rng.uniform(0.1, 1, 40))).astype(np.float32)


def test_two_utterances_of_one_voice_do_not_match():
    said = [sound_print(utterance(seed), RATE) for seed in range(8)]
    assert len(same_sound(SoundPrints(said[:4]), SoundPrints(said[4:]), SHARE).a) == 0
    again = sound_print(noisy(utterance(6), 10), RATE)
    assert same_sound(SoundPrints([again]), SoundPrints(said), SHARE).b.tolist() == [6]


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(4 * RATE, np.float32),
        np.full(4 * RATE, 0.3, np.float32),
        tone(4.0, RATE),
        tone(4.0, RATE, frequency=60.0),
        np.zeros(0, np.float32),
        np.ones(1000, np.float32),
    ],
    ids=["silence", "constant", "tone", "hum", "nothing", "short"],
)
def test_silence_and_steady_sounds_match_nothing(sound):
    made = sound_print(sound, RATE)
    assert made.active.sum() == 0
    assert len(made.strong) == 0
    assert len(same_sound(SoundPrints([made]), SoundPrints([made]), 0.0).a) == 0


def test_the_gain_does_not_matter(voices):
    a, b = sound_print(voices[0], RATE), sound_print(voices[0] / 64, RATE)
    np.testing.assert_array_equal(a.bits, b.bits)
    np.testing.assert_array_equal(a.strong, b.strong)


def test_agreement_by_hand():
    active = np.array([True, True, False, True])
    nothing = np.zeros(0, np.int32), np.zeros((0, 3), np.uint8)
    a = SoundPrint(np.array([0, 0xFFFF, 7, 1], np.uint16), active, *nothing)
    b = SoundPrint(np.array([0xFFFF, 7, 0, 0], np.uint16), np.ones(4, bool), *nothing)
    assert agreement(a, b, 1) == (1 - 1 / 32, 2)  # frames 1 and 3 of a over 0 and 2 of b: one bit differs
    assert agreement(a, b, 0) == (1 - (16 + 13 + 1) / 48, 3)
    assert agreement(a, b, -2) == (1 - 16 / 32, 2)
    assert agreement(a, b, 4) == (0.0, 0)
    assert agreement(a, b, -4) == (0.0, 0)


def test_the_search_finds_what_comparing_all_with_all_finds(voices, prints):
    changed = [sound_print(noisy(voice, 12), RATE) for voice in voices[:4]]
    a, b = SoundPrints(changed), SoundPrints(prints)
    found = same_sound(a, b, SHARE)
    slow = {
        (i, j): max(
            share
            for offset in range(-len(b.clip(j).bits), len(a.clip(i).bits))
            for share, frames in [agreement(a.clip(i), b.clip(j), offset)]
            if frames >= MIN_FRAMES
        )
        for i in range(len(a))
        for j in range(len(b))
    }
    expected = {pair: share for pair, share in slow.items() if share >= SHARE}
    assert (
        dict(zip(zip(found.a.tolist(), found.b.tolist(), strict=True), found.similarity, strict=True))
        == expected
    )
    assert set(expected) == {(index, index) for index in range(4)}
    turned = same_sound(b, a, SHARE)
    assert (turned.a.tolist(), turned.b.tolist()) == (found.b.tolist(), found.a.tolist())
    assert turned.with_partner_a.tolist() == [True] * 4 + [False] * 2


def test_keys_do_not_reach_into_the_next_clip(prints):
    together = SoundPrints([prints[0], prints[1]])
    frames = together.index().lookup(together.keys(np.arange(len(together.bits) - KEY_GAP)))[1]
    first = len(prints[0].bits)
    assert not np.isin(np.arange(first - KEY_GAP, first), frames).any()
    assert np.isin(first, frames)
    for index in (0, 1):
        np.testing.assert_array_equal(together.clip(index).bits, prints[index].bits)
        np.testing.assert_array_equal(together.clip(index).weak, prints[index].weak)


def test_a_key_that_stands_everywhere_leads_to_a_few_entries_and_says_so():
    keys = np.array([5, 7, 5, 5, 5, 9, 5, 5], np.uint32)
    index = KeyIndex(keys, np.arange(8), cap=3)
    probe, entries, capped = index.lookup(np.array([9, 5, 4], np.uint32))
    assert sorted(zip(probe.tolist(), entries.tolist(), strict=True)) == [(0, 5), (1, 0), (1, 3), (1, 6)]
    assert capped.tolist() == [1]
    largest = np.array([2**32 - 1], np.uint32)
    assert KeyIndex(largest, np.array([2**32 - 2]), 1).lookup(largest)[1].tolist() == [2**32 - 2]


def test_a_clip_in_every_clip_is_bounded_and_said(voices):
    """Thirty copies on one side: every one of them has partners, not all pairs are listed."""
    one = sound_print(voices[0], RATE)
    found = same_sound(SoundPrints([one] * 3), SoundPrints([one] * 30), SHARE)
    assert not found.complete
    assert found.with_partner_a.all()
    assert 3 * 10 <= len(found.a) <= 3 * 20
    assert (found.similarity == 1).all()


def test_blocks_cover_everything_once():
    sizes = np.array([3, 9, 0, 1, 1, 20, 2])
    found = list(blocks(sizes, 5))
    assert found == [(0, 1), (1, 2), (2, 5), (5, 6), (6, 7)]
    assert list(blocks(np.zeros(0, int), 5)) == []


def test_a_few_common_keys_leave_the_search_complete(prints):
    """A jingle of 0.7 s in every clip of a split: its keys are cut off, the others are not."""
    rng = np.random.default_rng(0)
    clips = []
    for _ in range(20):
        bits = rng.integers(0, 2**16, len(prints[0].bits), np.uint16)
        bits[40:70] = prints[0].bits[40:70]
        clips.append(SoundPrint(bits, prints[0].active, prints[0].strong, prints[0].weak))
    one, many = SoundPrints(prints[:1]), SoundPrints(clips)
    assert len(many.index().lookup(one.keys(np.arange(40, 60)))[2]) > 0
    found = same_sound(one, many, SHARE)
    assert found.complete
    assert len(found.a) == 0
