"""Harmony: chords, scales and voicings are those of the textbook."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin.errors import OptionError
from tunekin_demo.compose.harmony import SCALES, Chord, chord, frequency_hz, progression, scale_pitches, voicing

chords = st.builds(
    chord, st.sampled_from(["I", "ii7", "bVI", "V7", "vi", "Imaj7", "ii7b5", "I5"]), tonic=st.integers(0, 11)
)


@pytest.mark.parametrize(
    ("numeral", "tonic", "pitch_classes"),
    [
        ("I", 0, (0, 4, 7)),
        ("V7", 9, (4, 8, 11, 2)),
        ("ii7", 0, (2, 5, 9, 0)),
        ("bVI", 9, (5, 9, 0)),
        ("bVIImaj7", 0, (10, 2, 5, 9)),
        ("i6", 2, (2, 5, 9, 11)),
        ("ii7b5", 0, (2, 5, 8, 0)),
        ("I5", 4, (4, 11)),
    ],
)
def test_a_roman_numeral_names_the_notes_of_its_chord(numeral, tonic, pitch_classes):
    assert chord(numeral, tonic=tonic).pitch_classes == pitch_classes


@pytest.mark.parametrize("numeral", ["", "H", "viii", "Imaj9", "iI7", "7V"])
def test_what_is_no_chord_is_refused_by_name(numeral):
    with pytest.raises(OptionError, match="is not a chord") as caught:
        chord(numeral, tonic=0)
    assert repr(numeral) in caught.value.message


def test_a_progression_keeps_the_order_of_its_chords():
    assert [harmony.root for harmony in progression("vi7 ii7 V7 Imaj7", tonic=0)] == [9, 2, 7, 0]


@given(harmony=chords, centre=st.integers(24, 96))
def test_a_voicing_has_every_note_of_the_chord_once_within_an_octave_of_the_centre(harmony: Chord, centre: int):
    pitches = voicing(harmony, centre=centre)
    assert sorted(pitch % 12 for pitch in pitches) == sorted(harmony.pitch_classes)
    assert list(pitches) == sorted(pitches)
    assert all(centre - 6 <= pitch < centre + 6 for pitch in pitches)


@given(scale=st.sampled_from(sorted(SCALES)), tonic=st.integers(0, 11))
def test_a_scale_holds_its_tonic_in_every_octave(scale, tonic):
    assert set(range(tonic, 128, 12)) <= set(scale_pitches(scale, tonic=tonic))


def test_an_octave_doubles_the_frequency():
    assert frequency_hz(69) == 440.0
    assert frequency_hz(57) == pytest.approx(220.0)
    assert frequency_hz(60) == pytest.approx(261.626, abs=1e-3)
