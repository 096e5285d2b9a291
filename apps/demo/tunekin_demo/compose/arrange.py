"""Writing a piece down: from style, key and seed to the notes of each part.

The notes' times are in seconds, tempo and feel included, so playing them needs no theory of music.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tunekin_demo.compose.harmony import (
    PITCH_CLASSES,
    Chord,
    chord,
    progression,
    scale_pitches,
    voicing,
)
from tunekin_demo.compose.pieces import TAIL_S, Piece, form_of
from tunekin_demo.compose.styles import STYLES, Part, Style

__all__ = ["Line", "Note", "score"]

# Sums of steps miss a beat by no more than this.
_ROUNDING = 1e-9
_VELOCITIES = {"X": 1.0, "x": 0.75, "o": 0.45}
# How loud a section is played.
_ENERGY = {"intro": 0.7, "verse": 0.85, "chorus": 1.0, "break": 0.65}
# Steps along the scale from one note of a motif to the next: mostly neighbours, some leaps.
_MOTIF_STEPS = (-3, -2, -1, -1, 0, 1, 1, 2, 3)
# A chorus is sung higher, by this many semitones.
_CHORUS_LIFT = 4
# A motif stays within this many steps of its centre, so that a tune can be sung.
_MOTIF_RANGE = 5


@dataclass(frozen=True)
class Note:
    """One note or stroke.

    Attributes
    ----------
    start_s : float
        When it begins.
    length_s : float
        How long it is held; drums ignore it.
    pitch : int
        MIDI pitch; 0 for drums.
    velocity : float
        Loudness, 0 to 1.
    """

    start_s: float
    length_s: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Line:
    """What one part plays in one piece.

    Attributes
    ----------
    part : Part
        The player.
    voice : str
        Which of the part's voices the piece drew.
    notes : tuple of Note
        Notes by time.
    """

    part: Part
    voice: str
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class _Step:
    """A symbol of a pattern: its bar in the pattern, and where in the bar it starts and how long it lasts, in bars."""

    symbol: str
    bar: int
    start: float
    length: float


@dataclass(frozen=True)
class _Bar:
    """A bar of the piece."""

    number: int
    section: str
    within: int
    is_last: bool
    harmony: Chord


def _steps(pattern: str) -> tuple[_Step, ...]:
    """Read a pattern."""
    cells = [
        (symbol, bar, at / len(row), 1.0 / len(row))
        for bar, row in enumerate(pattern.split("|"))
        for at, symbol in enumerate(row)
    ]
    steps: list[_Step] = []
    for symbol, bar, start, length in cells:
        if symbol == "-" and steps:
            held = steps[-1]
            steps[-1] = _Step(held.symbol, held.bar, held.start, held.length + length)
        elif symbol not in ".-":
            steps.append(_Step(symbol, bar, start, length))
    return tuple(steps)


class _Writer:
    """Writes one piece: holds what all parts share and draws, in a fixed order, what is open."""

    def __init__(self, piece: Piece) -> None:
        self._style: Style = STYLES[piece.style]
        self._rng = np.random.default_rng(piece.seed)
        self._beat_s = 60.0 / piece.tempo_bpm
        tonic, _, mode = piece.key.rpartition(" ")
        self._tonic = PITCH_CLASSES.index(tonic)
        self._mode = mode
        scale = f"{mode} pentatonic" if self._style.melody_scale == "pentatonic" else mode
        self._scale = scale_pitches(scale, tonic=self._tonic)
        self._last_chord = chord("I" if mode == "major" else "i", tonic=self._tonic)
        self._bars = tuple(self._lay_out(piece))

    def lines(self) -> Iterator[Line]:
        """Write every part."""
        for part in self._style.parts:
            voice = str(self._rng.choice(part.voices))
            notes = sorted(self._notes(part), key=lambda note: note.start_s)
            yield Line(part, voice, tuple(notes))

    def _lay_out(self, piece: Piece) -> Iterator[_Bar]:
        """Put a chord under every bar; verse and chorus have progressions of their own."""
        rows = self._rng.permutation(self._style.progressions[self._mode])
        verse, chorus = (progression(str(row), tonic=self._tonic) for row in rows[:2])
        harmonies = {"intro": verse, "verse": verse, "chorus": chorus, "break": chorus}
        number = 0
        for section, length in form_of(piece.style, seed=piece.seed):
            for within in range(length):
                harmony = harmonies[section][within % len(harmonies[section])]
                yield _Bar(number, section, within, within == length - 1, harmony)
                number += 1

    def _notes(self, part: Part) -> Iterator[Note]:
        """Write one part: each kind of section has its own pattern, and a melody its own motif."""
        patterns = {section: _steps(str(self._rng.choice(part.patterns))) for section in sorted(part.sections)}
        phrases = {section: self._phrases(patterns[section]) for section in sorted(part.sections)}
        lifts = {section: _CHORUS_LIFT * (section == "chorus") for section in part.sections}
        for bar in self._bars:
            if bar.section not in part.sections or not self._plays(part, bar):
                continue
            steps = patterns[bar.section]
            pattern_bars = 1 + max((step.bar for step in steps), default=0)
            phrase = phrases[bar.section][bar.within // pattern_bars % 2]
            for i, step in enumerate(steps):
                if step.bar != bar.within % pattern_bars:
                    continue
                for nth, (pitch, velocity) in enumerate(
                    self._sound(part, bar, step, contour=phrase[i], lift=lifts[bar.section])
                ):
                    yield self._note(bar, step, pitch=pitch, velocity=velocity, late_s=nth * part.strum_s)
        if part.role in {"bass", "chords", "arpeggio"} and "chorus" in part.sections:
            yield from self._ending(part)

    @staticmethod
    def _plays(part: Part, bar: _Bar) -> bool:
        """Tell whether a part plays in a bar of a section that it has to do with."""
        return part.bars == "all" or (bar.within == 0 if part.bars == "first" else bar.is_last)

    def _note(self, bar: _Bar, step: _Step, *, pitch: int, velocity: float, late_s: float) -> Note:
        """Place a note in time, with the style's feel."""
        beats = self._style.beats_per_bar
        start_s = self._time_s((bar.number + step.start) * beats)
        end_s = self._time_s((bar.number + step.start + step.length) * beats)
        jitter_s = abs(self._rng.normal(0.0, 1.0)) * self._style.jitter_s
        human = 1.0 + 0.08 * self._rng.uniform(-1.0, 1.0) * (self._style.jitter_s > 0.0)
        return Note(start_s + jitter_s + late_s, end_s - start_s, pitch, velocity * human * _ENERGY[bar.section])

    def _time_s(self, at_beats: float) -> float:
        """Time of a beat; swing bends each beat so that its half comes late."""
        whole, within = divmod(at_beats + _ROUNDING, 1.0)
        bent = np.interp(within, [0.0, 0.5, 1.0], [0.0, 0.5 + 0.5 * self._style.swing, 1.0])
        return float((whole + bent) * self._beat_s)

    def _sound(self, part: Part, bar: _Bar, step: _Step, *, contour: int, lift: int) -> list[tuple[int, float]]:
        """Pitches and velocities that a symbol stands for."""
        if part.role == "drum":
            return [(0, _VELOCITIES[step.symbol])]
        if part.role == "chords":
            return [(pitch, _VELOCITIES[step.symbol]) for pitch in voicing(bar.harmony, centre=part.centre)]
        if part.role == "bass":
            return [(self._bass(part, bar.harmony, step.symbol), 0.9)]
        if part.role == "arpeggio":
            notes = voicing(bar.harmony, centre=part.centre)
            octave, degree = divmod(int(step.symbol), len(notes))
            return [(notes[degree] + 12 * octave, 0.8)]
        return [(self._melody(bar, step, centre=part.centre + lift, contour=contour), 0.9)]

    @staticmethod
    def _bass(part: Part, harmony: Chord, symbol: str) -> int:
        """Pitch of a bass note: the root lies in the octave around the part's centre."""
        root = voicing(Chord(harmony.root, (0,)), centre=part.centre)[0]
        # A diminished fifth must not clash with a perfect one.
        fifth = next((interval for interval in harmony.intervals if interval in {6, 7}), 7)
        return root + {"1": 0, "5": fifth, "8": 12}[symbol]

    def _melody(self, bar: _Bar, step: _Step, *, centre: int, contour: int) -> int:
        """Pitch of a melody note: the motif moves along the scale; what falls on a beat comes from the chord."""
        nearest = min(range(len(self._scale)), key=lambda i: abs(self._scale[i] - centre))
        pitch = self._scale[nearest + contour]
        if (step.start * self._style.beats_per_bar + _ROUNDING) % 1.0 > 2.0 * _ROUNDING:
            return pitch
        return min(
            (candidate for candidate in range(pitch - 6, pitch + 7) if candidate % 12 in bar.harmony.pitch_classes),
            key=lambda candidate: (abs(candidate - pitch), candidate),
        )

    def _phrases(self, steps: tuple[_Step, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Draw a question and its answer, which begins alike: scale steps around zero, one for each step."""
        question, other = self._contour(len(steps)), self._contour(len(steps))
        half = len(steps) // 2
        return question, question[:half] + other[half:]

    def _contour(self, length: int) -> tuple[int, ...]:
        """Draw a line of scale steps that keeps within a singer's range."""
        at = int(self._rng.integers(-2, 4))
        contour = []
        for step in self._rng.choice(_MOTIF_STEPS, size=length):
            contour.append(at)
            at = int(np.clip(at + step, -_MOTIF_RANGE, _MOTIF_RANGE))
        return tuple(contour)

    def _ending(self, part: Part) -> Iterator[Note]:
        """Hold the tonic chord while the tail rings."""
        start_s = self._time_s(float(len(self._bars) * self._style.beats_per_bar))
        pitches = (
            [self._bass(part, self._last_chord, "1")]
            if part.role == "bass"
            else list(voicing(self._last_chord, centre=part.centre))
        )
        for nth, pitch in enumerate(pitches):
            yield Note(start_s + nth * part.strum_s, 0.6 * TAIL_S, pitch, _ENERGY["verse"])


def score(piece: Piece) -> tuple[Line, ...]:
    """Write the notes of a piece.

    Parameters
    ----------
    piece : Piece
        The piece.

    Returns
    -------
    tuple of Line
        One line a part, in the order of the style's parts. Versions of a piece have the same notes at other times.
    """
    return tuple(_Writer(piece).lines())
