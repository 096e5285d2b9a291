"""The mood space: all that a summary says, but for the key."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.features import FEATURES
from tunekin_training.space import mood_space

NAMES = FEATURES.summary_names
MEANS, DEVIATIONS = ([NAMES.index(f"chroma_{i}_{kind}") for i in range(12)] for kind in ("mean", "std"))


def summaries(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 1, (5, len(NAMES))).astype(np.float32)


@given(st.integers(1, 11), st.integers(0, 2**32 - 1))
def test_a_song_stays_where_it_is_when_it_is_transposed(semitones: int, seed: int) -> None:
    original = summaries(seed)
    transposed = original.copy()
    for columns in (MEANS, DEVIATIONS):
        transposed[:, np.roll(columns, -semitones)] = original[:, columns]
    assert not np.allclose(original, transposed)
    np.testing.assert_allclose(mood_space().points(transposed), mood_space().points(original), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("chroma_")])
def test_all_that_is_not_chroma_is_kept_to_the_last_bit(name: str) -> None:
    original = summaries(1)
    wanted = original[:, NAMES.index(name)]
    assert any(np.array_equal(wanted, dimension) for dimension in mood_space().points(original).T)


def test_which_pitch_classes_go_together_still_matters() -> None:
    triad, cluster = np.zeros((2, 1, len(NAMES)), dtype=np.float32)
    triad[0, [MEANS[i] for i in (0, 4, 7)]] = 1
    cluster[0, MEANS[:3]] = 1
    assert not np.allclose(mood_space().points(triad), mood_space().points(cluster), atol=0.1)


def test_the_space_knows_its_size() -> None:
    assert mood_space().points(summaries(2)).shape == (5, mood_space().size)
