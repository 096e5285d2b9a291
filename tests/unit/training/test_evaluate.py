"""Evaluation: nobody is judged by whom he has heard, and figures are what they are called."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.unit.training.corpora import corpus
from tunekin.errors import InputError
from tunekin.features import FEATURES
from tunekin_training.corpus import Corpus, artist_numbers, examples
from tunekin_training.evaluate import (
    Fold,
    OutOfFold,
    calibration,
    class_weights,
    confusion,
    correlation,
    emotion_correlation,
    folds,
    held_out_correlation,
    out_of_fold,
    random_emotion_correlation,
    scores,
)
from tunekin_training.lens import Lens
from tunekin_training.steps import Arrays, Steps

MOODS = np.arange(90) % 3
SHARES = np.eye(3, dtype=np.float32)[MOODS]


def asked_of(
    music: Corpus, learn: Callable[[Fold], Arrays], *, share: float = 1.0, ground: list[set[int]] | None = None
) -> OutOfFold:
    """Let something learn on each fold; of what its lens is ground is written down."""

    def grind(rows: NDArray[np.int64]) -> Lens:
        if ground is not None:
            ground.append(set(rows.tolist()))
        nothing = np.zeros(1)
        return Lens(mean=nothing, scale=nothing, axes=nothing, weights=nothing, felt=0)

    return out_of_fold(
        music,
        moods=MOODS,
        memberships=SHARES,
        seed=0,
        learn=learn,
        title="learning",
        steps=Steps(),
        grind=grind,
        share=share,
    )


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


def artists_by_summary(music: Corpus) -> dict[bytes, str]:
    every = np.concatenate((music.summaries[:, np.newaxis], music.cuts, *music.asked_cuts.values()), axis=1)
    return {summary.tobytes(): artist for artist, own in zip(music.artists, every, strict=True) for summary in own}


def test_a_model_is_asked_only_about_artists_that_it_neither_learnt_nor_stopped_by() -> None:
    music = corpus()
    artist_of = artists_by_summary(music)
    asked: list[str] = []

    def learn(fold: Fold) -> Arrays:
        heard, stopped = ({artist_of[one.tobytes()] for one in part.summaries} for part in (fold.learnt, fold.valid))
        artists = [artist_of[summary.tobytes()] for summary in fold.asked]
        assert heard
        assert stopped
        assert not heard & stopped
        assert not (heard | stopped) & set(artists)
        asked.extend(artists)
        return {"probabilities": np.full((len(artists), 3), 1 / 3, dtype=np.float32)}

    asked_of(music, learn)
    # A track, and two cuts in each of two conditions.
    assert len(asked) == 90 * 5


def test_a_lens_is_ground_on_no_artist_that_is_asked_about() -> None:
    music = corpus()
    artist_of, ground, asked = artists_by_summary(music), list[set[int]](), list[set[str]]()

    def learn(fold: Fold) -> Arrays:
        asked.append({artist_of[summary.tobytes()] for summary in fold.asked})
        return {"probabilities": np.zeros((len(fold.asked), 3), dtype=np.float32)}

    asked_of(music, learn, ground=ground)
    assert len(ground) == len(asked) == 5
    for rows, artists in zip(ground, asked, strict=True):
        assert {music.artists[row] for row in rows} == set(music.artists) - artists


def test_cuts_that_are_asked_about_are_not_learnt_from() -> None:
    music = corpus()
    asked = {
        summary.tobytes() for cuts in music.asked_cuts.values() for summary in cuts.reshape(-1, FEATURES.summary_size)
    }

    def learn(fold: Fold) -> Arrays:
        assert not asked & {one.tobytes() for part in (fold.learnt, fold.valid) for one in part.summaries}
        return {"probabilities": np.zeros((len(fold.asked), 3), dtype=np.float32)}

    asked_of(music, learn)


def test_every_prediction_stands_where_its_track_stands() -> None:
    music = corpus()
    predicted = asked_of(music, lambda fold: {"probabilities": np.repeat(fold.asked[:, :1], 3, axis=1)})
    assert np.array_equal(predicted.tracks[:, 2], music.summaries[:, 0])
    assert list(predicted.cuts) == ["clean", "phone15"]
    for name, cuts in predicted.cuts.items():
        assert np.array_equal(cuts[:, :, 1], music.asked_cuts[name][:, :, 0])


def test_without_cuts_only_tracks_are_asked_about() -> None:
    predicted = asked_of(corpus(cuts=0), lambda fold: {"probabilities": np.zeros((len(fold.asked), 3), np.float32)})
    assert predicted.cuts == {}


def test_less_music_is_fewer_artists_and_the_same_questions() -> None:
    music = corpus()
    artist_of = artists_by_summary(music)
    learnt: list[int] = []

    def learn(fold: Fold) -> Arrays:
        learnt.append(len({artist_of[one.tobytes()] for one in fold.learnt.summaries}))
        return {"probabilities": np.zeros((len(fold.asked), 3), dtype=np.float32), "note": np.array(len(learnt))}

    assert len(asked_of(music, learn, share=0.5).notes) == 5
    # Of 45 artists 27 stay beside the fold and the one for validation.
    assert learnt == [14] * 5


def test_cuts_together_count_twice_as_much_as_their_track() -> None:
    weights = np.array([1.0, 2.0, 3.0])
    rows = np.array([4, 8])
    learnt = examples(corpus(cuts=3), moods=MOODS, memberships=SHARES, rows=rows, class_weights=weights)
    assert learnt.moods.tolist() == [1, 2, *[1] * 3, *[2] * 3]
    assert np.array_equal(learnt.memberships.argmax(axis=1), learnt.moods)
    assert learnt.weights.mean() == pytest.approx(1)
    assert learnt.weights[2:5].sum() == pytest.approx(2 * learnt.weights[0])
    assert learnt.weights[1] / learnt.weights[0] == pytest.approx(1.5)


def test_without_cuts_tracks_are_all_there_is() -> None:
    learnt = examples(corpus(cuts=0), moods=MOODS, memberships=SHARES, rows=np.arange(90), class_weights=np.ones(3))
    assert learnt.summaries.shape == (90, FEATURES.summary_size)
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


def test_confusions_are_counted_by_truth_and_prediction() -> None:
    probabilities = np.array([[0.8, 0.2, 0], [0.6, 0.4, 0], [0.1, 0.9, 0]], dtype=np.float32)
    assert confusion(np.array([0, 1, 1]), probabilities).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_who_is_as_sure_as_he_is_right_is_calibrated() -> None:
    chance = np.random.default_rng(0)
    sure = chance.uniform(0.5, 1, 20_000)
    probabilities = np.column_stack((sure, 1 - sure)).astype(np.float32)
    truth = (chance.uniform(size=20_000) > sure).astype(np.int64)
    bins, error = calibration(truth, probabilities)
    assert error < 0.02
    assert bins[:, 0].sum() == 20_000
    assert np.isnan(bins[:5, 1]).all()
    assert calibration(1 - truth, probabilities)[1] > 0.4


def test_an_interval_holds_the_correlation_and_is_wider_for_fewer_artists() -> None:
    chance = np.random.default_rng(0)
    felt = chance.normal(size=(200, 4))
    expected = felt + chance.normal(size=(200, 4))
    widths = []
    for artists in (np.arange(200), np.arange(200) // 40):
        found = held_out_correlation(felt, expected, artists=artists, seed=0)
        assert found is not None
        value, low, high = found
        assert low < value < high
        assert value == correlation(felt, expected) == pytest.approx(0.7, abs=0.1)
        widths.append(high - low)
    assert widths[0] < 0.2


def test_tracks_of_which_either_side_is_unknown_do_not_count() -> None:
    felt, expected = np.arange(6.0)[:, np.newaxis], np.array([[0.0], [1.0], [2.0], [np.nan], [9.0], [-9.0]])
    felt[4:] = np.nan
    assert correlation(felt, expected) == pytest.approx(1)
    assert held_out_correlation(felt[2:], expected[2:], artists=np.arange(4), seed=0) is None


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
