"""Chords, scales and voicings, in MIDI pitches (69 is A4, 440 Hz).

Chords are Roman numerals relative to the major scale on the tonic, as in popular-music analysis: upper case is major,
lower case minor, ``b`` flattens the root, and a suffix adds to the triad: ``IV``, ``bVI``, ``ii7`` (minor seventh),
``V7`` (dominant seventh), ``Imaj7``, ``V7sus``.
"""

import re
from dataclasses import dataclass

from tunekin.errors import OptionError

__all__ = ["PITCH_CLASSES", "SCALES", "Chord", "chord", "frequency_hz", "progression", "scale_pitches", "voicing"]

PITCH_CLASSES = ("C", "C sharp", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
}

_ROOTS = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}

_QUALITIES = {
    ("major", ""): (0, 4, 7),
    ("major", "5"): (0, 7),
    ("major", "6"): (0, 4, 7, 9),
    ("major", "7"): (0, 4, 7, 10),
    ("major", "7sus"): (0, 5, 7, 10),
    ("major", "maj7"): (0, 4, 7, 11),
    ("major", "add9"): (0, 2, 4, 7),
    ("minor", ""): (0, 3, 7),
    ("minor", "6"): (0, 3, 7, 9),
    ("minor", "7"): (0, 3, 7, 10),
    ("minor", "7b5"): (0, 3, 6, 10),
    ("minor", "add9"): (0, 2, 3, 7),
}

_NUMERAL = re.compile(r"(b?)([ivIV]+)(.*)")


@dataclass(frozen=True)
class Chord:
    """Pitch classes that sound together.

    Attributes
    ----------
    root : int
        Pitch class of the root, 0 (C) to 11 (B).
    intervals : tuple of int
        Semitones above the root, ascending from 0.
    """

    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch class of each of its notes."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)


def chord(numeral: str, *, tonic: int) -> Chord:
    """Read one Roman numeral.

    Parameters
    ----------
    numeral : str
        The chord, such as ``"bVImaj7"``.
    tonic : int
        Pitch class that ``I`` stands on, 0 (C) to 11 (B).

    Returns
    -------
    Chord
        The chord in that key.

    Raises
    ------
    OptionError
        If the numeral cannot be read.

    Examples
    --------
    >>> chord("V7", tonic=0)
    Chord(root=7, intervals=(0, 4, 7, 10))
    """
    match = _NUMERAL.fullmatch(numeral)
    if match is not None:
        flat, degree, suffix = match.groups()
        quality = "major" if degree.isupper() else "minor"
        if degree in {degree.upper(), degree.lower()} and degree.lower() in _ROOTS and (quality, suffix) in _QUALITIES:
            root = (tonic + _ROOTS[degree.lower()] - len(flat)) % 12
            return Chord(root, _QUALITIES[quality, suffix])
    raise OptionError(f"{numeral!r} is not a chord", hint="Write a Roman numeral such as ii7, V7, bVI or Imaj7.")


def progression(numerals: str, *, tonic: int) -> tuple[Chord, ...]:
    """Read a row of Roman numerals.

    Parameters
    ----------
    numerals : str
        Chords with spaces between them.
    tonic : int
        Pitch class of the tonic.

    Returns
    -------
    tuple of Chord
        The chords in that key, in order.

    Examples
    --------
    >>> [c.root for c in progression("ii7 V7 Imaj7", tonic=0)]
    [2, 7, 0]
    """
    return tuple(chord(numeral, tonic=tonic) for numeral in numerals.split())


def voicing(harmony: Chord, *, centre: int) -> tuple[int, ...]:
    """Place a chord in the octave around one pitch, so that neighbouring chords move by small steps.

    Parameters
    ----------
    harmony : Chord
        The chord.
    centre : int
        Pitch in the middle of the octave.

    Returns
    -------
    tuple of int
        One pitch for each pitch class, ascending, all in ``[centre - 6, centre + 6)``.

    Examples
    --------
    >>> voicing(chord("IV", tonic=0), centre=60)
    (57, 60, 65)
    """
    lowest = centre - 6
    return tuple(sorted(lowest + (pitch_class - lowest) % 12 for pitch_class in harmony.pitch_classes))


def scale_pitches(scale: str, *, tonic: int) -> tuple[int, ...]:
    """List every MIDI pitch of a scale.

    Parameters
    ----------
    scale : str
        A name in `SCALES`.
    tonic : int
        Pitch class of the tonic.

    Returns
    -------
    tuple of int
        Pitches 0 to 127 of the scale, ascending.
    """
    classes = {(tonic + step) % 12 for step in SCALES[scale]}
    return tuple(pitch for pitch in range(128) if pitch % 12 in classes)


def frequency_hz(pitch: float) -> float:
    """Frequency of a MIDI pitch in equal temperament.

    Parameters
    ----------
    pitch : float
        MIDI pitch; fractions are microtones.

    Returns
    -------
    float
        Frequency in Hz.

    Examples
    --------
    >>> frequency_hz(69)
    440.0
    """
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
