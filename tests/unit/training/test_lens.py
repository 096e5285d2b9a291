"""The lens: shows what stays in a song and what is felt, and hides what comes and goes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_training import lens as module
from tunekin_training.lens import borrowed, fit_lens, write
from tunekin_training.space import mood_space

TRACKS, CUTS, SIZE = 200, 4, 12
NOBODY = np.zeros((TRACKS, 0))


def music() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tracks and cuts: the first six numbers stay, the others change from cut to cut."""
    chance = np.random.default_rng(0)
    points = chance.normal(size=(TRACKS, SIZE))
    strays = np.where(np.arange(SIZE) < 6, 0.1, 2.0) * chance.normal(size=(TRACKS, CUTS, SIZE))
    return points, points[:, np.newaxis] + strays


def feelings(points: NDArray[np.float64], *, number: int) -> NDArray[np.float64]:
    return np.column_stack([points[:, number], -points[:, number], np.abs(points[:, number])])


def test_what_changes_from_cut_to_cut_is_not_seen() -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=NOBODY)
    strengths = np.abs(lens.matrix).sum(axis=1)
    assert strengths[6:].max() < 0.1 * strengths[:6].max()
    assert lens.felt == 0


def test_tracks_are_one_apart_from_their_middle() -> None:
    points, cuts = music()
    places = fit_lens(points, cuts=cuts, emotions=NOBODY).look(points)
    assert places.var(axis=0).sum() == pytest.approx(1)


def test_what_is_felt_is_seen() -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=feelings(points, number=2))
    assert 0 < lens.felt <= 3
    first = lens.look(points)[:, lens.staying]
    assert abs(np.corrcoef(first, points[:, 2])[0, 1]) > 0.95


def test_tracks_that_nobody_was_asked_about_do_no_harm_and_few_answers_no_good() -> None:
    points, cuts = music()
    felt = feelings(points, number=2)
    felt[60:] = np.nan
    assert fit_lens(points, cuts=cuts, emotions=felt).felt
    felt[40:] = np.nan
    assert fit_lens(points, cuts=cuts, emotions=felt).felt == 0


def test_without_cuts_everything_is_seen() -> None:
    points, _ = music()
    lens = fit_lens(points, cuts=np.zeros((TRACKS, 0, SIZE)), emotions=NOBODY)
    assert np.linalg.matrix_rank(lens.matrix) == SIZE


def test_tracks_that_are_all_the_same_have_one_place() -> None:
    lens = fit_lens(np.zeros((9, SIZE)), cuts=np.zeros((9, CUTS, SIZE)), emotions=np.zeros((9, 0)))
    assert not lens.look(np.zeros((9, SIZE))).any()


# --- borrowed ---


def test_the_shipped_lens_looks_at_the_points_of_this_feature_version() -> None:
    lens = borrowed(summary_names=FEATURES.summary_names)
    assert lens is not None
    assert lens.matrix.shape == (mood_space().size, lens.staying + lens.felt)
    assert lens.felt > 0


def test_no_lens_is_borrowed_for_other_summaries() -> None:
    assert borrowed(summary_names=FEATURES.summary_names[1:]) is None


def test_a_lens_that_is_written_down_can_be_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=feelings(points, number=2))
    (tmp_path / "lens.json").write_bytes(write(lens, summary_names=("a", "b")))
    monkeypatch.setattr(module, "_SHIPPED", tmp_path / "lens.json")
    lent = borrowed(summary_names=("a", "b"))
    assert lent is not None
    np.testing.assert_allclose(lent.matrix, lens.matrix, rtol=1e-4)
    assert (lent.staying, lent.felt) == (lens.staying, lens.felt)
