"""What training has heard: summaries of tracks, of cuts out of them, and what is known about the tracks.

Conventions
-----------
``n`` counts tracks, ``c`` cuts of a track that are learnt from, ``q`` cuts that are asked about, ``d`` numbers of a
summary, ``e`` emotions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Corpus", "Examples", "artist_numbers", "examples"]

# People play cuts, and only the catalogue is heard whole.
_CUTS_WEIGHT = 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Corpus:
    """Music as training knows it.

    Attributes
    ----------
    names : tuple of str [n]
        What a report calls each track.
    artists, albums, licences : tuple of str [n]
        Empty where unknown.
    summaries : np.ndarray [shape=(n, d), dtype=float32]
        Of whole tracks.
    cuts : np.ndarray [shape=(n, c, d), dtype=float32]
        Of cuts as short as clips are, clean and damaged, to learn from; none where no audio was at hand.
    asked_cuts : mapping of str to np.ndarray [shape=(n, q, d), dtype=float32]
        By condition of the recording: cuts that nothing is learnt from, to judge by. Empty where there are no cuts.
    emotion_names : tuple of str [e]
        What listeners were asked for; may be empty.
    emotions : np.ndarray [shape=(n, e), dtype=float64]
        Share of listeners who felt each; NaN where nobody was asked.
    """

    names: tuple[str, ...]
    artists: tuple[str, ...]
    albums: tuple[str, ...]
    licences: tuple[str, ...]
    summaries: NDArray[np.float32]
    cuts: NDArray[np.float32]
    asked_cuts: Mapping[str, NDArray[np.float32]]
    emotion_names: tuple[str, ...]
    emotions: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """What a classifier learns from.

    Attributes
    ----------
    summaries : np.ndarray [shape=(m, d), dtype=float32]
        Of tracks and cuts.
    moods : np.ndarray [shape=(m,), dtype=int64]
        The mood of each: that of its track.
    memberships : np.ndarray [shape=(m, moods), dtype=float32]
        How far each belongs to each mood: as its track does.
    weights : np.ndarray [shape=(m,), dtype=float32]
        How much each counts; 1 on average.
    """

    summaries: NDArray[np.float32]
    moods: NDArray[np.int64]
    memberships: NDArray[np.float32]
    weights: NDArray[np.float32]


def examples(
    corpus: Corpus,
    *,
    moods: NDArray[np.int64],
    memberships: NDArray[np.float32],
    rows: NDArray[np.int64],
    class_weights: NDArray[np.float64],
) -> Examples:
    """Take tracks and their cuts to learn from; a track's cuts together count twice as much as the track.

    Parameters
    ----------
    corpus : Corpus
        The music.
    moods : np.ndarray [shape=(n,), dtype=int64]
        Mood of each track.
    memberships : np.ndarray [shape=(n, moods), dtype=float32]
        How far each track belongs to each mood.
    rows : np.ndarray [shape=(k,), dtype=int64]
        Which tracks.
    class_weights : np.ndarray [shape=(moods,), dtype=float64]
        How much each mood counts.

    Returns
    -------
    tunekin_training.corpus.Examples
        ``k`` tracks, then their cuts.
    """
    cuts = corpus.cuts[rows]
    count = cuts.shape[1]
    per_track = class_weights[moods[rows]]
    weights = np.concatenate((per_track, np.repeat(_CUTS_WEIGHT * per_track / max(count, 1), count)))
    whose = np.concatenate((rows, np.repeat(rows, count)))
    return Examples(
        summaries=np.concatenate((corpus.summaries[rows], cuts.reshape(-1, corpus.summaries.shape[1]))),
        moods=moods[whose],
        memberships=memberships[whose],
        weights=(weights / weights.mean()).astype(np.float32),
    )


def artist_numbers(artists: tuple[str, ...]) -> NDArray[np.int64]:
    """Give artists numbers; a track of an unknown one has an artist of its own.

    Parameters
    ----------
    artists : tuple of str [n]
        Empty where unknown.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=int64]
        Equal for equal artists.

    Examples
    --------
    >>> artist_numbers(("Bach", "", "Bach", ""))
    array([0, 1, 0, 2])
    """
    numbers: dict[str | int, int] = {}
    return np.array([numbers.setdefault(artist or i, len(numbers)) for i, artist in enumerate(artists)], dtype=np.int64)
