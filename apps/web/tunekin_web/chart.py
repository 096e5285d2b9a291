"""The map of the catalogue: songs that sound alike lie near each other (t-SNE of their summaries)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from tunekin.catalogue.records import Summaries

__all__ = ["MOST_SONGS", "Chart", "draw"]

# t-SNE of so many takes about ten seconds on one core; a larger catalogue shows an even sample.
MOST_SONGS = 2_000
_FEWEST_SONGS = 5
# Van der Maaten's usual choice, less where that few songs have no such many neighbours.
_PERPLEXITY = 30.0
_COMPONENTS = 30


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Places of songs.

    Attributes
    ----------
    songs : list of dict
        ``track_id``, ``title``, ``artist``, ``mood`` (None where unknown), ``x`` and ``y`` from 0 to 1.
    of : int
        Songs that the catalogue has.
    """

    songs: list[dict[str, str | float | int | None]]
    of: int


def draw(summaries: Summaries, moods: Mapping[str, int]) -> Chart:
    """Place the songs of a catalogue.

    Parameters
    ----------
    summaries : Summaries
        Of every song.
    moods : mapping of str to int
        Mood of each song by its id, where it is known.

    Returns
    -------
    Chart
        The same for the same songs.
    """
    count = len(summaries.track_ids)
    # Ids are hashes as a rule, so every n-th song is an even sample.
    chosen = np.unique(np.linspace(0, max(count - 1, 0), min(count, MOST_SONGS)).astype(np.int64))[:count]
    places = _places(summaries.matrix[chosen].astype(np.float64)) if count else np.zeros((0, 2))
    songs: list[dict[str, str | float | int | None]] = [
        {
            "track_id": summaries.track_ids[number],
            "title": summaries.titles[number],
            "artist": summaries.artists[number],
            "mood": moods.get(summaries.track_ids[number]),
            "x": round(float(x), 4),
            "y": round(float(y), 4),
        }
        for number, (x, y) in zip(chosen, places, strict=True)
    ]
    return Chart(songs=songs, of=count)


def _places(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places in the unit square."""
    spread = matrix.std(axis=0)
    standard = (matrix - matrix.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    if len(standard) < _FEWEST_SONGS:
        flat = np.column_stack([np.arange(len(standard)), np.zeros(len(standard))]).astype(np.float64)
    else:
        main = PCA(min(_COMPONENTS, *standard.shape), random_state=0).fit_transform(standard)
        perplexity = min(_PERPLEXITY, (len(standard) - 1) / 3)
        flat = TSNE(perplexity=perplexity, init="pca", random_state=0).fit_transform(main).astype(np.float64)
    low, high = flat.min(axis=0), flat.max(axis=0)
    return np.where(high > low, (flat - low) / np.where(high > low, high - low, 1.0), 0.5)
