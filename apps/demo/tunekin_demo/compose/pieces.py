"""The pieces: who plays what, in which tempo and key.

Artists, albums and titles are invented and fixed; the seed decides the music.
"""

from dataclasses import dataclass, replace

import numpy as np

from tunekin.errors import OptionError
from tunekin_demo.compose.harmony import PITCH_CLASSES
from tunekin_demo.compose.styles import STYLES, Form

__all__ = ["TAIL_S", "Piece", "catalogue", "form_of"]

# The last chord rings for as long as this.
TAIL_S = 2.0

# Far enough that a listener calls it another version, near enough that the ear still knows it.
_VERSION_TEMPOS = {"slow": 0.88, "fast": 1.12}
_VERSION_TITLES = {"slow": "{} (Slow Version)", "fast": "{} (Fast Version)"}
_VERSION_TITLES_KO = {"slow": "{} (느린 버전)", "fast": "{} (빠른 버전)"}

_ALBUMS = {
    "Marrow & Thyme": "Kitchen Dances",
    "오후의 사서들": "반납하지 않은 책",
    "Velvet Semaphore": "Signals for Nobody",
    "달빛세탁소": "새벽 두 시의 빨래",
    "The Crooked Ladders": "Mind the Third Rung",
    "Pixel Ferret": "Insert Tail to Continue",
    "Nine Quiet Lighthouses": "Fog Schedule",
    "Dona Tamarilla": "Quintal de Papel",
    "Hexel Kombo": "Six Sides of Everything",
    "구름우체국": "내일의 날씨",
    "Ottoline Varga": "Rooms with Tall Windows",
    "Gravel Parade": "Loud Gardening",
    "Subfloor Union": "Minutes of the Last Meeting",
    "종이비행기 조종사들": "착륙은 나중에",
    "Mira Solenne": "Vésperas",
    "Kitchen Radio Choir": "Batteries Not Included",
}

# Five artists a style, so that a song has kin by other artists.
_REPERTOIRE = {
    "waltz": (
        ("Marrow & Thyme", "The Butter Dish Waltz"),
        ("오후의 사서들", "먼지 쌓인 왈츠"),
        ("Dona Tamarilla", "Valsa da Chuva Miúda"),
        ("Ottoline Varga", "Turning in Stockings"),
        ("The Crooked Ladders", "Three Legs of a Stool"),
    ),
    "lo-fi": (
        ("오후의 사서들", "대출 카드"),
        ("달빛세탁소", "건조기 앞에서"),
        ("Nine Quiet Lighthouses", "Harbour Homework"),
        ("구름우체국", "소나기 소포"),
        ("Mira Solenne", "Café Frio"),
    ),
    "synth-pop": (
        ("Velvet Semaphore", "Green Means Later"),
        ("달빛세탁소", "형광색 스웨터"),
        ("Pixel Ferret", "Soft Reset"),
        ("Kitchen Radio Choir", "Antenna Weather"),
        ("종이비행기 조종사들", "활주로의 밤"),
    ),
    "house": (
        ("Subfloor Union", "Any Other Business"),
        ("Velvet Semaphore", "Platform Nine Hundred"),
        ("Hexel Kombo", "Honeycomb Shift"),
        ("Kitchen Radio Choir", "Kettle on the Two"),
        ("구름우체국", "새벽 배송"),
    ),
    "rock": (
        ("The Crooked Ladders", "Don't Look Down, Look Sideways"),
        ("Gravel Parade", "Wheelbarrow Anthem"),
        ("종이비행기 조종사들", "접힌 날개"),
        ("달빛세탁소", "탈수 버튼"),
        ("Subfloor Union", "Motion Carried"),
    ),
    "ambient": (
        ("Nine Quiet Lighthouses", "The Sixth Lamp"),
        ("구름우체국", "안개의 주소"),
        ("Ottoline Varga", "Snow on a Skylight"),
        ("Mira Solenne", "Luz Depois"),
        ("Hexel Kombo", "Idle Lattice"),
    ),
    "bossa nova": (
        ("Dona Tamarilla", "Sombra de Guarda-Sol"),
        ("Mira Solenne", "Três Degraus"),
        ("Marrow & Thyme", "Slow Tomatoes"),
        ("오후의 사서들", "창가 자리"),
        ("Ottoline Varga", "A Borrowed Fan"),
    ),
    "chiptune": (
        ("Pixel Ferret", "Tunnel Bonus"),
        ("Hexel Kombo", "Boss Has Feelings"),
        ("Gravel Parade", "Worm Level"),
        ("종이비행기 조종사들", "다시 시작하시겠습니까"),
        ("Kitchen Radio Choir", "Eight Bits of Toast"),
    ),
}


@dataclass(frozen=True, kw_only=True)
class Piece:
    """All that fixes a piece of music.

    Attributes
    ----------
    title, artist, album : str
        What it is called.
    style : str
        A name in `STYLES`.
    tempo_bpm : float
        Beats a minute.
    key : str
        Tonic and mode, such as ``"E flat minor"``.
    seed : int
        Decides everything that style, tempo and key leave open.
    duration_s : float
        Length, the last chord's tail included.
    version_of : str, optional
        Title of the piece by the same artist that this one is another version of.

    Raises
    ------
    OptionError
        If there is no such style or key, or the tempo is not above 0.
    """

    title: str
    artist: str
    album: str
    style: str
    tempo_bpm: float
    key: str
    seed: int
    duration_s: float
    version_of: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be played."""
        if self.style not in STYLES:
            raise OptionError(f"style is {self.style!r}", hint=f"Give one of {', '.join(STYLES)}.")
        tonic, _, mode = self.key.rpartition(" ")
        if tonic not in PITCH_CLASSES or mode not in STYLES[self.style].progressions:
            raise OptionError(f"key is {self.key!r}", hint="Give a tonic and a mode, such as 'E flat minor'.")
        if not self.tempo_bpm > 0.0:
            raise OptionError(f"tempo_bpm is {self.tempo_bpm}", hint="Give a tempo above 0, such as 120.")


def form_of(style: str, *, seed: int) -> Form:
    """Look up the form that a piece takes.

    Parameters
    ----------
    style : str
        A name in `STYLES`.
    seed : int
        The piece's seed.

    Returns
    -------
    tuple of (str, int)
        Sections in order, each with its length in bars.
    """
    forms = STYLES[style].forms
    return forms[seed % len(forms)]


def _duration_s(style: str, *, seed: int, tempo_bpm: float) -> float:
    """Bars of the form at that tempo, and the tail."""
    beats = STYLES[style].beats_per_bar * sum(bars for _, bars in form_of(style, seed=seed))
    return round(60.0 * beats / tempo_bpm + TAIL_S, 3)


def _version(piece: Piece, *, pace: str) -> Piece:
    """Play the same piece slower or faster."""
    korean = any("가" <= letter <= "힣" for letter in piece.title)
    titles = _VERSION_TITLES_KO if korean else _VERSION_TITLES
    tempo_bpm = round(piece.tempo_bpm * _VERSION_TEMPOS[pace], 1)
    return replace(
        piece,
        title=titles[pace].format(piece.title),
        tempo_bpm=tempo_bpm,
        duration_s=_duration_s(piece.style, seed=piece.seed, tempo_bpm=tempo_bpm),
        version_of=piece.title,
    )


def catalogue(*, seed: int = 0) -> list[Piece]:
    """List the pieces of the catalogue.

    In each style tempos are spread evenly over its range and no two pieces share a tonic; one piece of each style
    has a second version, slower or faster by an eighth.

    Parameters
    ----------
    seed : int
        Which catalogue; the same seed gives the same pieces. Not negative.

    Returns
    -------
    list of Piece
        48 pieces of 30 to 45 s by 16 artists in 8 styles; a version follows its original.

    Raises
    ------
    OptionError
        If the seed is negative.

    Examples
    --------
    >>> pieces = catalogue()
    >>> len(pieces), len({piece.artist for piece in pieces}), len({piece.style for piece in pieces})
    (48, 16, 8)
    """
    if seed < 0:
        raise OptionError(f"seed is {seed}", hint="Give a seed of 0 or more.")
    rng = np.random.default_rng(seed)
    pieces: list[Piece] = []
    for style, repertoire in _REPERTOIRE.items():
        slowest, fastest = STYLES[style].tempo_bpm
        share = (rng.permutation(len(repertoire)) + rng.uniform(0.1, 0.9, len(repertoire))) / len(repertoire)
        tonics = rng.permutation(12)
        modes = rng.permutation([mode for mode in STYLES[style].progressions for _ in repertoire[::2]])
        second = int(rng.integers(len(repertoire)))
        pace = str(rng.choice(list(_VERSION_TEMPOS)))
        for i, (artist, title) in enumerate(repertoire):
            piece_seed = int(rng.integers(2**32))
            tempo_bpm = round(float(slowest + share[i] * (fastest - slowest)), 1)
            piece = Piece(
                title=title,
                artist=artist,
                album=_ALBUMS[artist],
                style=style,
                tempo_bpm=tempo_bpm,
                key=f"{PITCH_CLASSES[tonics[i]]} {modes[i]}",
                seed=piece_seed,
                duration_s=_duration_s(style, seed=piece_seed, tempo_bpm=tempo_bpm),
            )
            pieces.append(piece)
            if i == second:
                pieces.append(_version(piece, pace=pace))
    return pieces
