"""Harmonic and percussive parts, and the median they rest on."""

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.featurizer.sounds import SOUNDS, clicks, seconds
from tunekin_featurizer import hpss, stft


def shares(magnitudes):
    """Harmonic and percussive shares of all columns."""
    blocks = stft.blocks_of(magnitudes, columns=hpss.BLOCK, reach=hpss.KERNEL // 2)
    parts = [hpss.harmonic_percussive_shares(block) for block in blocks]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def median_like_scipy(x, *, width, axis):
    """Moving median of `x`, reflected at its ends by NumPy: SciPy's own reflection of two values reads past them."""
    half = width // 2
    pad = [(half, half) if i == axis else (0, 0) for i in range(2)]
    size = [width if i == axis else 1 for i in range(2)]
    inside = tuple(slice(half, half + n) if i == axis else slice(None) for i, n in enumerate(x.shape))
    return scipy.ndimage.median_filter(np.pad(x, pad, mode="symmetric"), size=size)[inside]


@given(
    x=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 70), st.integers(1, 200)),
        # Few distinct values too, since equal ones are what a sorted window confuses.
        elements=st.one_of(st.integers(0, 3).map(float), st.floats(0, 2.0**100, width=32)),
    ),
    half=st.integers(0, 20),
)
def test_the_sliding_median_is_scipys_bit_for_bit(x, half):
    width = 2 * half + 1
    rows = np.pad(np.arange(len(x)), half, mode="symmetric")
    expected = median_like_scipy(x, width=width, axis=0)
    np.testing.assert_array_equal(hpss.sliding_median(x, rows=rows, width=width), expected)


@pytest.mark.parametrize("n", [1, 7, 31, 1_025])
def test_medians_beyond_the_ends_are_those_that_librosa_asks_scipy_for(n):
    x = np.random.default_rng(n).gamma(0.5, size=(n, 100)).astype(np.float32)
    expected = scipy.ndimage.median_filter(x, size=(hpss.KERNEL, 1), mode="reflect")
    rows = np.pad(np.arange(n), hpss.KERNEL // 2, mode="symmetric")
    np.testing.assert_array_equal(hpss.sliding_median(x, rows=rows, width=hpss.KERNEL), expected)


@pytest.mark.parametrize("t", [1, 2, 15, 31, 479, 480, 481, 961])
def test_medians_in_both_directions_do_not_depend_on_the_blocks(t):
    magnitudes = np.random.default_rng(t).gamma(0.5, size=(130, t)).astype(np.float32)
    harmonic, percussive = hpss.harmonic_percussive(magnitudes)
    h, p = (median_like_scipy(magnitudes, width=hpss.KERNEL, axis=axis).astype(np.float64) for axis in (1, 0))
    mask = h**2 / (h**2 + p**2)
    np.testing.assert_allclose(harmonic, magnitudes * mask, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(percussive, magnitudes * (1 - mask), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("y", SOUNDS.values(), ids=SOUNDS)
def test_both_parts_add_up_to_the_whole(y):
    magnitudes = stft.magnitude(y)
    np.testing.assert_allclose(sum(hpss.harmonic_percussive(magnitudes)), magnitudes, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("y", SOUNDS.values(), ids=SOUNDS)
def test_shares_are_those_of_the_parts_energies(y):
    magnitudes = stft.magnitude(y).astype(np.float64)
    energy = (magnitudes**2).sum(axis=0)
    parts = hpss.harmonic_percussive(magnitudes.astype(np.float32))
    for share, part in zip(shares(magnitudes.astype(np.float32)), parts, strict=True):
        expected = (part.astype(np.float64) ** 2).sum(axis=0) / np.where(energy > 0, energy, 1)
        np.testing.assert_allclose(share, expected, rtol=1e-4, atol=1e-6)
        assert ((share >= 0) & (share <= 1 + 1e-6)).all()


def test_a_held_tone_is_harmonic():
    y = np.sin(2 * np.pi * 440 * seconds(4)).astype(np.float32)
    harmonic, percussive = shares(stft.magnitude(y))
    assert harmonic[20:-20].min() > 0.95
    assert percussive[20:-20].max() < 0.05


def test_a_click_is_percussive():
    harmonic, percussive = shares(stft.magnitude(clicks(duration_s=4, every_s=2)))
    at_click = stft.column_count(2 * 22_050) - 1
    assert percussive[at_click] > 0.95
    assert harmonic[at_click] < 0.05


def test_silence_is_neither_harmonic_nor_percussive():
    for share in shares(np.zeros((1_025, 5), dtype=np.float32)):
        assert not share.any()


def test_the_separated_spectrogram_stays_as_it_was():
    magnitudes = stft.magnitude(SOUNDS["music"])
    before = magnitudes.copy()
    hpss.harmonic_percussive(magnitudes)
    np.testing.assert_array_equal(magnitudes, before)
