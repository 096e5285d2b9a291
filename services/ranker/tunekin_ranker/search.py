"""Search: the tracks that a clip aligns with best.

Tracks are ranked by a *score*, which is the distance unless a `Scoring` says otherwise; it never falls as the distance
grows, so the score of a floor of the distance is a floor of the score.

Every comparison is a step of a cascade of floors, each closer and dearer than the one before: that of the sketches
(`tunekin_ranker.sketches`), that of the frames in float32, and the exact distance (both `tunekin_ranker.dtw`). A track
is left out only where the score of a proven floor lies above the bound: the score that a track must not exceed to make
a difference to the answer. Who survives all floors is compared exactly, so rounding decides nothing.
"""

import bisect
import math
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import OptionError
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip, Span, align, locate
from tunekin_ranker.floors import KeptFloors
from tunekin_ranker.index import Index, Track

__all__ = ["SHORTLIST_SIZE", "Hit", "KBest", "Scoring", "SearchResult", "search"]

# On real music 200 tracks of 400 by mean vector hold 94 % of the true five best; 50 hold two thirds.
SHORTLIST_SIZE = 200
# Tracks that are compared first, so that there is a bound before the others get their floors.
_SEEDS = 32
# Tracks that are compared before the bound is looked at again: few at first, where it falls, then more and more, since
# each call has its cost.
_FIRST_BATCH, _LARGEST_BATCH = 64, 512


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Scoring:
    """How a track's score follows from its distance: ``offset + slope * distance``, in float64, product before sum.

    What else is known of a track and a clip goes into the offset, the scale of the track's distances into the slope.

    Attributes
    ----------
    offsets : np.ndarray [shape=(index.slots,), dtype=float64]
        Score at distance 0, by slot; finite.
    slopes : np.ndarray [shape=(index.slots,), dtype=float64]
        Growth of the score with the distance, by slot; finite, 0 and up.
    """

    offsets: NDArray[np.float64]
    slopes: NDArray[np.float64]

    @classmethod
    def plain(cls, slots: int) -> "Scoring":
        """Make the score the distance.

        Parameters
        ----------
        slots : int
            Slots of the index.

        Returns
        -------
        Scoring
            Offset 0 and slope 1 for every slot.
        """
        return cls(offsets=np.zeros(slots), slopes=np.ones(slots))

    def scores(self, slots: NDArray[np.int64], distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score tracks.

        Rounding is monotone and slopes are not negative, so of two distances the smaller never has the greater score.

        Parameters
        ----------
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks.
        distances : np.ndarray [shape=(count,), dtype=float64]
            Their distances, or floors of them.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            Their scores, or floors of them.
        """
        weighted = self.slopes[slots] * distances
        return np.add(self.offsets[slots], weighted)

    def cutoffs(self, slots: NDArray[np.int64], bound: float) -> NDArray[np.float64]:
        """Say from about which distance on scores exceed a bound; a floor need not be closer than that.

        Parameters
        ----------
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks.
        bound : float
            A score.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            A distance for each track, infinite where no distance exceeds the bound.
        """
        room = bound - self.offsets[slots]
        # A little more than the quotient, so that a sum that ends there really lies above the bound.
        with np.errstate(divide="ignore", invalid="ignore"):
            distances = room / self.slopes[slots] * (1 + 1e-9)
        return np.where(room < 0, 0.0, np.where(self.slopes[slots] > 0, distances, math.inf))


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A track that was found.

    Attributes
    ----------
    track_id : str
        Name of the track.
    distance : float
        The exact distance.
    score : float
        What it is ranked by, the less the better; the distance unless a `Scoring` says otherwise.
    start, stop : int
        The track's frames ``[start, stop)`` that the clip is aligned with; of an identical track, those that it was
        taken of (`tunekin_ranker.dtw.locate`).
    """

    track_id: str
    distance: float
    score: float
    start: int
    stop: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SearchResult:
    """What a search found.

    Attributes
    ----------
    hits : tuple of Hit
        The best tracks, by score, then by track id.
    identical : tuple of Hit
        The tracks within the identity distance, by distance, then by track id; none of them is among the hits.
    candidates : int
        Tracks that the filter and exclusions let be hits.
    compared_in_full : int
        Candidates whose alignment was computed from all their coefficients; floors of sketches ruled the others out,
        or nobody proposed them.
    proven : bool
        Whether comparing every track exactly gives the same hits and the same identical tracks.
    """

    hits: tuple[Hit, ...]
    identical: tuple[Hit, ...]
    candidates: int
    compared_in_full: int
    proven: bool


class KBest:
    """The k best groups so far, each by its best track; ties go to the smaller track id.

    Parameters
    ----------
    k : int
        How many groups to keep.

    Examples
    --------
    >>> best = KBest(2)
    >>> for score, track_id, group in [(3.0, "a", "x"), (1.0, "b", "y"), (2.0, "c", "x"), (2.5, "d", "z")]:
    ...     best.offer(score, track_id, group=group)
    >>> best.ranked
    [(1.0, 'b'), (2.0, 'c')]
    >>> best.bound
    2.0
    """

    def __init__(self, k: int) -> None:
        self._k = k
        self._ranked: list[tuple[float, str]] = []
        self._best_of: dict[Hashable, tuple[float, str]] = {}
        self._group_of: dict[tuple[float, str], Hashable] = {}

    @property
    def bound(self) -> float:
        """Score of place k, above which no track can enter; infinite while places are free."""
        return self._ranked[-1][0] if len(self._ranked) == self._k else math.inf

    @property
    def ranked(self) -> list[tuple[float, str]]:
        """Score and id of each group's best track, best first."""
        return list(self._ranked)

    def offer(self, score: float, track_id: str, *, group: Hashable) -> None:
        """Take a track in if it is the best of its group and its group is among the k best.

        Parameters
        ----------
        score : float
            Its score.
        track_id : str
            Its name.
        group : hashable
            Its group.
        """
        entry = (score, track_id)
        own = self._best_of.get(group)
        if own is not None and own <= entry:
            return
        if own is not None:
            self._remove(own)
        bisect.insort(self._ranked, entry)
        self._best_of[group] = entry
        self._group_of[entry] = group
        if len(self._ranked) > self._k:
            self._remove(self._ranked[-1])

    def _remove(self, entry: tuple[float, str]) -> None:
        """Forget a track and its group."""
        del self._ranked[bisect.bisect_left(self._ranked, entry)]
        del self._best_of[self._group_of.pop(entry)]


def search(
    index: Index,
    clip: Clip,
    *,
    k: int,
    scoring: Scoring | None = None,
    mode: Literal["brute", "certified", "shortlist"] = "certified",
    shortlist_size: int = SHORTLIST_SIZE,
    grouping: Literal["group", "track"] = "group",
    allowed: NDArray[np.bool_] | None = None,
    exclude: Collection[str] = (),
    unwanted: Collection[str] = (),
    identity_distance: float | None = None,
    kept: KeptFloors | None = None,
    crew: Crew | None = None,
) -> SearchResult:
    """Find the k tracks of least score, ties by track id.

    1. What is excluded takes no part. Of the rest the filter leaves the candidates; where there is an identity
       distance, the others may still be the same recording. By brute force all of these are compared exactly, without
       any floor, and that is all.
    2. The candidates whose mean vector is nearest to the clip's are compared; where there is a scoring, those that it
       gives the least scores at the distance of the means. A shortlist holds as many of the others.
    3. A shortlist ends here. A certified search bounds all that is left by sketches, the others no further than the
       identity distance, and compares it by rising score until that of the next lies above the bound, which proves that
       nothing left can matter.

    Tracks within the identity distance are the same recording, whatever their score: they are reported apart, and only
    candidates that are left compete for the k places, so that a group may well be among the hits by another of its
    tracks.

    Parameters
    ----------
    index : Index
        The tracks.
    clip : Clip
        The clip.
    k : int
        How many hits to find, 1 and up; there are fewer where the candidates, or their groups, are fewer.
    scoring : Scoring, optional
        What tracks are ranked by; their distance by default.
    mode : {'brute', 'certified', 'shortlist'}
        Whether to compare every track, to prove the same hits, or to compare proposed tracks only.
    shortlist_size : int
        How many candidates a shortlist has, and how many others, 1 and up, never fewer than `k`; a certified search
        does not need it.
    grouping : {'group', 'track'}
        Whether hits are the best tracks of the k best groups, or the k best tracks.
    allowed : np.ndarray [shape=(index.slots,), dtype=bool], optional
        Slots that may be hits; all by default.
    exclude : collection of str
        Ids of tracks that are neither hits nor the same recording.
    unwanted : collection of str
        Ids of tracks that are no hits.
    identity_distance : float, optional
        Distance up to which a track is the same recording; none is by default.
    kept : KeptFloors, optional
        What searches with the same clip have found out already; the answer is the same.
    crew : Crew, optional
        Threads to share the work; only this one by default. The answer is the same.

    Returns
    -------
    SearchResult
        What was found.

    Raises
    ------
    OptionError
        `k` or `shortlist_size` is below 1, the mode or the grouping is unknown, the identity distance is below 0,
        `allowed` or the scoring has another shape, or the scoring holds a number that it must not.
    InputError
        The clip's frames have another number of coefficients than the tracks'.
    """
    _check(k=k, mode=mode, shortlist_size=shortlist_size, grouping=grouping, identity_distance=identity_distance)
    if allowed is not None and (allowed.shape != (index.slots,) or allowed.dtype != np.bool_):
        raise OptionError(
            f"the filter has the shape {allowed.shape} and the type {allowed.dtype}",
            hint=f"one bool for each of the {index.slots} slots of this snapshot",
        )

    if scoring is not None:
        _check_scoring(scoring, slots=index.slots)

    # Step 1
    left = index.alive.copy()
    left[_slots(index, exclude)] = False
    wanted = left.copy() if allowed is None else left & allowed
    wanted[_slots(index, unwanted)] = False
    if identity_distance is None:
        left = wanted.copy()
    comparison = _Comparison(
        index,
        clip,
        k=k,
        scoring=Scoring.plain(index.slots) if scoring is None else scoring,
        grouping=grouping,
        wanted=wanted,
        identity_distance=identity_distance,
        crew=crew,
    )
    if mode == "brute":
        comparison.compare_exactly(np.flatnonzero(left))
        return comparison.result(proven=True)

    # Step 2
    count = max(k, shortlist_size if mode == "shortlist" else _SEEDS)
    proposed = _proposed(index, clip, count=count, scoring=scoring, among=wanted)
    if mode == "shortlist":
        others = _proposed(index, clip, count=count, scoring=scoring, among=left & ~wanted)
        proposed = np.concatenate((proposed, others))
    comparison.compare(proposed)

    # Step 3
    left[proposed] = False
    if mode == "certified":
        rest = np.flatnonzero(left)
        floors = (kept or KeptFloors()).of(index, clip, rest, comparison.cutoffs(rest), crew=crew)
        # Few matter, and the others need no order.
        order = np.flatnonzero(comparison.may_matter(rest, floors))
        order = order[np.argsort(comparison.ranks(rest[order], floors[order]), kind="stable")]
        start, size = 0, _FIRST_BATCH
        while start < order.size:
            batch = order[start : start + size]
            batch = batch[comparison.may_matter(rest[batch], floors[batch])]
            if not batch.size:
                break
            comparison.compare(rest[batch])
            start, size = start + size, min(2 * size, _LARGEST_BATCH)
    return comparison.result(proven=mode == "certified" or not left.any())


def _proposed(
    index: Index, clip: Clip, *, count: int, scoring: Scoring | None, among: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Slots whose mean vectors promise the least scores."""
    mean = clip.frames.mean(axis=0)
    if scoring is None:
        return index.nearest_means(mean, count=count, allowed=among)
    slots = np.flatnonzero(among)
    estimates = scoring.scores(slots, index.mean_distances(mean)[slots])
    return np.asarray(slots[np.argsort(estimates, kind="stable")[:count]])


def _slots(index: Index, track_ids: Collection[str]) -> list[int]:
    """Slots of those of the tracks that the index holds."""
    return [slot for track_id in track_ids if (slot := index.slot_of(track_id)) is not None]


def _check(*, k: int, mode: str, shortlist_size: int, grouping: str, identity_distance: float | None) -> None:
    """Refuse impossible options."""
    for name, value in (("k", k), ("shortlist_size", shortlist_size)):
        if value < 1:
            raise OptionError(f"{name} is {value}", hint="a count of at least 1")
    for name, text, choices in (
        ("mode", mode, ("brute", "certified", "shortlist")),
        ("grouping", grouping, ("group", "track")),
    ):
        if text not in choices:
            raise OptionError(f"{name} is {text!r}", hint=f"one of {', '.join(choices)}")
    if identity_distance is not None and not identity_distance >= 0:
        raise OptionError(f"identity_distance is {identity_distance}", hint="a distance, 0 and up")


def _check_scoring(scoring: Scoring, *, slots: int) -> None:
    """Refuse a scoring of another snapshot, or one that might rank a greater distance before a smaller one."""
    for name, array, lowest in (("offsets", scoring.offsets, -math.inf), ("slopes", scoring.slopes, 0.0)):
        if array.shape != (slots,) or array.dtype != np.float64:
            raise OptionError(
                f"the scoring's {name} have the shape {array.shape} and the type {array.dtype}",
                hint=f"one float64 for each of the {slots} slots of this snapshot",
            )
        wrong = array[~(np.isfinite(array) & (array >= lowest))]
        if wrong.size:
            raise OptionError(f"the scoring's {name} hold {wrong[0]}", hint="finite numbers, and no slope below 0")


class _Comparison:
    """One search under way: compares tracks, keeps what matters of them, and knows the bound."""

    def __init__(
        self,
        index: Index,
        clip: Clip,
        *,
        k: int,
        scoring: Scoring,
        grouping: str,
        wanted: NDArray[np.bool_],
        identity_distance: float | None,
        crew: Crew | None,
    ) -> None:
        self._index = index
        self._crew = crew
        self._clip = clip
        self._best = KBest(k)
        self._scoring = scoring
        self._grouping = grouping
        self._wanted = wanted
        self._identity_distance = -math.inf if identity_distance is None else identity_distance
        self._identical: list[tuple[float, str]] = []
        self._taken: dict[str, tuple[Track, float, float]] = {}
        self._compared_in_full = 0

    def may_matter(self, slots: NDArray[np.int64], floors: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Say which tracks can be hits or identical, by floors of their distances."""
        hits = self._wanted[slots] & (self._scoring.scores(slots, floors) <= self._best.bound)
        return np.asarray(hits | (floors <= self._identity_distance))

    def ranks(self, slots: NDArray[np.int64], floors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Order in which to compare: what may be identical, then by the least score that a possible hit can have."""
        scores = np.where(self._wanted[slots], self._scoring.scores(slots, floors), math.inf)
        return np.where(floors <= self._identity_distance, -math.inf, scores)

    def cutoffs(self, slots: NDArray[np.int64]) -> NDArray[np.float64]:
        """Distances above which tracks make no difference, or little more."""
        cutoffs = np.where(self._wanted[slots], self._scoring.cutoffs(slots, self._best.bound), 0.0)
        return np.maximum(cutoffs, self._identity_distance)

    def compare(self, slots: NDArray[np.int64]) -> None:
        """Compare tracks: all in float32, then exactly those that can matter, the most promising first."""
        self._compared_in_full += int(np.count_nonzero(self._wanted[slots]))
        floors = self._index.alignment_floors(self._clip, slots, self.cutoffs(slots), crew=self._crew)
        for i in np.argsort(self.ranks(slots, floors), kind="stable"):
            one = slots[i : i + 1]
            if not self.may_matter(one, floors[i : i + 1]):
                break
            self._take_exactly(one)

    def compare_exactly(self, slots: NDArray[np.int64]) -> None:
        """Compare all of these tracks exactly."""
        self._compared_in_full += int(np.count_nonzero(self._wanted[slots]))
        self._take_exactly(slots)

    def _take_exactly(self, slots: NDArray[np.int64]) -> None:
        """Keep what matters of tracks by their exact distances."""
        distances = self._index.exact_distances(self._clip, slots, crew=self._crew)
        for slot, distance, score in zip(slots, distances, self._scoring.scores(slots, distances), strict=True):
            self._take(int(slot), distance=float(distance), score=float(score))

    def _take(self, slot: int, *, distance: float, score: float) -> None:
        """Keep a track: as the same recording, or as one that is merely alike."""
        track = self._index.track_at(slot)
        self._taken[track.track_id] = (track, distance, score)
        if distance <= self._identity_distance:
            self._identical.append((distance, track.track_id))
        elif self._wanted[slot]:
            alone = self._grouping == "track"
            group = track.track_id if alone else self._index.group_of(track.track_id)
            self._best.offer(score, track.track_id, group=group)

    def result(self, *, proven: bool) -> SearchResult:
        """Say what was found, and where in each track."""
        return SearchResult(
            hits=tuple(self._hit(track_id, align) for _, track_id in self._best.ranked),
            identical=tuple(self._hit(track_id, locate) for _, track_id in sorted(self._identical)),
            candidates=int(np.count_nonzero(self._wanted)),
            compared_in_full=self._compared_in_full,
            proven=proven,
        )

    def _hit(self, track_id: str, place: Callable[[Clip, NDArray[np.floating]], Span]) -> Hit:
        track, distance, score = self._taken[track_id]
        span = place(self._clip, track.frames)
        return Hit(track_id=track_id, distance=distance, score=score, start=span.start, stop=span.stop)
