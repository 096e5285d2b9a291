"""Evaluation: nobody is judged by whom he has heard, and figures are what they are called."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.training.corpora import corpus
from tunekin.errors import InputError
from tunekin_training.corpus import Examples, artist_numbers, examples
from tunekin_training.evaluate import (
    class_weights,
    emotion_correlation,
    folds,
    out_of_fold,
    random_emotion_correlation,
    scores,
)

MOODS = np.arange(90) % 3
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@given(st.lists(st.integers(0, 8), min_size=20, max_size=60), st.integers(0, 1_000))
def test_folds_hold_every_row_once_and_divide_no_artist(artists: list[int], seed: int) -> None:
    groups = np.array([*artists, *range(9)])
    divided = folds(groups, seed=seed)
    assert sorted(np.concatenate(divided).tolist()) == list(range(len(groups)))
    assert sum(len(np.unique(groups[rows])) for rows in divided) == len(np.unique(groups))


def test_too_few_artists_are_refused() -> None:
    with pytest.raises(InputError, match="by 4 artists"):
        folds(np.arange(40) % 4, seed=0)


def test_a_track_of_an_unknown_artist_has_an_artist_of_its_own() -> None:
    assert len(set(artist_numbers(("", "", "a", "", "a")).tolist())) == 4


def test_a_model_is_asked_only_about_artists_that_it_neither_learnt_nor_stopped_by() -> None:
    music = corpus()
    artist_of = {
        summary.tobytes(): artist
        for artist, own in zip(
            music.artists,
            np.concatenate((music.summaries[:, np.newaxis], music.clean_cuts, music.noisy_cuts), axis=1),
            strict=True,
        )
        for summary in own
    }
    asked: list[str] = []

    def learn(train: Examples, valid: Examples) -> Predict:
        heard, stopped = ({artist_of[summary.tobytes()] for summary in part.summaries} for part in (train, valid))
        assert heard
        assert stopped
        assert not heard & stopped

        def predict(summaries: NDArray[np.float32]) -> NDArray[np.float32]:
            artists = [artist_of[summary.tobytes()] for summary in summaries]
            assert not (heard | stopped) & set(artists)
            asked.extend(artists)
            return np.full((len(summaries), 3), 1 / 3, dtype=np.float32)

        return predict

    out_of_fold(music, moods=MOODS, seed=0, learn=learn)
    assert len(asked) == 90 * 5


def test_every_prediction_stands_where_its_track_stands() -> None:
    music = corpus()

    def learn(_: Examples, __: Examples) -> Predict:
        return lambda summaries: np.repeat(summaries[:, :1], 3, axis=1)

    predicted = out_of_fold(music, moods=MOODS, seed=1, learn=learn)
    assert np.array_equal(predicted.tracks[:, 2], music.summaries[:, 0])
    assert np.array_equal(predicted.clean_cuts[:, :, 1], music.clean_cuts[:, :, 0])
    assert np.array_equal(predicted.noisy_cuts[:, :, 1], music.noisy_cuts[:, :, 0])


def test_a_track_counts_as_much_as_its_cuts_together() -> None:
    learnt = examples(corpus(cuts=3), moods=MOODS, rows=np.array([4, 8]), class_weights=np.array([1.0, 2.0, 3.0]))
    assert learnt.moods.tolist() == [1, 2, *[1] * 6, *[2] * 6]
    assert learnt.weights.mean() == pytest.approx(1)
    assert learnt.weights[0] == pytest.approx(learnt.weights[2:8].sum())
    assert learnt.weights[1] / learnt.weights[0] == pytest.approx(1.5)


def test_without_cuts_tracks_are_all_there_is() -> None:
    learnt = examples(corpus(cuts=0), moods=MOODS, rows=np.arange(90), class_weights=np.ones(3))
    assert learnt.summaries.shape == (90, 75)
    assert learnt.weights.tolist() == [1] * 90


def test_rare_moods_weigh_more_and_absent_ones_nothing() -> None:
    weights = class_weights(np.array([0, 0, 0, 0, 2]), count=4)
    assert weights[2] == pytest.approx(2 * weights[0])
    assert weights[1] == weights[3] == 0


def test_the_scores_of_a_known_case() -> None:
    probabilities = np.array([[0.8, 0.2, 0], [0.6, 0.4, 0], [0.5, 0.5, 0]], dtype=np.float32)
    found = scores(np.array([0, 1, 0]), probabilities)
    assert found["accuracy"] == pytest.approx(2 / 3)
    # F1 of 0.8, 0 and, since the third mood is neither there nor predicted, 0.
    assert found["macro_f1"] == pytest.approx(0.8 / 3)
    assert found["loss"] == pytest.approx(-np.log([0.8, 0.4, 0.5]).mean())


def test_groups_of_feelings_correlate_with_feelings_and_random_ones_do_not() -> None:
    chance = np.random.default_rng(0)
    groups = chance.integers(0, 3, 300)
    emotions = np.stack([groups == 0, groups == 1], axis=1) + chance.normal(0, 0.1, (300, 2))
    emotions[::7] = np.nan
    artists = np.arange(300) // 2
    felt = emotion_correlation(groups, emotions=emotions, artists=artists)
    by_chance = random_emotion_correlation(groups, emotions=emotions, artists=artists, seed=0)
    assert felt is not None
    assert by_chance is not None
    assert felt > 0.95
    assert abs(by_chance) < 0.2


def test_an_artist_does_not_speak_for_himself() -> None:
    emotions = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert emotion_correlation(np.array([0, 0, 1, 1]), emotions=emotions, artists=np.array([0, 0, 1, 1])) is None


@pytest.mark.parametrize("emotions", [np.zeros((4, 0)), np.full((4, 2), np.nan), np.ones((4, 1))])
def test_where_feelings_are_unknown_or_all_the_same_there_is_no_correlation(emotions: NDArray[np.float64]) -> None:
    assert emotion_correlation(np.array([0, 0, 1, 1]), emotions=emotions, artists=np.arange(4)) is None
