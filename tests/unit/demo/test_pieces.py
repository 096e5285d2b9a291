"""The list of pieces: 48 pieces of eight styles, the same for the same seed."""

from collections import Counter
from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.errors import OptionError
from tunekin_demo.compose import STYLES, catalogue, file_path
from tunekin_demo.compose.pieces import TAIL_S, form_of

seeds = st.integers(0, 2**63)


@given(seed=seeds)
def test_a_seed_always_gives_the_same_pieces(seed):
    assert catalogue(seed=seed) == catalogue(seed=seed)


def test_another_seed_gives_other_music_under_the_same_names():
    ours, theirs = catalogue(seed=0), catalogue(seed=1)
    assert {piece.title for piece in ours if piece.version_of is None} == {
        piece.title for piece in theirs if piece.version_of is None
    }
    assert {piece.seed for piece in ours}.isdisjoint(piece.seed for piece in theirs)


@given(seed=seeds)
def test_every_style_has_five_originals_by_five_artists_and_one_version(seed):
    pieces = catalogue(seed=seed)
    originals = [piece for piece in pieces if piece.version_of is None]
    assert Counter(piece.style for piece in originals) == dict.fromkeys(STYLES, 5)
    assert Counter(piece.style for piece in pieces if piece.version_of) == dict.fromkeys(STYLES, 1)
    assert len({(piece.style, piece.artist) for piece in originals}) == len(originals)
    assert len({piece.artist for piece in pieces}) == 16


@given(seed=seeds)
def test_no_two_pieces_have_the_same_title_or_the_same_file(seed):
    pieces = catalogue(seed=seed)
    assert len({piece.title for piece in pieces}) == len(pieces)
    assert len({str(file_path(piece)).casefold() for piece in pieces}) == len(pieces)


@given(seed=seeds)
def test_no_two_originals_of_a_style_share_tonic_or_tempo(seed):
    for style in STYLES:
        originals = [piece for piece in catalogue(seed=seed) if piece.style == style and piece.version_of is None]
        assert len({piece.key.rpartition(" ")[0] for piece in originals}) == len(originals)
        assert len({piece.tempo_bpm for piece in originals}) == len(originals)


@given(seed=seeds)
def test_a_piece_lasts_30_to_45_s(seed):
    assert all(30.0 <= piece.duration_s <= 45.0 for piece in catalogue(seed=seed))


@given(seed=seeds)
def test_a_version_is_its_original_at_another_tempo(seed):
    pieces = catalogue(seed=seed)
    for original, version in pairwise(pieces):
        if version.version_of is None:
            continue
        assert version.version_of == original.title
        assert 0.05 < abs(version.tempo_bpm / original.tempo_bpm - 1.0) <= 0.15
        assert version == replace(
            original,
            title=version.title,
            tempo_bpm=version.tempo_bpm,
            duration_s=version.duration_s,
            version_of=original.title,
        )


def test_a_piece_is_as_long_as_the_bars_of_its_form_and_its_tail():
    for piece in catalogue():
        bars = sum(length for _, length in form_of(piece.style, seed=piece.seed))
        beats = bars * STYLES[piece.style].beats_per_bar
        assert piece.duration_s == pytest.approx(beats * 60.0 / piece.tempo_bpm + TAIL_S, abs=1e-3)


def test_some_names_are_korean():
    assert sum(any("가" <= letter <= "힣" for letter in piece.title + piece.artist) for piece in catalogue()) >= 8


def test_a_negative_seed_is_refused():
    with pytest.raises(OptionError, match="seed is -1"):
        catalogue(seed=-1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"style": "polka"}, "style is 'polka'"),
        ({"key": "H minor"}, "key is 'H minor'"),
        ({"key": "C dorian"}, "key is 'C dorian'"),
        ({"tempo_bpm": 0.0}, "tempo_bpm is 0.0"),
        ({"tempo_bpm": float("nan")}, "tempo_bpm is nan"),
    ],
)
def test_a_piece_that_nobody_could_play_is_refused(change, message):
    with pytest.raises(OptionError, match=message):
        replace(catalogue()[0], **change)


def test_a_piece_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        catalogue()[0].title = "Another"  # type: ignore[misc]
