"""Search by what songs are called: titles, artists and albums, in part, misspelt, in any script.

The index is in memory and holds names only, so search is the same whatever database the catalogue is in. It takes two
steps: letter groups that the question and a name share propose names, rare groups counting for more, as in any text
index; RapidFuzz's edit distances then decide. Hangul is taken apart into its letters first, so that one wrong stroke in
a syllable is one wrong letter and not a wrong syllable.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import TrackName
from tunekin.messages import Track

__all__ = ["FoundName", "FoundTrack", "TitleIndex", "TitleSearch", "letters"]

# Names that are compared in full: those after them share too few letter groups to be meant.
_PROPOSED = 120
# Scores of names that nobody would take for what was typed end about here.
_LEAST_SCORE = 60.0
# Of a name with a word that begins so, and, as factors, of one that fits in part, in other order, or word by word.
_BEGINS_A_WORD = 90.0
_PART, _OTHER_ORDER, _WORD_BY_WORD = 0.86, 0.95, 0.92
# Apostrophes, typed and typeset: they part no words.
_IN_WORDS = "'\u2019"
# What is typed beyond this tells no songs apart, and would only take time.
_MOST_LETTERS = 200
# An artist's or album's name finds all its songs, so a title that fits as well goes before them.
_WEIGHTS = (1.0, 0.97, 0.93)
# Ends a name, and is no letter; a group with it lies across two names.
_END = "\n"
# Code points have 21 bits, so a group of three fits into 63.
_BITS = 21
# Share that each letter of a name costs: of two names with the same groups the shorter one is meant.
_LENGTH_COST = 0.05


def letters(text: str) -> str:
    """Reduce text to what a search should tell apart.

    Parameters
    ----------
    text : str
        A name, or what somebody typed.

    Returns
    -------
    str
        Words in lower case without accents and punctuation, one space between them, Hangul syllables as letters.

    Examples
    --------
    >>> letters("  Björk: JÓGA!")
    'bjork joga'
    >>> len(letters("봄"))
    3
    """
    decomposed = unicodedata.normalize("NFKD", text[:_MOST_LETTERS]).casefold()
    kept = [
        letter if letter.isalnum() else "" if unicodedata.combining(letter) or letter in _IN_WORDS else " "
        for letter in decomposed
    ]
    return " ".join("".join(kept).split())


@dataclass(frozen=True, kw_only=True)
class FoundName:
    """A name that fits.

    Attributes
    ----------
    track_id : str
        The track that has it.
    score : float
        0 to 1; 1 is the very text.
    """

    track_id: str
    score: float


@dataclass(frozen=True, kw_only=True)
class FoundTrack:
    """A track whose name fits, and how well: 0 to 1."""

    track: Track
    score: float


class TitleIndex:
    """Names of all tracks in one state of the catalogue; never changes, so any thread may ask.

    Parameters
    ----------
    names : iterable of TrackName
        The names; the order of equally good ones is theirs.
    """

    def __init__(self, names: Iterable[TrackName]) -> None:
        self._ids: list[str] = []
        self._fields: tuple[list[str], list[str], list[str]] = ([], [], [])
        for name in names:
            self._ids.append(name.track_id)
            title, artist, album = letters(name.title), letters(name.artist), letters(name.album)
            self._fields[0].append(title)
            self._fields[1].append(f"{title} {artist}".strip())
            self._fields[2].append(f"{artist} {album}".strip())
        self._texts = [
            f"{both} {rest}" if rest else both for both, rest in zip(self._fields[1], self._fields[2], strict=True)
        ]
        self._lengths = np.array([len(text) for text in self._texts], dtype=np.float32)
        groups, owners = _groups(self._texts)
        order = np.argsort(groups, kind="stable")
        groups, owners = groups[order], owners[order]
        # A name that has a group twice is noted once: its owners ascend within a group.
        fresh = np.ones(len(groups), dtype=np.bool_)
        fresh[1:] = (groups[1:] != groups[:-1]) | (owners[1:] != owners[:-1])
        groups, self._owners = groups[fresh], owners[fresh]
        self._groups, begins = np.unique(groups, return_index=True)
        self._bounds = np.append(begins, len(groups))

    def __len__(self) -> int:
        return len(self._ids)

    def search(self, text: str, *, limit: int) -> list[FoundName]:
        """Find what somebody means.

        Parameters
        ----------
        text : str
            Part of a title, artist or album, or of several of them, in any order, perhaps misspelt.
        limit : int
            Most names wanted.

        Returns
        -------
        list of FoundName
            Best first.
        """
        wanted = letters(text)
        proposed = self._propose(wanted) if wanted else ()
        if not len(proposed):
            return []
        scores = _WORD_BY_WORD * _covered(wanted, [self._texts[number] for number in proposed])
        for field, weight in zip(self._fields, _WEIGHTS, strict=True):
            scored = [_likeness(wanted, field[number]) for number in proposed]
            np.maximum(scores, np.multiply(scored, weight), out=scores)
        best = np.lexsort((proposed, self._lengths[proposed], -scores))
        return [
            FoundName(track_id=self._ids[proposed[place]], score=round(float(scores[place]) / 100.0, 4))
            for place in best[:limit]
            if scores[place] >= _LEAST_SCORE
        ]

    def _propose(self, wanted: str) -> NDArray[np.int64]:
        """Names that share most with what is wanted."""
        asked, _ = _groups([wanted])
        asked = np.unique(asked)
        places = np.searchsorted(self._groups, asked)
        known = places < len(self._groups)
        known[known] = self._groups[places[known]] == asked[known]
        places = places[known]
        if not len(places):
            return np.zeros(0, dtype=np.int64)
        counts = self._bounds[places + 1] - self._bounds[places]
        rarity = np.log1p(len(self._ids) / counts)
        owners = np.concatenate([self._owners[self._bounds[place] : self._bounds[place + 1]] for place in places])
        shared = np.bincount(owners, weights=np.repeat(rarity, counts), minlength=len(self._ids))
        shared = shared / (rarity.sum() + _LENGTH_COST * self._lengths)
        sharing = np.flatnonzero(shared)
        if len(sharing) > _PROPOSED:
            least = np.partition(shared[sharing], -_PROPOSED)[-_PROPOSED]
            # Among equals the first ones, so that the same question finds the same names.
            above, equal = sharing[shared[sharing] > least], sharing[shared[sharing] == least]
            sharing = np.sort(np.concatenate([above, equal[: _PROPOSED - len(above)]]))
        return sharing


def _likeness(wanted: str, text: str) -> float:
    """How well a name fits as a whole, or where it is longer than what is wanted, by the part of it that fits best."""
    whole = max(fuzz.ratio(wanted, text), _OTHER_ORDER * fuzz.token_sort_ratio(wanted, text))
    if len(text) <= len(wanted):
        return whole
    if f" {wanted}" in f" {text}":
        return max(whole, _BEGINS_A_WORD)
    return max(whole, _PART * fuzz.partial_ratio(wanted, text, score_cutoff=_LEAST_SCORE))


def _covered(wanted: str, texts: Sequence[str]) -> NDArray[np.float64]:
    """How well each word that is wanted fits some word of a text; on average, long words counting for more."""
    asked = wanted.split()
    words = {word: number for number, word in enumerate(sorted({word for text in texts for word in text.split()}))}
    fits = process.cdist(asked, list(words), scorer=fuzz.ratio, dtype=np.float64)
    for number, word in enumerate(asked):
        for other, column in words.items():
            if other.startswith(word):
                fits[number, column] = max(fits[number, column], _BEGINS_A_WORD)
    lengths = np.array([len(word) for word in asked], dtype=np.float64)
    best = np.array([fits[:, [words[word] for word in text.split()]].max(axis=1) for text in texts])
    return np.asarray(best @ lengths / lengths.sum())


def _groups(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Every two and three letters in a row of each text, spaces around it included, and which text they are of."""
    joined = "".join(f" {text} {_END}" for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le"), dtype="<u4").astype(np.int64)
    owner = np.cumsum(points == ord(_END)).astype(np.int32)
    inside = points != ord(_END)
    pairs = (points[:-1] << _BITS) | points[1:]
    triples = (pairs[:-1] << _BITS) | points[2:]
    two = inside[:-1] & inside[1:]
    three = two[:-1] & inside[2:]
    return np.concatenate([pairs[two], triples[three]]), np.concatenate([owner[:-1][two], owner[:-2][three]])


class TitleSearch:
    """Search over a catalogue as it is now; may be used from any thread.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue.
    """

    def __init__(self, reader: CatalogueReader) -> None:
        self._reader = reader
        self._lock = Lock()
        self._index: TitleIndex | None = None
        self._version = -1

    def search(self, text: str, *, limit: int = 20) -> list[FoundTrack]:
        """Find the tracks that somebody means.

        Parameters
        ----------
        text : str
            As for `TitleIndex.search`.
        limit : int
            Most tracks wanted.

        Returns
        -------
        list of FoundTrack
            Best first.

        Raises
        ------
        DependencyError
            The catalogue can't be read.
        """
        found = self._current().search(text, limit=limit)
        tracks = self._reader.tracks(name.track_id for name in found)
        return [FoundTrack(track=tracks[name.track_id], score=name.score) for name in found if name.track_id in tracks]

    def _current(self) -> TitleIndex:
        with self._lock:
            version = self._reader.version()
            if self._index is None or version != self._version:
                self._index, self._version = TitleIndex(self._reader.names()), version
            return self._index
