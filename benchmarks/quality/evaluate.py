"""Every figure of the scorecard, from pieces that have been heard."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import track as progress_bar

from benchmarks.quality import metrics
from benchmarks.quality.conditions import CONDITIONS, KIN, begin_s
from benchmarks.quality.frames import KINDS, align_all
from benchmarks.quality.methods import METHODS
from benchmarks.quality.pieces import Piece
from benchmarks.quality.served import Catalogue, Found
from tunekin.messages import ClipOptions
from tunekin_training.collection import Recording

__all__ = ["FRAME_CONDITIONS", "Scorecard", "evaluate"]

FRAME_CONDITIONS = ("clean", "noise20", "phone15")
_K = 5
_MOMENT_S = 0.3
_SHORTLISTS = (20, 50, 100, 200)
# Figures of both directions together.
_FAMILIES = {"tempo": ("tempo_up", "tempo_down"), "pitch": ("pitch_up", "pitch_down")}
_T = TypeVar("_T")


@dataclass
class Scorecard:
    """Figures by name, in the order in which they were measured.

    Attributes
    ----------
    figures : dict of str to float or None
        None where a figure is absent.
    """

    figures: dict[str, float | None] = field(default_factory=dict)

    def add(self, name: str, values: NDArray[np.float64], *, groups: NDArray[np.str_]) -> None:
        """Add the mean of some values, with its interval.

        Parameters
        ----------
        name : str
            Of the figure.
        values : np.ndarray [shape=(n,), dtype=float64]
            One a clip; NaN does not count, and without any the figure is absent.
        groups : np.ndarray [shape=(n,)]
            Artist of each clip.
        """
        known = values[~np.isnan(values)]
        self.figures[name] = float(known.mean()) if known.size else None
        interval = metrics.bootstrap_interval(values, groups=groups) if known.size else None
        if interval is not None:
            self.figures[f"{name}_low"], self.figures[f"{name}_high"] = interval


class _Collection:
    """What is known of the tracks, by number."""

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self.recordings = recordings
        # A track of an unknown artist is by nobody else's artist.
        self.artists = np.array([r.artist or f"unknown {number}" for number, r in enumerate(recordings)])
        self.labels = np.array([recording.label for recording in recordings])
        names = sorted({name for recording in recordings for name in recording.emotions})
        emotions = [[recording.emotions.get(name, np.nan) for name in names] for recording in recordings]
        self.directions = metrics.standardised(np.array(emotions, dtype=np.float64).reshape(len(recordings), -1))
        self.has_emotions = bool(names)

    def kin(self, ranked: Iterable[int], query: int) -> list[int]:
        """Take the first five that are not by the query's artist."""
        others = (track for track in ranked if self.artists[track] != self.artists[query])
        first = [track for track, _ in zip(others, range(_K), strict=False)]
        return first + [metrics.EMPTY] * (_K - len(first))

    def score_kin(self, card: Scorecard, suffix: str, lists: NDArray[np.int64], queries: NDArray[np.int64]) -> None:
        """Add precision and emotion agreement of lists of kin."""
        artists = self.artists[queries]
        precisions = metrics.precision(lists, labels=self.labels, wanted=self.labels[queries])
        card.add(f"precision5{suffix}", precisions, groups=artists)
        if self.has_emotions:
            cosines = metrics.emotion_cosine(lists, directions=self.directions, wanted=self.directions[queries])
            card.add(f"emotion_cosine{suffix}", cosines, groups=artists)


def evaluate(recordings: Sequence[Recording], pieces: Sequence[Piece], *, part: int) -> Scorecard:
    """Measure every figure.

    Parameters
    ----------
    recordings : sequence of Recording
        All recordings of the manifest.
    pieces : sequence of Piece
        What was heard of each.
    part : int
        Clips at most to align by each kind of frames, and to measure shortlists with.

    Returns
    -------
    Scorecard
        The figures.
    """
    collection = _Collection(recordings)
    card = Scorecard()
    labelled = [piece for piece in pieces if recordings[piece.number].label]
    kin_pieces = labelled or list(pieces)
    kin_catalogue = Catalogue(kin_pieces, recordings)
    everything = kin_catalogue if len(kin_pieces) == len(pieces) else Catalogue(pieces, recordings)
    _kinship(card, collection, kin_catalogue, kin_pieces)
    _methods(card, collection, kin_pieces)
    _own_songs(card, collection, everything, pieces)
    _shortlists(card, collection, kin_catalogue, kin_pieces[:: max(1, len(kin_pieces) // part)])
    _frames(card, collection, kin_pieces, part=part)
    return card


def _bar(items: Sequence[_T], description: str) -> Iterable[_T]:
    return progress_bar(items, description=description)


def _kinship(card: Scorecard, collection: _Collection, catalogue: Catalogue, pieces: Sequence[Piece]) -> None:
    """Kin of clean and damaged clips, with and without their own song in the catalogue."""
    clean: dict[str, dict[int, list[int]]] = {"": {}, "_absent": {}}
    for condition in KIN:
        queries = [piece for piece in pieces if condition in piece.clips]
        numbers = np.array([piece.number for piece in queries])
        for variant, kin_of in clean.items():
            rows = []
            for piece in _bar(queries, f"kin{variant} {condition}"):
                found = catalogue.ask(piece.clips[condition], absent=piece.number if variant else None)
                rows.append(collection.kin(found.matches, piece.number))
            lists = np.array(rows, dtype=np.int64).reshape(-1, _K)
            if condition == "clean":
                kin_of.update(zip(numbers.tolist(), rows, strict=True))
            suffix = f"{variant}_{condition}" if variant or condition != "clean" else ""
            collection.score_kin(card, suffix, lists, numbers)
            if condition == "clean" and not variant:
                _hubs(card, "", lists, pieces)
            if condition != "clean":
                reference = np.array([kin_of[number] for number in numbers.tolist()], dtype=np.int64).reshape(-1, _K)
                kept = metrics.kept(lists, reference=reference)
                card.add(f"keep5{variant}_{condition}", kept, groups=collection.artists[numbers])
    served = [
        collection.kin(catalogue.ask(piece.clips["clean"], options=ClipOptions(k=2 * _K)).matches, piece.number)
        for piece in _bar(pieces, "as served")
    ]
    numbers = np.array([piece.number for piece in pieces])
    collection.score_kin(card, "_served", np.array(served, dtype=np.int64).reshape(-1, _K), numbers)


def _hubs(card: Scorecard, suffix: str, lists: NDArray[np.int64], pieces: Sequence[Piece]) -> None:
    place = {piece.number: i for i, piece in enumerate(pieces)}
    counts = metrics.occurrences(
        np.array([[place.get(track, metrics.EMPTY) for track in row] for row in lists.tolist()], dtype=np.int64),
        tracks=len(pieces),
    )
    card.figures[f"never_recommended{suffix}"] = float((counts == 0).mean())
    card.figures[f"largest_hub{suffix}"] = float(counts.max())
    card.figures[f"hubness_skewness{suffix}"] = metrics.skewness(counts)


def _methods(card: Scorecard, collection: _Collection, pieces: Sequence[Piece]) -> None:
    """Add the same figures for simple methods."""
    numbers = np.array([piece.number for piece in pieces])
    for name, method in METHODS.items():
        lists = _nearest(method, collection, pieces)
        collection.score_kin(card, f"_{name}", lists, numbers)
        _hubs(card, f"_{name}", lists, pieces)


def _nearest(
    method: Callable[[Sequence[Piece]], NDArray[np.float64]], collection: _Collection, pieces: Sequence[Piece]
) -> NDArray[np.int64]:
    numbers = np.array([piece.number for piece in pieces])
    order = numbers[np.argsort(method(pieces), axis=1, kind="stable")]
    rows = [collection.kin(ranked.tolist(), query) for query, ranked in zip(numbers.tolist(), order, strict=True)]
    return np.array(rows, dtype=np.int64).reshape(-1, _K)


def _own_songs(card: Scorecard, collection: _Collection, catalogue: Catalogue, pieces: Sequence[Piece]) -> None:
    """Whether clips find their own song and its moment, and nothing where it is not there."""
    hits: dict[str, NDArray[np.float64]] = {}
    artists: dict[str, NDArray[np.str_]] = {}
    for condition in CONDITIONS:
        queries = [piece for piece in pieces if condition in piece.clips]
        found = [catalogue.ask(piece.clips[condition]) for piece in _bar(queries, f"own song {condition}")]
        wanted = np.array([piece.number for piece in queries])
        groups = collection.artists[wanted]
        hit = metrics.agreement(np.array([each.first for each in found]), wanted)
        begins_s = [begin_s(condition, start_s=piece.start_s, track_s=piece.duration_s) for piece in queries]
        errors_s = np.abs(np.array([each.start_s for each in found]) - begins_s)
        hits[condition], artists[condition] = hit, groups
        card.add(f"own_song_hit1_{condition}", hit, groups=groups)
        named = np.array([each.identified is not None for each in found])
        card.add(f"identified_{condition}", hit * named, groups=groups)
        card.add(f"moment_within_{condition}", hit * (errors_s <= _MOMENT_S), groups=groups)
        if condition == "clean":
            card.figures["moment_error_s"] = float(np.median(errors_s[hit > 0])) if hit.any() else None
    for family, members in _FAMILIES.items():
        card.add(
            f"own_song_hit1_{family}",
            np.concatenate([hits[member] for member in members]),
            groups=np.concatenate([artists[member] for member in members]),
        )
    for condition in KIN:
        known = [p for p in pieces if condition in p.clips and collection.recordings[p.number].artist]
        alarms = [
            _false(catalogue.ask(piece.clips[condition], absent=piece.number), collection, piece.number)
            for piece in _bar(known, f"strangers {condition}")
        ]
        numbers = [piece.number for piece in known]
        card.add(f"false_identified_{condition}", np.array(alarms, float), groups=collection.artists[numbers])


def _false(found: Found, collection: _Collection, query: int) -> bool:
    """Whether a clip is said to be a song of another known artist."""
    named = found.identified
    return named is not None and collection.recordings[named].artist not in {
        "",
        collection.recordings[query].artist,
    }


def _shortlists(card: Scorecard, collection: _Collection, catalogue: Catalogue, pieces: Sequence[Piece]) -> None:
    """Share of the proven kin that shortlists find."""
    numbers = np.array([piece.number for piece in pieces])

    def kin(piece: Piece, options: ClipOptions, size: int) -> list[int]:
        found = catalogue.ask(piece.clips["clean"], options=options, shortlist_size=size)
        return collection.kin(found.matches, piece.number)

    proven = np.array([kin(piece, ClipOptions(k=2 * _K), 1) for piece in _bar(pieces, "proven")], dtype=np.int64)
    for size in _SHORTLISTS:
        options = ClipOptions(k=2 * _K, mode="shortlist")
        lists = np.array([kin(piece, options, size) for piece in _bar(pieces, f"shortlist {size}")], dtype=np.int64)
        card.add(f"prefilter_recall5_{size}", metrics.kept(lists, reference=proven), groups=collection.artists[numbers])


def _frames(card: Scorecard, collection: _Collection, pieces: Sequence[Piece], *, part: int) -> None:
    """Plain subsequence DTW on other kinds of frames."""
    numbers = np.array([piece.number for piece in pieces])
    sample = [p for p in pieces if all(c in p.heard for c in FRAME_CONDITIONS)]
    sample = sample[:: max(1, len(sample) // part)]
    queries = np.array([piece.number for piece in sample], dtype=np.int64)
    groups = collection.artists[queries]
    for kind, frames_of in KINDS.items() if sample else ():
        tracks = [frames_of(piece.heard["whole"].levels.astype(np.float32)) for piece in pieces]
        clean = np.empty((0, _K), np.int64)
        for condition in _bar(FRAME_CONDITIONS, f"frames {kind}"):
            clips = [frames_of(piece.heard[condition].levels.astype(np.float32)) for piece in sample]
            order = numbers[np.argsort(align_all(clips, tracks, scaled=kind != "mfcc"), axis=1, kind="stable")]
            rows = [collection.kin(ranked.tolist(), q) for q, ranked in zip(queries.tolist(), order, strict=True)]
            lists = np.array(rows, dtype=np.int64).reshape(-1, _K)
            clean = lists if condition == "clean" else clean
            values: Mapping[str, NDArray[np.float64]] = {
                "hit1": metrics.agreement(order[:, 0], queries),
                "precision5": metrics.precision(lists, labels=collection.labels, wanted=collection.labels[queries]),
                "keep5": metrics.kept(lists, reference=clean),
            }
            for name, each in values.items():
                card.add(f"frames_{kind}_{name}_{condition}", each, groups=groups)
