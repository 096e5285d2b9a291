"""Listening: cuts are as clips are, and depend on nothing but seed and recording."""

import numpy as np
import pytest
import soundfile

from tunekin.features import FEATURES
from tunekin_featurizer.featurize import featurize
from tunekin_training.collection import Recording
from tunekin_training.listen import Heard, hear, listen, make_corpus

RATE_HZ = FEATURES.sample_rate_hz


def music(duration_s: float) -> np.ndarray:
    t = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 220 * (1 + t / 20) * t)).astype(np.float32)


def test_the_same_seed_hears_the_same_and_another_seed_other_cuts():
    once, again, other = (hear(music(8), seed=(seed,)) for seed in (1, 1, 2))
    for name in ("summary", "clean_cuts", "noisy_cuts"):
        assert np.array_equal(getattr(once, name), getattr(again, name))
    assert np.array_equal(once.summary, other.summary)
    assert not np.array_equal(once.clean_cuts, other.clean_cuts)


def test_a_track_shorter_than_a_cut_is_its_own_cut():
    y = music(2)
    heard = hear(y, seed=(0,))
    # All that differs is the gain, and how much rounding to int16 then adds to a pure tone.
    np.testing.assert_allclose(heard.clean_cuts[:, :2], np.tile(featurize(y).summary[:2], (4, 1)), rtol=0.15)


def test_noise_is_only_in_the_noisy_cuts():
    heard = hear(music(2), seed=(0,))
    crossings = FEATURES.summary_names.index("zero_crossing_rate_mean")
    assert heard.noisy_cuts[:, crossings].min() > 1.2 * heard.clean_cuts[:, crossings].max()


def test_silence_inside_a_track_does_no_harm():
    y = np.concatenate((np.zeros(20 * RATE_HZ, np.float32), music(1)))
    heard = hear(y, seed=(3,))
    assert all(np.isfinite(part).all() for part in (heard.summary, heard.clean_cuts, heard.noisy_cuts))


def test_what_cannot_be_heard_is_left_out_with_the_reason_and_the_rest_keeps_its_order(tmp_path):
    soundfile.write(tmp_path / "a.wav", music(2), RATE_HZ)
    soundfile.write(tmp_path / "b.wav", np.zeros(RATE_HZ), RATE_HZ)
    (tmp_path / "c.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "d.wav", np.zeros(0), RATE_HZ)
    recordings = [Recording(path=tmp_path / f"{name}.wav", name=name) for name in "cbad"]
    done = []
    heard = list(listen(recordings, seed=0, workers=1, on_heard=lambda: done.append(1)))
    assert [recording for recording, _ in heard] == recordings
    unreadable, silent, fine, empty = (result for _, result in heard)
    assert isinstance(unreadable, str)
    assert "can't be read" in unreadable
    assert silent == empty == "it is silent"
    assert isinstance(fine, Heard)
    assert len(done) == 4


def test_a_corpus_keeps_what_is_known_of_its_tracks(tmp_path):
    heard = Heard(
        summary=np.ones(3, np.float32), clean_cuts=np.ones((4, 3), np.float32), noisy_cuts=np.ones((4, 3), np.float32)
    )
    corpus = make_corpus(
        [
            (Recording(path=tmp_path, name="a", artist="x", emotions={"joy": 0.5}), heard),
            (Recording(path=tmp_path, name="b", licence="CC0"), heard),
        ]
    )
    assert (corpus.names, corpus.artists, corpus.licences) == (("a", "b"), ("x", ""), ("", "CC0"))
    assert corpus.emotion_names == ("joy",)
    assert corpus.emotions[0, 0] == pytest.approx(0.5)
    assert np.isnan(corpus.emotions[1, 0])
    assert corpus.summaries.shape == (2, 3)
    assert corpus.clean_cuts.shape == corpus.noisy_cuts.shape == (2, 4, 3)
