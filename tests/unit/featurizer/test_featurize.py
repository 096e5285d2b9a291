"""Frames, summary and views of a signal."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.unit.featurizer.sounds import SOUNDS, music
from tunekin.features import FEATURES
from tunekin_featurizer import chroma, hpss, mfcc, spectral, stft, tempo
from tunekin_featurizer.descriptor import BLOCKS, describe
from tunekin_featurizer.featurize import analyse, average_columns, columns_of, featurize, standardise


@pytest.mark.parametrize("y", SOUNDS.values(), ids=SOUNDS)
def test_every_sound_has_finite_features_of_the_versions_shapes(y):
    features = featurize(y)
    m = max(1, stft.column_count(len(y)) // FEATURES.columns_per_frame)
    assert features.frames.shape == (m, FEATURES.n_mfcc)
    assert features.frames.dtype == np.float16
    assert features.frames.flags.c_contiguous
    assert features.summary.shape == (FEATURES.summary_size,)
    assert features.summary.dtype == np.float32
    assert features.views.shape == (FEATURES.views_size,)
    assert features.views.dtype == np.float16
    assert np.isfinite(features.frames).all()
    assert np.isfinite(features.summary).all()
    assert np.isfinite(features.views).all()
    assert (features.views[-len(FEATURES.views) :] > 0).all()


@settings(max_examples=30)
@given(
    y=hnp.arrays(
        np.float32,
        st.integers(1, 9_000),
        elements=st.floats(-1, 1, width=32),
        fill=st.sampled_from([0.0, 1.0, -0.25, float(np.float32(1e-38))]),
    )
)
def test_any_samples_at_all_have_finite_features(y):
    features = featurize(y)
    assert np.isfinite(features.frames).all()
    assert np.isfinite(features.summary).all()
    assert np.isfinite(features.views).all()


@settings(max_examples=10)
@given(gain_db=st.floats(-60, 0))
def test_a_quieter_recording_has_the_same_features(gain_db):
    y = music(duration_s=3)
    quieter = featurize(y * np.float32(10 ** (gain_db / 20)))
    loud = featurize(y)
    # One step of float16 at the values that frames have.
    np.testing.assert_allclose(quieter.frames.astype(float), loud.frames.astype(float), rtol=0, atol=4e-3)
    np.testing.assert_allclose(quieter.views.astype(float), loud.views.astype(float), rtol=2e-2, atol=5e-2)
    np.testing.assert_allclose(quieter.summary, loud.summary, rtol=2e-2, atol=2e-3)


def test_the_analysis_holds_what_the_stages_compute():
    y = SOUNDS["music"]
    magnitudes = stft.magnitude(y)
    levels = mfcc.levels_db(mfcc.mel_power(magnitudes))
    (block,) = stft.blocks_of(magnitudes, columns=hpss.BLOCK, reach=hpss.KERNEL // 2)
    harmonic_share, percussive_share = hpss.harmonic_percussive_shares(block)
    expected = {
        "centroid_hz": spectral.centroid(magnitudes),
        "rolloff_hz": spectral.rolloff(magnitudes),
        "zero_crossing_rate": spectral.zero_crossing_rate(y),
        "harmonic_share": harmonic_share,
        "percussive_share": percussive_share,
        "chroma": chroma.chroma(magnitudes),
        "levels": levels,
        "relative": mfcc.relative_db(levels, peak_db=mfcc.local_peak_db(levels), floor_db=FEATURES.floor_db),
        "peak_db": mfcc.local_peak_db(levels),
        "mfcc": mfcc.mfcc(levels),
        "tempo_bpm": tempo.tempo_bpm(tempo.onset_strengths(levels, peak_db=mfcc.local_peak_db(levels))),
    }
    analysis = analyse(y)
    assert {field.name for field in fields(analysis)} == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(getattr(analysis, name), value, err_msg=name)


def test_each_number_of_the_summary_is_what_its_name_says():
    y = SOUNDS["music"]
    analysis, features = analyse(y), featurize(y)
    varying = {
        name: getattr(analysis, name)
        for name in ("centroid_hz", "rolloff_hz", "zero_crossing_rate", "harmonic_share", "percussive_share")
    }
    varying |= {f"chroma_{i}": row for i, row in enumerate(analysis.chroma)}
    averages = average_columns(analysis.mfcc, columns_per_frame=FEATURES.columns_per_frame)
    varying |= {f"mfcc_{i}": row for i, row in enumerate(standardise(averages).T)}
    expected: dict[str, float] = {f"{name}_mean": np.mean(row, dtype=np.float64) for name, row in varying.items()}
    expected |= {f"{name}_std": np.std(row, dtype=np.float64) for name, row in varying.items()}
    expected["tempo_bpm"] = analysis.tempo_bpm
    descriptor = iter(describe(columns_of(analysis)))
    expected |= {f"{block}.{i}": next(descriptor) for block, _, length in BLOCKS for i in range(length)}
    assert set(FEATURES.summary_names) == set(expected)
    np.testing.assert_allclose(features.summary, [expected[name] for name in FEATURES.summary_names], rtol=1e-5)


def test_a_rest_of_columns_is_dropped_unless_it_is_all_there_is():
    rising = np.arange(7, dtype=np.float32)[np.newaxis]
    assert average_columns(rising, columns_per_frame=3).ravel().tolist() == [1, 4]
    assert average_columns(rising[:, :2], columns_per_frame=3).ravel().tolist() == [0.5]


def test_frames_are_standardised_by_the_versions_constants():
    version = replace(FEATURES, n_mfcc=2, mfcc_mean=(1.0, -4.0), mfcc_scale=(2.0, 0.5))
    assert standardise(np.array([[5, -4], [1, -3]], dtype=np.float32), version=version).tolist() == [[2, 0], [0, 2]]


def test_featurizing_changes_no_sample():
    y = music(duration_s=1)
    before = y.copy()
    featurize(y)
    np.testing.assert_array_equal(y, before)


def test_samples_of_16_bits_are_as_good_as_their_floats():
    samples = np.asarray(30_000 * music(duration_s=3), dtype=np.int16)
    features, expected = featurize(samples), featurize(samples.astype(np.float32) / np.float32(32_768))
    for name in ("frames", "summary", "views"):
        np.testing.assert_array_equal(getattr(features, name), getattr(expected, name), err_msg=name)


@pytest.mark.parametrize("kept", [0, 480, 500, 1_000, 100_000])
def test_what_is_transformed_twice_changes_nothing(kept, monkeypatch):
    y = music(duration_s=25, bpm=97)
    expected = analyse(y)
    monkeypatch.setattr("tunekin_featurizer.featurize._KEPT_COLUMNS", kept)
    np.testing.assert_allclose(analyse(y).chroma, expected.chroma, rtol=0, atol=1e-6)


def test_a_long_signal_is_analysed_as_if_its_spectrogram_were_whole():
    y = music(duration_s=25, bpm=97)
    magnitudes = stft.magnitude(y)
    analysis = analyse(y)
    harmonic, percussive = hpss.harmonic_percussive(magnitudes)
    energy = (magnitudes**2).sum(axis=0)
    levels = mfcc.levels_db(mfcc.mel_power(magnitudes))
    np.testing.assert_array_equal(analysis.levels, levels)
    np.testing.assert_array_equal(analysis.rolloff_hz, spectral.rolloff(magnitudes))
    np.testing.assert_allclose(analysis.centroid_hz, spectral.centroid(magnitudes), rtol=1e-6)
    np.testing.assert_allclose(analysis.chroma, chroma.chroma(magnitudes), rtol=0, atol=1e-6)
    np.testing.assert_allclose(analysis.harmonic_share, (harmonic**2).sum(axis=0) / energy, rtol=1e-5)
    np.testing.assert_allclose(analysis.percussive_share, (percussive**2).sum(axis=0) / energy, rtol=1e-5, atol=1e-9)


def test_a_read_only_signal_is_as_good():
    y = music(duration_s=1)
    expected = featurize(y)
    y.flags.writeable = False
    np.testing.assert_array_equal(featurize(y).frames, expected.frames)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(0, dtype=np.float32), "y is empty"),
        (np.zeros((2, 100), dtype=np.float32), r"shape \(2, 100\)"),
        (np.zeros(100, dtype=np.int32), "y is int32"),
        (np.zeros(100, dtype=np.float64), "y is float64"),
        (np.array([0, np.nan], dtype=np.float32), "not finite"),
        (np.array([0, np.inf], dtype=np.float32), "not finite"),
    ],
    ids=["empty", "stereo", "int16", "float64", "nan", "inf"],
)
def test_what_is_no_signal_is_refused_with_the_reason(y, message):
    with pytest.raises(ValueError, match=message):
        featurize(y)
