"""What makes a style: its tempo, its form, its harmony, and who plays what.

A pattern is one row of steps, which divide the bar evenly; ``|`` starts another bar, and spaces only help the eye.
``.`` is a rest and ``-`` holds the note before it. Every other symbol starts a note:

* drums and chords: ``X`` loud, ``x`` usual, ``o`` soft;
* basses: ``1``, ``5``, ``8``: root, fifth and octave of the chord;
* arpeggios: ``0`` to ``9``: the chord's notes from the lowest upward, going on in the next octave;
* melodies: ``x``: the pitch comes from the piece's motifs.

Where a part or a style lists several voices, patterns, progressions or forms, each piece draws its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["STYLES", "Part", "Style"]

Section = Literal["intro", "verse", "chorus", "break"]
Form = tuple[tuple[Section, int], ...]

_ALWAYS = frozenset({"intro", "verse", "chorus", "break"})
_SONG = frozenset({"verse", "chorus"})
_CHORUS = frozenset({"chorus"})


@dataclass(frozen=True, kw_only=True)
class Part:
    """One player.

    Attributes
    ----------
    role : {"drum", "bass", "chords", "arpeggio", "melody"}
        What the pattern's symbols mean.
    voices : tuple of str
        Names in `VOICES`, or in `DRUMS` for a drum.
    patterns : tuple of str
        Rhythms; each kind of section draws one.
    level_db : float
        For drums the peak of a loud stroke, else the RMS where the part sounds; dB below full scale before mastering.
    centre : int
        MIDI pitch around which it plays.
    reverb : float
        Amplitude sent to the room.
    effect : {"drive", "echo", "pump", "tremolo"}, optional
        What the part's sound passes through.
    sections : frozenset of str
        Where it plays.
    bars : {"all", "first", "last"}
        Which bars of a section it plays in.
    strum_s : float
        Time from one note of a chord to the next.
    """

    role: Literal["drum", "bass", "chords", "arpeggio", "melody"]
    voices: tuple[str, ...]
    patterns: tuple[str, ...]
    level_db: float
    centre: int = 60
    reverb: float = 0.15
    effect: Literal["drive", "echo", "pump", "tremolo"] | None = None
    sections: frozenset[str] = _ALWAYS
    bars: Literal["all", "first", "last"] = "all"
    strum_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Style:
    """What the pieces of a style share.

    Attributes
    ----------
    tempo_bpm : tuple of float [2]
        Slowest and fastest tempo.
    beats_per_bar : int
        Beats in a bar.
    forms : tuple of Form
        Sections with their lengths in bars.
    progressions : mapping of str to tuple of str
        For each mode, rows of Roman numerals, one chord a bar; verse and chorus draw different ones.
    parts : tuple of Part
        The players.
    melody_scale : {"diatonic", "pentatonic"}
        What a melody moves in between the notes of the chords.
    swing : float
        How far every second eighth note is late, as a share of an eighth note.
    jitter_s : float
        Standard deviation of each note's time: the players' hands, or none for machines.
    rt60_s : float
        Reverberation time of the room.
    master : tuple of {"drive", "dull", "wobble", "crackle"}
        What the finished mix passes through, in order.
    """

    tempo_bpm: tuple[float, float]
    beats_per_bar: int = 4
    forms: tuple[Form, ...]
    progressions: Mapping[str, tuple[str, ...]]
    parts: tuple[Part, ...]
    melody_scale: Literal["diatonic", "pentatonic"] = "diatonic"
    swing: float = 0.0
    jitter_s: float = 0.0
    rt60_s: float = 1.0
    master: tuple[Literal["drive", "dull", "wobble", "crackle"], ...] = field(default=())


_WALTZ = Style(
    tempo_bpm=(134, 160),
    beats_per_bar=3,
    forms=(
        (("intro", 4), ("verse", 8), ("chorus", 8), ("break", 4), ("chorus", 4)),
        (("intro", 2), ("verse", 8), ("chorus", 8), ("break", 2), ("chorus", 8)),
    ),
    progressions={
        "major": ("I I V7 V7 V7 V7 I I", "I vi ii V7", "I IV V7 I", "vi ii V7 I", "IV I V7 I"),
        "minor": ("i i V7 V7 V7 V7 i i", "i iv V7 i", "i bVI iv V7", "iv i V7 i", "bIII bVII V7 i"),
    },
    parts=(
        Part(role="bass", voices=("upright bass",), patterns=("1-....|5-....", "1-...."), level_db=-17, centre=41),
        Part(
            role="chords",
            voices=("accordion", "piano"),
            patterns=("..X.X.", "..X.x."),
            level_db=-21,
            centre=59,
        ),
        Part(
            role="melody",
            voices=("accordion", "violin", "flute", "music box"),
            patterns=("x---x-|x-----|x---x-|x-----", "x-x-x-|x---x-|x-x-x-|x-----", "x---xx|x---xx|x-x-x-|x-----"),
            level_db=-18,
            centre=74,
            reverb=0.25,
            sections=_SONG,
        ),
        Part(
            role="chords",
            voices=("strings",),
            patterns=("x-----",),
            level_db=-25,
            centre=66,
            reverb=0.3,
            sections=frozenset({"chorus", "break"}),
        ),
        Part(
            role="arpeggio",
            voices=("music box", "pizzicato", "piano"),
            patterns=("012345|543210", "0.2.4.|3.2.1."),
            level_db=-26,
            centre=72,
            sections=frozenset({"intro", "break"}),
        ),
        Part(role="drum", voices=("soft kick",), patterns=("x.....",), level_db=-14, sections=_SONG),
        Part(role="drum", voices=("brush",), patterns=("..X.X.", "..X.xo"), level_db=-16, sections=_SONG),
        Part(role="drum", voices=("ride",), patterns=("x.....",), level_db=-26, sections=_CHORUS),
    ),
    jitter_s=0.006,
    rt60_s=1.4,
)

_LO_FI = Style(
    tempo_bpm=(77, 91),
    forms=(
        (("intro", 2), ("verse", 4), ("chorus", 4), ("break", 2)),
        (("intro", 1), ("verse", 4), ("break", 1), ("chorus", 4), ("verse", 2)),
    ),
    progressions={
        "major": ("ii7 V7 Imaj7 vi7", "Imaj7 iii7 IVmaj7 V7sus", "IVmaj7 iii7 ii7 Imaj7", "vi7 ii7 V7 Imaj7"),
        "minor": ("i7 iv7 bVIImaj7 bIIImaj7", "i7 bVImaj7 iv7 V7", "bVImaj7 bVII7 i7 i7", "iv7 i7 bVImaj7 V7"),
    },
    parts=(
        Part(
            role="chords",
            voices=("electric piano", "tine piano"),
            patterns=("X-----x-x-------", "X-------..x-x---", "x---x-----x-----"),
            level_db=-18,
            centre=60,
            effect="tremolo",
            strum_s=0.015,
        ),
        Part(
            role="bass",
            voices=("upright bass", "sub bass"),
            patterns=("1-----1-5---....", "1---..1---5-8---", "1-------..5-1---"),
            level_db=-17,
            centre=40,
            reverb=0.05,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("soft kick",),
            patterns=("X.....x.x.......", "X......xx.......", "X..x....x.x....."),
            level_db=-7,
            sections=_SONG,
        ),
        Part(role="drum", voices=("dusty snare", "rim"), patterns=("....x.......x...",), level_db=-11, sections=_SONG),
        Part(
            role="drum",
            voices=("hat", "shaker"),
            patterns=("x.o.x.o.x.o.x.o.", "x.o.x.oox.o.x.o.", "x.x.x.x.x.x.x.xo"),
            level_db=-22,
        ),
        Part(
            role="melody",
            voices=("tine piano", "whistle", "marimba", "flute"),
            patterns=(
                "..x-x---..x-----|................",
                "x---..x-x-------|..x-x---x-......",
                "....x-x-x---x---|x-------........",
            ),
            level_db=-24,
            centre=72,
            reverb=0.3,
            effect="echo",
            sections=frozenset({"verse", "chorus", "break"}),
        ),
        Part(
            role="chords",
            voices=("warm pad", "choir"),
            patterns=("x---------------",),
            level_db=-28,
            centre=62,
            reverb=0.3,
            sections=_CHORUS,
        ),
    ),
    melody_scale="pentatonic",
    swing=0.3,
    jitter_s=0.008,
    rt60_s=0.8,
    master=("dull", "wobble", "crackle"),
)

_SYNTH_POP = Style(
    tempo_bpm=(102, 122),
    forms=(
        (("intro", 2), ("verse", 4), ("chorus", 4), ("break", 2), ("chorus", 4)),
        (("verse", 4), ("chorus", 4), ("verse", 2), ("break", 2), ("chorus", 4)),
    ),
    progressions={
        "major": ("I V vi IV", "vi IV I V", "IV V vi I", "I iii vi IV", "IV I V vi"),
        "minor": ("i bVI bIII bVII", "i bVII bVI bVII", "bVI bVII i i", "i iv bVI bVII"),
    },
    parts=(
        Part(
            role="drum",
            voices=("kick",),
            patterns=("X...x...X...x...", "X.....x.X.......", "X..x....X.x....."),
            level_db=-6,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("clap", "big snare"),
            patterns=("....X.......X...",),
            level_db=-9,
            reverb=0.35,
            sections=_SONG,
        ),
        Part(role="drum", voices=("hat",), patterns=("x.o.x.o.x.o.x.o.", "xoxoxoxoxoxoxoxo"), level_db=-20),
        Part(
            role="drum",
            voices=("tom",),
            patterns=("........x.x.x.xx", "............xxxx"),
            level_db=-11,
            reverb=0.3,
            bars="last",
            sections=frozenset({"verse", "break"}),
        ),
        Part(
            role="bass",
            voices=("saw bass", "square bass"),
            patterns=("1.1.1.1.1.1.1.1.", "1.8.1.8.1.8.1.8.", "1-.11.1.1-.11.5."),
            level_db=-17,
            centre=38,
            reverb=0.03,
            sections=frozenset({"verse", "chorus"}),
        ),
        Part(
            role="chords",
            voices=("warm pad", "strings"),
            patterns=("x---------------",),
            level_db=-24,
            centre=62,
            reverb=0.35,
        ),
        Part(
            role="arpeggio",
            voices=("sequence", "square lead", "pulse 25"),
            patterns=("0123210123210123", "0.2.1.2.3.2.1.2.", "0.1.2.3.4.3.2.1."),
            level_db=-25,
            centre=67,
            effect="echo",
            sections=frozenset({"intro", "chorus", "break"}),
        ),
        Part(
            role="chords",
            voices=("supersaw", "stab"),
            patterns=("X--.X--.X-X-..X-", "X---..X---..X---"),
            level_db=-22,
            centre=66,
            effect="pump",
            sections=_CHORUS,
        ),
        Part(
            role="melody",
            voices=("saw lead", "square lead", "whistle", "bell"),
            patterns=(
                "x-x-x---x---x---|x-----x-x-......",
                "..x-x-x-x---x-x-|x-------........",
                "x---x-x---x-x---|x---x---x-......",
            ),
            level_db=-19,
            centre=73,
            reverb=0.25,
            effect="echo",
            sections=_SONG,
        ),
    ),
    rt60_s=1.6,
    master=("drive",),
)

_HOUSE = Style(
    tempo_bpm=(118, 130),
    forms=(
        (("intro", 4), ("verse", 4), ("break", 2), ("chorus", 8)),
        (("intro", 2), ("verse", 4), ("chorus", 4), ("break", 4), ("chorus", 4)),
    ),
    progressions={
        "major": ("ii7 ii7 iii7 iii7", "vi7 vi7 IVmaj7 IVmaj7", "IVmaj7 iii7 vi7 vi7"),
        "minor": ("i7 i7 iv7 iv7", "i7 i7 bVImaj7 bVII7", "i7 bIIImaj7 iv7 i7", "bVImaj7 bVII7 i7 i7"),
    },
    parts=(
        Part(
            role="drum",
            voices=("house kick",),
            patterns=("X...X...X...X...",),
            level_db=-2,
            reverb=0.02,
            sections=frozenset({"intro", "verse", "chorus"}),
        ),
        Part(role="drum", voices=("clap",), patterns=("....x.......x...",), level_db=-11, reverb=0.25, sections=_SONG),
        Part(
            role="drum",
            voices=("open hat",),
            patterns=("..x...x...x...x.",),
            level_db=-17,
            sections=frozenset({"intro", "verse", "chorus"}),
        ),
        Part(
            role="drum",
            voices=("hat", "shaker"),
            patterns=("oooooooooooooooo", "o.oxo.oxo.oxo.ox"),
            level_db=-19,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("rim", "block"),
            patterns=("..o..o....o..o..", "...o..o....o..o."),
            level_db=-16,
            reverb=0.3,
            sections=_CHORUS,
        ),
        Part(
            role="drum",
            voices=("riser",),
            patterns=("x...............",),
            level_db=-18,
            reverb=0.3,
            bars="last",
            sections=frozenset({"break"}),
        ),
        Part(
            role="bass",
            voices=("sub bass", "saw bass", "square bass"),
            patterns=("..1...1...1...1.", "..1.1.1...1.1.8.", "..11..1...11..5."),
            level_db=-17,
            centre=38,
            reverb=0.02,
            effect="pump",
            sections=_SONG,
        ),
        Part(
            role="chords",
            voices=("organ", "stab", "piano", "electric piano"),
            patterns=("..X...X...X...X.", "..X...x..X....x.", "X.....x...X...x."),
            level_db=-21,
            centre=62,
            reverb=0.3,
            effect="echo",
        ),
        Part(
            role="chords",
            voices=("warm pad", "strings"),
            patterns=("x---------------",),
            level_db=-25,
            centre=65,
            reverb=0.35,
            effect="pump",
            sections=frozenset({"chorus", "break"}),
        ),
        Part(
            role="melody",
            voices=("marimba", "sequence", "bell"),
            patterns=(
                "x.x...x.x.x...x.|x.x...x.x.......",
                "x...x.x...x.x...|x...x.x.x...x.x.",
                "..x.x.x...x.x.x.|..x.x...x.......",
            ),
            level_db=-23,
            centre=72,
            effect="echo",
            sections=frozenset({"chorus", "break"}),
        ),
    ),
    melody_scale="pentatonic",
    rt60_s=1.3,
    master=("drive",),
)

_ROCK = Style(
    tempo_bpm=(128, 152),
    forms=(
        (("intro", 4), ("verse", 4), ("chorus", 4), ("break", 4), ("chorus", 4)),
        (("intro", 2), ("verse", 8), ("chorus", 4), ("break", 2), ("chorus", 4)),
    ),
    progressions={
        "major": ("I5 IV5 V5 IV5", "I5 bVII5 IV5 I5", "I5 V5 vi IV5", "IV5 I5 V5 V5"),
        "minor": ("i bVII5 bVI5 bVII5", "i bVI5 bIII5 bVII5", "bVI5 bVII5 i i", "i bIII5 bVII5 iv"),
    },
    parts=(
        Part(
            role="drum",
            voices=("kick",),
            patterns=("X.x...x.X.x.....", "X.......X.x.....", "X..x....X.x....x"),
            level_db=-4,
            reverb=0.06,
            sections=frozenset({"intro", "verse", "chorus"}),
        ),
        Part(
            role="drum",
            voices=("snare", "big snare"),
            patterns=("....X.......X...", "....X.......X..o"),
            level_db=-5,
            reverb=0.2,
            sections=frozenset({"intro", "verse", "chorus"}),
        ),
        Part(
            role="drum",
            voices=("snare",),
            patterns=("........x.x.xxxx", "..........xxxxxx"),
            level_db=-8,
            reverb=0.2,
            bars="last",
        ),
        Part(role="drum", voices=("hat",), patterns=("x.o.x.o.x.o.x.o.", "x.x.x.x.x.x.x.x."), level_db=-17),
        Part(role="drum", voices=("open hat", "ride"), patterns=("x...x...x...x...",), level_db=-18, sections=_CHORUS),
        Part(
            role="drum", voices=("crash",), patterns=("X...............",), level_db=-12, bars="first", sections=_SONG
        ),
        Part(
            role="bass",
            voices=("picked bass",),
            patterns=("1.1.1.1.1.1.1.1.", "1-1.1.1-1.5.1.1.", "1---1.1.1---5.8."),
            level_db=-16,
            centre=36,
            reverb=0.03,
            sections=frozenset({"intro", "verse", "chorus"}),
        ),
        Part(
            role="chords",
            voices=("electric guitar",),
            patterns=("x.x.X.x.x.x.X.x.", "X---..x-X-x-..x-", "x-------x---x-x-"),
            level_db=-16,
            centre=47,
            effect="drive",
            sections=frozenset({"intro", "verse", "chorus"}),
            strum_s=0.006,
        ),
        Part(
            role="chords",
            voices=("electric guitar",),
            patterns=("X---------------", "X-------X-------"),
            level_db=-18,
            centre=57,
            effect="drive",
            sections=_CHORUS,
            strum_s=0.01,
        ),
        Part(
            role="arpeggio",
            voices=("steel guitar", "electric guitar"),
            patterns=("0-1-2-3-2-1-2-1-", "0---2---1---3---", "0-2-1-2-3-2-1-2-"),
            level_db=-20,
            centre=60,
            reverb=0.3,
            effect="echo",
            sections=frozenset({"break"}),
        ),
        Part(
            role="melody",
            voices=("electric guitar",),
            patterns=(
                "x---x-x-x-------|x-x-x---x---....",
                "x-x-x-x-x---x---|x-------....x-x-",
                "x-----x-x-x-x---|x---x-x-x---....",
            ),
            level_db=-17,
            centre=70,
            reverb=0.25,
            effect="drive",
            sections=_SONG,
        ),
    ),
    melody_scale="pentatonic",
    jitter_s=0.005,
    rt60_s=0.9,
    master=("drive",),
)

_AMBIENT = Style(
    tempo_bpm=(64, 76),
    forms=(
        (("intro", 2), ("verse", 4), ("chorus", 4)),
        (("intro", 2), ("verse", 2), ("chorus", 4), ("break", 2)),
    ),
    progressions={
        "major": ("Imaj7 IVadd9", "Iadd9 vi7 IVmaj7 Iadd9", "IVmaj7 Iadd9 IVmaj7 V7sus", "vi7 IVadd9 Imaj7 V7sus"),
        "minor": (
            "iadd9 bVImaj7",
            "iadd9 bIIImaj7 iv7 bVImaj7",
            "bVImaj7 bIIImaj7 iadd9 bVII",
            "iv7 iadd9 bVImaj7 iadd9",
        ),
    },
    parts=(
        Part(
            role="chords",
            voices=("warm pad",),
            patterns=("x---------------",),
            level_db=-19,
            centre=57,
            reverb=0.6,
        ),
        Part(
            role="chords",
            voices=("glass pad", "choir"),
            patterns=("x---------------",),
            level_db=-25,
            centre=66,
            reverb=0.7,
            sections=frozenset({"verse", "chorus"}),
        ),
        Part(
            role="bass", voices=("sub bass",), patterns=("1---------------",), level_db=-20, centre=36, sections=_SONG
        ),
        Part(
            role="arpeggio",
            voices=("bell", "tine piano", "piano", "marimba"),
            patterns=("0...2...4...3...", "0.....3...2.....", "..4...2...5...3."),
            level_db=-24,
            centre=72,
            reverb=0.7,
            effect="echo",
            sections=frozenset({"intro", "chorus", "break"}),
        ),
        Part(
            role="melody",
            voices=("whistle", "flute", "violin", "bell"),
            patterns=(
                "x-------..x-----|x---------......",
                "....x-------x---|x-----------....",
                "x-----------....|..x-x-----------",
            ),
            level_db=-22,
            centre=76,
            reverb=0.8,
            effect="echo",
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("surdo", "soft kick"),
            patterns=("x...............", "x.......o......."),
            level_db=-14,
            reverb=0.5,
            sections=_CHORUS,
        ),
        Part(
            role="drum",
            voices=("shaker", "brush"),
            patterns=("..x...x...x...x.", "x...o...x...o..."),
            level_db=-27,
            reverb=0.5,
            sections=_CHORUS,
        ),
    ),
    melody_scale="pentatonic",
    jitter_s=0.01,
    rt60_s=3.5,
)

_BOSSA_NOVA = Style(
    tempo_bpm=(128, 150),
    forms=(
        (("intro", 4), ("verse", 8), ("chorus", 8)),
        (("intro", 2), ("verse", 8), ("break", 2), ("chorus", 8)),
    ),
    progressions={
        "major": (
            "Imaj7 Imaj7 II7 II7 ii7 V7 Imaj7 Imaj7",
            "Imaj7 vi7 ii7 V7",
            "ii7 V7 Imaj7 IVmaj7",
            "iii7 vi7 ii7 V7",
        ),
        "minor": ("i6 i6 ii7b5 V7", "i7 iv7 bVIImaj7 bIIImaj7", "iv7 bVII7 i7 i7", "bVImaj7 ii7b5 V7 i6"),
    },
    parts=(
        Part(
            role="chords",
            voices=("nylon guitar",),
            patterns=(
                "x-..x-..x-..x-..|..x-..x-..x-x-..",
                "x-..x-x-..x-..x-|..x-..x-x-..x-..",
                "x-x-..x-..x-x-..|..x-..x-..x-..x-",
            ),
            level_db=-19,
            centre=59,
            strum_s=0.008,
        ),
        Part(
            role="bass",
            voices=("upright bass",),
            patterns=("1-----5-5-----1-", "1-----1-5-----5-"),
            level_db=-17,
            centre=41,
            reverb=0.05,
        ),
        Part(
            role="drum",
            voices=("surdo",),
            patterns=("x.....o.X.....o.", "x...o...X...o..."),
            level_db=-6,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("rim",),
            patterns=("x.....x.....x...|....x.....x.....", "x.....x.....x...|....x.......x..."),
            level_db=-14,
            reverb=0.25,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("shaker",),
            patterns=("XoxoXoxoXoxoXoxo", "X.o.X.o.X.o.X.o.", "X.ooX.ooX.ooX.oo"),
            level_db=-15,
        ),
        Part(
            role="melody",
            voices=("flute", "nylon guitar", "tine piano"),
            patterns=(
                "x---x-x---x---x-|x-------........",
                "..x---x-x---x---|..x-x---x-......",
                "x-----x---x-x---|--x---x-x-------",
            ),
            level_db=-18,
            centre=74,
            reverb=0.25,
            sections=_SONG,
        ),
        Part(
            role="chords",
            voices=("strings", "warm pad"),
            patterns=("x---------------",),
            level_db=-28,
            centre=64,
            reverb=0.35,
            sections=frozenset({"chorus", "break"}),
        ),
        Part(
            role="arpeggio",
            voices=("nylon guitar", "tine piano"),
            patterns=("0.1.2.3.4.3.2.1.", "4...3...2...1..."),
            level_db=-24,
            centre=66,
            reverb=0.25,
            sections=frozenset({"intro", "break"}),
        ),
    ),
    jitter_s=0.007,
    rt60_s=0.9,
)

_CHIPTUNE = Style(
    tempo_bpm=(140, 166),
    forms=(
        (("intro", 2), ("verse", 8), ("chorus", 4), ("break", 4), ("chorus", 4)),
        (("intro", 4), ("verse", 4), ("chorus", 4), ("verse", 4), ("break", 2), ("chorus", 4)),
    ),
    progressions={
        "major": ("I V vi IV", "I bVII IV I", "IV V iii vi", "I vi IV V", "bVI bVII I I"),
        "minor": ("i bVII bVI bVII", "i bVI bVII i", "i iv bVII bIII", "bVI bVII i V7"),
    },
    parts=(
        Part(
            role="melody",
            voices=("pulse 25", "pulse 50"),
            patterns=(
                "x-x-x-xxx---x---|x-x-x-x-x-----..",
                "x--x--x-x--x--x-|x---x---x-x-....",
                "xxx-x-x-x---xxx-|x-x-x---x---....",
            ),
            level_db=-17,
            centre=74,
            reverb=0.02,
            effect="echo",
            sections=_SONG,
        ),
        Part(
            role="arpeggio",
            voices=("pulse 12", "pulse 50"),
            patterns=("0120120120120120", "0121012101210121", "0240240240240240"),
            level_db=-22,
            centre=66,
            reverb=0.02,
        ),
        Part(
            role="bass",
            voices=("chip triangle",),
            patterns=("1.1.8.1.1.1.8.1.", "1.1.1.1.5.5.8.8.", "1--1--1-5--5--8-"),
            level_db=-15,
            centre=43,
            reverb=0.0,
            sections=frozenset({"verse", "chorus", "break"}),
        ),
        Part(
            role="drum",
            voices=("chip kick",),
            patterns=("X...X...X...X...", "X.....x.X.....x.", "X...X.x.X...X.x."),
            level_db=-6,
            reverb=0.0,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("chip snare",),
            patterns=("....x.......x...", "....x.......x.xx"),
            level_db=-11,
            reverb=0.0,
            sections=_SONG,
        ),
        Part(
            role="drum",
            voices=("chip hat",),
            patterns=("..x...x...x...x.", "xoxoxoxoxoxoxoxo"),
            level_db=-19,
            reverb=0.0,
        ),
        Part(
            role="drum",
            voices=("chip snare",),
            patterns=("xxxxxxxxxxxxxxxx", "........xxxxxxxx"),
            level_db=-15,
            reverb=0.0,
            bars="last",
            sections=frozenset({"intro", "break"}),
        ),
    ),
    rt60_s=0.3,
)

STYLES: Mapping[str, Style] = MappingProxyType(
    {
        "waltz": _WALTZ,
        "lo-fi": _LO_FI,
        "synth-pop": _SYNTH_POP,
        "house": _HOUSE,
        "rock": _ROCK,
        "ambient": _AMBIENT,
        "bossa nova": _BOSSA_NOVA,
        "chiptune": _CHIPTUNE,
    }
)
