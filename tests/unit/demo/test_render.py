"""The sound of the pieces: level, length, beat, kinship."""

from dataclasses import replace

import librosa
import numpy as np
import pytest

from tunekin.errors import OptionError
from tunekin_demo.compose import STYLES, catalogue, render
from tunekin_demo.compose.pieces import TAIL_S, form_of

RATE_HZ = 22_050


@pytest.fixture(scope="module")
def listed():
    return catalogue()


@pytest.fixture(scope="module")
def sounds(listed):
    return [render(piece) for piece in listed]


def originals(listed):
    return [i for i, piece in enumerate(listed) if piece.version_of is None]


@pytest.fixture(scope="module")
def timbres(sounds):
    mfcc = [librosa.feature.mfcc(y=y, sr=RATE_HZ, n_mfcc=20) for y in sounds]
    vectors = np.array([np.concatenate([m.mean(axis=1), m.std(axis=1)]) for m in mfcc])
    return (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)


def test_every_piece_has_its_length_and_a_peak_of_1_db_below_full_scale(listed, sounds):
    for piece, y in zip(listed, sounds, strict=True):
        assert y.dtype == np.float32
        assert y.shape == (round(piece.duration_s * RATE_HZ),)
        assert 20.0 * np.log10(np.max(np.abs(y))) == pytest.approx(-1.0, abs=1e-3)


def test_no_piece_has_an_offset_or_clips(sounds):
    for y in sounds:
        assert abs(float(np.mean(y, dtype=np.float64))) < 1e-4
        assert np.mean(np.abs(y) > 0.999 * np.max(np.abs(y))) < 1e-4


def test_the_pieces_are_about_equally_loud(sounds):
    levels_db = [10.0 * np.log10(np.mean(np.square(y, dtype=np.float64))) for y in sounds]
    assert min(levels_db) > -23.0
    assert max(levels_db) < -11.0


def test_no_three_seconds_of_a_piece_are_silent(sounds):
    for y in sounds:
        power = np.cumsum(np.square(y[: -round(TAIL_S * RATE_HZ)], dtype=np.float64))
        window = 3 * RATE_HZ
        assert 10.0 * np.log10(np.min(power[window:] - power[:-window]) / window) > -35.0


def test_a_piece_ends_in_silence(sounds):
    assert all(np.max(np.abs(y[-RATE_HZ // 50 :])) < 1e-2 for y in sounds)


def test_the_same_piece_gives_the_same_sound(listed, sounds):
    for i in originals(listed)[::5]:
        np.testing.assert_array_equal(render(listed[i]), sounds[i])


def test_a_piece_sounds_alike_at_every_sample_rate(listed, sounds):
    mels = []
    for sample_rate_hz in (RATE_HZ, 44_100):
        y = sounds[0] if sample_rate_hz == RATE_HZ else render(listed[0], sample_rate_hz=sample_rate_hz)
        assert y.shape == (round(listed[0].duration_s * sample_rate_hz),)
        mel = librosa.feature.melspectrogram(
            y=y, sr=sample_rate_hz, n_fft=sample_rate_hz // 10, hop_length=sample_rate_hz // 10, n_mels=32, fmax=8_000
        )
        mels.append(librosa.power_to_db(mel, ref=np.max, top_db=50)[:, : int(10 * listed[0].duration_s) - 1])
    assert np.corrcoef(mels[0].ravel(), mels[1].ravel())[0, 1] > 0.95


def test_a_sample_rate_too_low_for_music_is_refused(listed):
    with pytest.raises(OptionError, match="sample_rate_hz is 4000"):
        render(listed[0], sample_rate_hz=4_000)


def test_most_pieces_have_a_beat_that_is_found_at_one_of_its_levels(listed, sounds):
    found = 0
    for i in originals(listed):
        tempo = float(np.atleast_1d(librosa.beat.beat_track(y=sounds[i], sr=RATE_HZ)[0])[0])
        ratio = tempo / listed[i].tempo_bpm
        # A bar of a waltz is a beat to many ears.
        levels = (1.0, 2.0, 0.5, 1.0 / 3.0) if listed[i].style == "waltz" else (1.0, 2.0, 0.5)
        found += any(abs(ratio / level - 1.0) < 0.04 for level in levels)
    assert found >= 32


def test_the_nearest_neighbours_of_a_piece_are_mostly_of_its_style(listed, timbres):
    rows = originals(listed)
    distances = np.linalg.norm(timbres[rows, np.newaxis] - timbres[rows], axis=-1)
    np.fill_diagonal(distances, np.inf)
    styles = np.array([listed[i].style for i in rows])
    nearest = np.argsort(distances, axis=1)[:, :4]
    # By chance 4 of 39 are.
    assert np.mean(styles[nearest] == styles[:, np.newaxis]) > 0.65


def test_pieces_of_one_style_are_clearly_distinct_and_versions_of_one_piece_are_not(listed, timbres):
    rows = originals(listed)
    distances = np.linalg.norm(timbres[rows, np.newaxis] - timbres[rows], axis=-1)
    closest = distances[np.triu_indices(len(rows), 1)].min()
    versions = [
        np.linalg.norm(timbres[i] - timbres[i - 1]) for i, piece in enumerate(listed) if piece.version_of is not None
    ]
    assert len(versions) == len(STYLES)
    assert max(versions) < closest


def test_verse_and_chorus_sound_different(listed, sounds):
    for i in originals(listed)[::5]:
        piece, mfcc = listed[i], librosa.feature.mfcc(y=sounds[i], sr=RATE_HZ, n_mfcc=13)
        bar_s = STYLES[piece.style].beats_per_bar * 60.0 / piece.tempo_bpm
        start = 0
        spans: dict[str, tuple[int, int]] = {}
        for section, bars in form_of(piece.style, seed=piece.seed):
            spans.setdefault(section, (start, start + bars))
            start += bars
        means = []
        for section in ("verse", "chorus"):
            first, last = (round(bar * bar_s * RATE_HZ / 512) for bar in spans[section])
            means.append(mfcc[:, first:last].mean(axis=1))
        gap = np.abs(means[0] - means[1]) / mfcc.std(axis=1)
        assert gap.max() > 0.3


def test_a_piece_that_is_cut_short_is_played_as_far_as_it_goes(listed, sounds):
    short = render(replace(listed[0], duration_s=5.0))
    assert short.shape == (5 * RATE_HZ,)
    whole = sounds[0][: 4 * RATE_HZ]
    assert np.corrcoef(short[: 4 * RATE_HZ], whole)[0, 1] > 0.9
