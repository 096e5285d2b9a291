"""The notes: in time, in key, and as the style has it."""

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin_demo.compose import STYLES, catalogue, score
from tunekin_demo.compose.arrange import _steps
from tunekin_demo.compose.drums import DRUMS
from tunekin_demo.compose.harmony import PITCH_CLASSES, SCALES, progression
from tunekin_demo.compose.instruments import VOICES
from tunekin_demo.compose.pieces import TAIL_S, form_of

SYMBOLS = {"drum": "Xxo", "chords": "Xxo", "bass": "158", "arpeggio": "0123456789", "melody": "x"}
PARTS = [
    pytest.param(STYLES[style], part, id=f"{style}-{i}")
    for style in STYLES
    for i, part in enumerate(STYLES[style].parts)
]
pieces = st.builds(lambda seed, i: catalogue(seed=seed)[i], seed=st.integers(0, 999), i=st.integers(0, 47))


@pytest.mark.parametrize(("style", "part"), PARTS)
def test_a_part_names_voices_that_exist(style, part):
    assert set(part.voices) <= set(DRUMS if part.role == "drum" else VOICES)


@pytest.mark.parametrize(("style", "part"), PARTS)
def test_a_pattern_divides_each_bar_evenly_into_steps_that_its_part_understands(style, part):
    for pattern in part.patterns:
        rows = pattern.split("|")
        assert set(pattern) <= {*SYMBOLS[part.role], ".", "-", "|"}
        assert all(len(row) % style.beats_per_bar == 0 for row in rows)
        assert all(before != "." for before, after in pairwise("." + "".join(rows)) if after == "-")


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_a_style_has_a_verse_and_a_chorus_in_two_modes_that_exist(style):
    assert set(style.progressions) == {"major", "minor"} <= set(SCALES)
    assert all(len(set(rows)) >= 2 for rows in style.progressions.values())
    assert all(progression(row, tonic=0) for rows in style.progressions.values() for row in rows)
    assert all({"verse", "chorus"} <= {section for section, _ in form} for form in style.forms)


def test_a_step_starts_in_its_bar_and_lasts_until_the_next_symbol():
    first, second, third = _steps("x--.o-|-X..")
    assert (first.symbol, first.bar, first.start) == ("x", 0, 0.0)
    assert first.length == pytest.approx(3 / 6)
    assert (second.symbol, second.bar) == ("o", 0)
    assert second.start == pytest.approx(4 / 6)
    assert second.length == pytest.approx(2 / 6 + 1 / 4)
    assert (third.symbol, third.bar, third.start, third.length) == ("X", 1, 0.25, 0.25)


@given(piece=pieces)
def test_a_score_is_the_same_every_time(piece):
    assert score(piece) == score(piece)


@given(piece=pieces)
def test_every_note_lies_within_its_piece(piece):
    for line in score(piece):
        assert all(0.0 <= note.start_s < piece.duration_s for note in line.notes)
        assert all(note.length_s > 0.0 and 0.0 < note.velocity <= 1.1 for note in line.notes)
        assert all(16 <= note.pitch <= 108 or line.part.role == "drum" for note in line.notes)


@given(piece=pieces)
def test_drums_fall_on_the_grid_of_sixteenths_unless_the_style_swings(piece):
    style = STYLES[piece.style]
    sixteenth_s = 15.0 / piece.tempo_bpm
    for line in score(piece):
        if line.part.role != "drum" or style.swing:
            continue
        # A player's hands are late by a few of the deviations that the style allows.
        late_s = [(note.start_s + 1e-6) % sixteenth_s for note in line.notes]
        assert all(late <= 5.0 * style.jitter_s + 2e-6 for late in late_s)


def test_swing_makes_the_second_eighth_late_and_leaves_the_beat_alone():
    piece = next(piece for piece in catalogue() if piece.style == "lo-fi")
    style = STYLES["lo-fi"]
    beat_s = 60.0 / piece.tempo_bpm
    hats = next(line for line in score(piece) if line.voice in {"hat", "shaker"})
    within = [note.start_s / beat_s % 1.0 for note in hats.notes]
    slack = 5.0 * style.jitter_s / beat_s
    off_beats = [at for at in within if 0.4 < at < 0.9]
    assert off_beats
    assert all(0.5 + 0.5 * style.swing <= at + 1e-6 for at in off_beats if at < 0.5 + 0.5 * style.swing + slack)
    assert min(off_beats) >= 0.5 + 0.5 * style.swing - 1e-6
    assert min(within) < slack


@given(piece=pieces)
def test_the_last_chord_is_the_tonic_on_the_last_bar_line(piece):
    beats = STYLES[piece.style].beats_per_bar * sum(bars for _, bars in form_of(piece.style, seed=piece.seed))
    end_s = beats * 60.0 / piece.tempo_bpm
    tonic, _, mode = piece.key.rpartition(" ")
    third = 4 if mode == "major" else 3
    allowed = {(PITCH_CLASSES.index(tonic) + interval) % 12 for interval in (0, third, 7)}
    last = [
        note for line in score(piece) for note in line.notes if line.part.role != "drum" and note.start_s > end_s - 1e-6
    ]
    assert {note.pitch % 12 for note in last} == allowed
    assert end_s + TAIL_S == pytest.approx(piece.duration_s, abs=1e-3)


@given(piece=pieces)
def test_a_melody_stays_in_a_range_that_can_be_sung(piece):
    for line in score(piece):
        pitches = [note.pitch for note in line.notes]
        if line.part.role == "melody":
            assert max(pitches) - min(pitches) <= 36
            assert len(set(pitches)) >= 2


def test_versions_have_the_same_notes_at_other_times():
    listed = catalogue()
    for original, version in pairwise(listed):
        if version.version_of is None:
            continue
        for ours, theirs in zip(score(original), score(version), strict=True):
            assert ours.voice == theirs.voice
            assert sorted((n.pitch, n.velocity) for n in ours.notes) == sorted(
                (n.pitch, n.velocity) for n in theirs.notes
            )
            assert [n.start_s for n in ours.notes] != [n.start_s for n in theirs.notes]


def test_no_two_pieces_of_a_style_have_the_same_melody():
    melodies = defaultdict(list)
    for piece in catalogue():
        if piece.version_of is None:
            # Relative to the tonic, so that a mere transposition would show.
            tonic = PITCH_CLASSES.index(piece.key.rpartition(" ")[0])
            for line in score(piece):
                if line.part.role == "melody":
                    melodies[piece.style].append(tuple((note.pitch - tonic) % 12 for note in line.notes))
    assert set(melodies) == set(STYLES)
    assert all(len(set(found)) == len(found) for found in melodies.values())


def test_sections_of_a_song_differ_in_who_plays():
    for piece in catalogue():
        style = STYLES[piece.style]
        players = {
            section: frozenset(i for i, part in enumerate(style.parts) if section in part.sections)
            for section, _ in form_of(piece.style, seed=piece.seed)
        }
        assert len(set(players.values())) >= 2
