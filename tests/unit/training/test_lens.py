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


def test_what_changes_from_cut_to_cut_is_hardly_looked_at() -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=NOBODY)
    staying, changing = (
        np.abs(lens.look(points + np.eye(SIZE)[row]) - lens.look(points)).max() for row in (0, SIZE - 1)
    )
    assert changing < 0.3 * staying
    assert lens.felt == 0


def test_tracks_are_one_apart_from_their_middle_for_each_view() -> None:
    points, cuts = music()
    assert fit_lens(points, cuts=cuts, emotions=NOBODY).look(points).var(axis=0).sum() == pytest.approx(1)
    places = fit_lens(points, cuts=cuts, emotions=feelings(points, number=2)).look(points)
    assert places.var(axis=0).sum() == pytest.approx(2)


def test_classifiers_see_tracks_with_a_deviation_of_one_along_each_axis() -> None:
    points, cuts = music()
    lens = fit_lens(1_000 * points + 5, cuts=1_000 * cuts + 5, emotions=feelings(points, number=2))
    deviations = lens.show(1_000 * points + 5).std(axis=0)
    # The third emotion follows from nothing that is linear: such an axis may show nothing.
    np.testing.assert_allclose(deviations[:-1], 1)
    assert deviations[-1] == pytest.approx(round(deviations[-1]))


def test_what_is_felt_is_seen() -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=feelings(points, number=2))
    assert 0 < lens.felt <= 3
    first = lens.look(points)[:, -lens.felt]
    assert abs(np.corrcoef(first, points[:, 2])[0, 1]) > 0.95


def test_tracks_that_nobody_was_asked_about_do_no_harm_and_few_answers_no_good() -> None:
    points, cuts = music()
    felt = feelings(points, number=2)
    felt[60:] = np.nan
    assert fit_lens(points, cuts=cuts, emotions=felt).felt
    felt[40:] = np.nan
    assert fit_lens(points, cuts=cuts, emotions=felt).felt == 0


def test_without_cuts_the_main_axes_are_seen() -> None:
    points = music()[0]
    points[:, 1] = points[:, 0]
    lens = fit_lens(points, cuts=np.zeros((TRACKS, 0, SIZE)), emotions=NOBODY)
    first = lens.show(points)[:, 0]
    assert abs(np.corrcoef(first, points[:, 0])[0, 1]) > 0.95


def test_tracks_that_are_all_the_same_have_one_place() -> None:
    lens = fit_lens(np.zeros((9, SIZE)), cuts=np.zeros((9, CUTS, SIZE)), emotions=np.zeros((9, 0)))
    assert not lens.look(np.zeros((9, SIZE))).any()


# --- borrowed ---


def test_the_shipped_lens_looks_at_the_points_of_this_feature_version() -> None:
    points = np.random.default_rng(0).normal(size=(30, mood_space().size))
    lens = borrowed(points, summary_names=FEATURES.summary_names)
    assert lens is not None
    assert lens.borrowed
    assert lens.felt > 0
    np.testing.assert_allclose(lens.show(points).std(axis=0), 1)


def test_no_lens_is_borrowed_for_other_summaries() -> None:
    assert borrowed(np.zeros((2, 3)), summary_names=FEATURES.summary_names[1:]) is None


def test_a_lens_that_is_written_down_can_be_lent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points, cuts = music()
    lens = fit_lens(points, cuts=cuts, emotions=feelings(points, number=2))
    (tmp_path / "lens.json").write_bytes(write(lens, summary_names=("a", "b")))
    monkeypatch.setattr(module, "_SHIPPED", tmp_path / "lens.json")
    lent = borrowed(points, summary_names=("a", "b"))
    assert lent is not None
    np.testing.assert_allclose(lent.look(points), lens.look(points), rtol=1e-2, atol=1e-3)
    # Where tracks differ along other axes, classifiers still see them one apart, and moods are looked for as before.
    wide = points * np.where(np.arange(SIZE) == 2, 100.0, 1.0)
    other = borrowed(wide, summary_names=("a", "b"))
    assert other is not None
    np.testing.assert_allclose(other.show(wide).std(axis=0)[:-1], 1)
    np.testing.assert_allclose(other.look(wide), lens.look(points), rtol=1e-2, atol=1e-3)
