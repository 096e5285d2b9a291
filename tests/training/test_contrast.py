"""The network that learns from sound alone: cuts of one song come together, by music and seed alone."""

import numpy as np
import pytest
import soundfile
import torch

from benchmarks.contrast import Music, compare
from tunekin.errors import InputError
from tunekin.features import FEATURES
from tunekin_training.contrast import SIZE, embed, fit
from tunekin_training.pictures import BANDS, hear_step, picture
from tunekin_training.steps import Steps
from tunekin_training.views import Heard

COLUMNS = 96


def songs(count, *, cuts, seed):
    """Pictures of songs, each with a spectrum of its own; each cut through a microphone of its own, and noise."""
    chance = np.random.default_rng(seed)
    spectra = chance.normal(128, 25, (count, 1, BANDS // 4, 1)).repeat(4, axis=2)
    loud, bright = chance.normal(0, (30, 60), (count, cuts, 2)).T[..., np.newaxis, np.newaxis].swapaxes(1, 2)
    noise = chance.normal(0, 40, (count, cuts, BANDS, COLUMNS))
    coloured = spectra + loud + bright * np.linspace(-1, 1, BANDS)[:, np.newaxis] + noise
    return np.clip(coloured, 0, 255).astype(np.uint8)


def found(network, pictures):
    """Share of cuts whose nearest other cut is of the same song."""
    count, cuts = pictures.shape[:2]
    vectors = embed(network, pictures.reshape(-1, BANDS, COLUMNS))
    apart = ((vectors[:, None] - vectors) ** 2).sum(axis=2) + np.diag(np.full(len(vectors), np.inf))
    return np.mean(apart.argmin(axis=1) // cuts == np.arange(count).repeat(cuts))


@pytest.fixture(scope="module")
def network():
    return fit(songs(40, cuts=4, seed=0), seed=0, steps=20)


def test_cuts_of_songs_never_heard_come_together_by_learning(network):
    strangers = songs(30, cuts=2, seed=1)
    untaught = fit(songs(40, cuts=4, seed=0), seed=0, steps=1)
    assert found(network, strangers) > found(untaught, strangers) + 0.1


def test_the_same_seed_gives_the_same_network_whatever_chance_did_before():
    cuts, networks = songs(8, cuts=2, seed=0), []
    for before, seed in ((1, 5), (2, 5), (2, 6)):
        torch.manual_seed(before)
        networks.append(embed(fit(cuts, seed=seed, steps=2), cuts[:, 0]))
    assert np.array_equal(networks[0], networks[1])
    assert not np.array_equal(networks[0], networks[2])


def test_learning_leaves_the_callers_chance_and_threads_alone():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    fit(songs(4, cuts=2, seed=0), seed=0, steps=1)
    assert torch.equal(torch.rand(4), expected)
    assert torch.get_num_threads() == threads


def test_sounds_of_any_length_have_a_vector_that_no_other_sound_changes(network):
    (whole, *_), *_ = songs(1, cuts=2, seed=2)
    sounds = [whole, whole[:, :10], np.tile(whole, 9), whole[:, :64]]
    together = embed(network, sounds)
    assert together.shape == (4, SIZE)
    assert np.isfinite(together).all()
    for one, expected in zip(sounds, together, strict=True):
        np.testing.assert_allclose(embed(network, [one])[0], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 4, BANDS, 96), (4, 1, BANDS, 96), (4, 4, BANDS, 63)])
def test_what_nothing_can_be_told_apart_of_is_refused(shape):
    with pytest.raises(InputError, match=f"{shape[1]} cuts of {shape[3]} columns of {shape[0]} tracks"):
        fit(np.zeros(shape, np.uint8), seed=0, steps=1)


def test_a_picture_goes_from_the_floor_to_the_local_peak():
    relative = np.full((FEATURES.n_mels, 7), -FEATURES.floor_db, np.float32)
    relative[:2, :2] = 0.0
    drawn = picture(relative)
    assert drawn.shape == (BANDS, 3)
    assert drawn[0, 0] == 255
    assert drawn.sum() == 255


def test_a_recording_is_heard_whole_and_in_cuts_that_differ(tmp_path):
    path = tmp_path / "a.wav"
    chance = np.random.default_rng(0)
    t = np.arange(8 * FEATURES.sample_rate_hz) / FEATURES.sample_rate_hz
    y = np.sin(2 * np.pi * 220 * t * (1 + t / 8)) * 0.3 + chance.normal(0, 0.01, len(t))
    soundfile.write(path, y, FEATURES.sample_rate_hz)
    heard = hear_step(str(path), "", "a")
    again = hear_step(str(path), "", "a")
    assert all(np.array_equal(heard[name], again[name]) for name in heard)
    kinds = len(heard["descriptors"]) - 1
    assert heard["whole"].shape == (BANDS, len(t) // FEATURES.hop // 2)
    assert heard["asked"].shape[:2] == heard["learnt"].shape[:2] == (kinds, BANDS)
    assert len({one.tobytes() for one in (*heard["asked"], *heard["learnt"])}) == 2 * kinds


def test_a_network_that_hears_what_the_views_do_not_is_seen_to_help_without_having_heard_the_artists(monkeypatch):
    count, cuts = 48, 20
    numbers = np.arange(count)
    kinds = numbers % 4
    chance = np.random.default_rng(0)
    heard = Heard(
        descriptors=chance.normal(size=(cuts + 1, count, sum(length for _, length in FEATURES.descriptor))),
        artists=tuple(f"artist {number // 2}" for number in numbers),
        labels=tuple(f"genre {kind}" for kind in kinds),
        emotions=np.eye(4)[kinds] + chance.normal(0, 0.1, (count, 4)),
    )
    # Pictures that say which track they are of.
    pictures = np.tile(numbers.astype(np.uint8)[:, None, None, None], (1, cuts, BANDS, COLUMNS))
    music = Music(heard=heard, whole=tuple(pictures[:, 0]), asked=tuple(pictures), learnt=pictures[:, :2])
    met = []

    def learn(learnt, sounds, *_):
        learned, looked_at = learnt[:, 0, 0, 0], np.array([one[0, 0] for one in sounds])
        met.append((set(learned // 2), set(looked_at[len(learned) :] // 2)))
        return {"vectors": np.eye(4)[kinds[looked_at]] + chance.normal(0, 0.1, (len(sounds), 4))}

    monkeypatch.setattr("benchmarks.contrast.learn_step", learn)
    figures = compare(music, rounds=1, batches=1, steps=Steps())
    # Two halves, one that heard everything and says so, two quarters.
    assert [not learned & ranked for learned, ranked in met] == [True, True, False, True, True]
    assert figures["contrast_precision5_damaged_low"] > 0.6 > figures["views_precision5_high"]
    assert figures["gain_fused_2_precision5_damaged_low"] > 0
    assert figures["gain_views_emotion_cosine"] == 0
    assert figures["chosen_weight_0"] > 0
