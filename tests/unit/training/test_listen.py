"""Listening: cuts are as clips are, and depend on nothing but seed and recording."""

import numpy as np
import pytest
import soundfile

from tunekin.features import FEATURES
from tunekin_featurizer.featurize import featurize
from tunekin_training.collection import Recording
from tunekin_training.listen import CONDITIONS, CUTS, Heard, hear, listen, make_corpus
from tunekin_training.steps import Steps

RATE_HZ = FEATURES.sample_rate_hz


def music(duration_s: float) -> np.ndarray:
    t = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    return (0.4 * np.sin(2 * np.pi * 220 * (1 + t / 20) * t)).astype(np.float32)


def test_the_same_seed_hears_the_same_and_another_seed_other_cuts():
    once, again, other = (hear(music(8), seed=(seed,)) for seed in (1, 1, 2))
    assert np.array_equal(once.cuts, again.cuts)
    assert all(np.array_equal(cuts, again.asked_cuts[name]) for name, cuts in once.asked_cuts.items())
    assert np.array_equal(once.summary, other.summary)
    assert not np.array_equal(once.cuts, other.cuts)


def test_a_track_shorter_than_a_cut_is_its_own_cut():
    y = music(2)
    heard = hear(y, seed=(0,))
    # All that differs is the gain, and how much rounding to int16 then adds to a pure tone.
    np.testing.assert_allclose(heard.asked_cuts["clean"][:, :2], np.tile(featurize(y).summary[:2], (4, 1)), rtol=0.15)
    assert heard.cuts.shape == (CUTS, FEATURES.summary_size)


def test_a_condition_changes_what_it_should():
    heard = hear(music(2), seed=(0,)).asked_cuts
    assert list(heard) == list(CONDITIONS) == ["clean", "noise20", "phone15", "reverb"]
    crossings = FEATURES.summary_names.index("zero_crossing_rate_mean")
    assert heard["noise20"][:, crossings].min() > 1.2 * heard["clean"][:, crossings].max()
    assert heard["phone15"][:, crossings].min() > 1.2 * heard["clean"][:, crossings].max()
    # What rings in a room rings longer.
    harmonic = FEATURES.summary_names.index("centroid_hz_std")
    assert not np.allclose(heard["reverb"][:, harmonic], heard["clean"][:, harmonic], rtol=0.01)


def test_silence_inside_a_track_does_no_harm():
    y = np.concatenate((np.zeros(20 * RATE_HZ, np.float32), music(1)))
    heard = hear(y, seed=(3,))
    assert all(np.isfinite(part).all() for part in (heard.summary, heard.cuts, *heard.asked_cuts.values()))


def test_what_cannot_be_heard_is_left_out_with_the_reason_and_the_rest_keeps_its_order(tmp_path):
    soundfile.write(tmp_path / "a.wav", music(2), RATE_HZ)
    soundfile.write(tmp_path / "b.wav", np.zeros(RATE_HZ), RATE_HZ)
    (tmp_path / "c.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "d.wav", np.zeros(0), RATE_HZ)
    recordings = [Recording(path=tmp_path / f"{name}.wav", name=name) for name in "cbade"]
    heard = listen(recordings, seed=0, steps=Steps(tmp_path / "kept"))
    assert [recording for recording, _ in heard] == recordings
    unreadable, silent, fine, empty, absent = (result for _, result in heard)
    assert isinstance(unreadable, str)
    assert isinstance(absent, str)
    assert "can't be read" in unreadable
    assert "can't be read" in absent
    assert silent == empty == "it is silent"
    assert isinstance(fine, Heard)
    assert len(list((tmp_path / "kept").iterdir())) == 5


def test_a_file_whose_bytes_changed_is_heard_anew(tmp_path):
    recording = Recording(path=tmp_path / "a.wav", name="a")
    heard = []
    for duration_s in (2, 3):
        soundfile.write(recording.path, music(duration_s), RATE_HZ)
        heard += [result for _, result in listen([recording], seed=0, steps=Steps(tmp_path / "kept"))]
    assert not np.array_equal(heard[0].summary, heard[1].summary)


def test_a_corpus_keeps_what_is_known_of_its_tracks(tmp_path):
    heard = Heard(
        summary=np.ones(3, np.float32),
        cuts=np.ones((4, 3), np.float32),
        asked_cuts=dict.fromkeys(CONDITIONS, np.ones((2, 3), np.float32)),
    )
    corpus = make_corpus(
        [
            (Recording(path=tmp_path, name="a", artist="x", album="y", emotions={"joy": 0.5}), heard),
            (Recording(path=tmp_path, name="b", licence="CC0"), heard),
        ]
    )
    assert (corpus.names, corpus.artists, corpus.licences) == (("a", "b"), ("x", ""), ("", "CC0"))
    assert corpus.albums == ("y", "")
    assert corpus.emotion_names == ("joy",)
    assert corpus.emotions[0, 0] == pytest.approx(0.5)
    assert np.isnan(corpus.emotions[1, 0])
    assert corpus.summaries.shape == (2, 3)
    assert corpus.cuts.shape == (2, 4, 3)
    assert {cuts.shape for cuts in corpus.asked_cuts.values()} == {(2, 2, 3)}
