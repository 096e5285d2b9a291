"""The tracks to choose from, as one immutable snapshot.

A query holds on to its `Index` and sees one state of the catalogue from beginning to end, whatever changes meanwhile.

Tracks lie in *segments*, which never change. A change marks replaced and removed tracks as gone in a copy of the marks
and adds one segment for what is new. Segments are merged whenever one is not at least twice as large as the next, as
log-structured merge trees do: there are never more than a few, and each track is copied a logarithmic number of times.

A *slot* is the place of a track in one snapshot: the tracks of all segments counted through, gone ones included. Masks
over slots and results by slot hold for that snapshot only.
"""

import dataclasses
import functools
import math
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import faiss
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip, alignment_floors, exact_distances
from tunekin_ranker.packed import PackedFrames, concatenate, pack
from tunekin_ranker.sketches import Sketches, sketch, sketch_floors

__all__ = ["NO_MOOD", "Index", "Segment", "Track"]

# In arrays of moods and of years, which cannot hold None; not a number stands for a tempo that is unknown.
NO_MOOD = -1
_NO_YEAR = 0


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Track:
    """What the ranker knows of a track.

    Attributes
    ----------
    track_id : str
        Name of the track.
    frames : np.ndarray [shape=(m, d)]
        Its frames; kept as float16.
    views : np.ndarray [shape=(v,)]
        Its views; kept as float16. As many numbers as those of the other tracks; none by default.
    group : str or None
        Tracks of one group, an artist for instance, share one place in an answer; ``None`` shares with nobody.
    mood : int or None
        Number of its mood, 0 and up.
    year : int or None
        Year that it is from.
    tempo_bpm : float or None
        Its tempo, in beats a minute.
    tags : tuple of str
        Its tags, in the form of `tunekin.filters.tag_key`.
    """

    track_id: str
    frames: NDArray[np.floating]
    views: NDArray[np.floating] = field(default_factory=lambda: np.empty(0, np.float16))
    group: str | None = None
    mood: int | None = None
    year: int | None = None
    tempo_bpm: float | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Segment:
    """Tracks that were added together or merged; never changes.

    Attributes
    ----------
    frames : PackedFrames
        Their frames.
    track_ids : tuple of str
        Name of each.
    groups : tuple of (str or None)
        Group of each, as in `Track`.
    moods : np.ndarray [shape=(tracks,), dtype=int32]
        Mood of each, `NO_MOOD` where unset.
    years : np.ndarray [shape=(tracks,), dtype=int16]
        Year of each, 0 where unknown.
    tempi : np.ndarray [shape=(tracks,), dtype=float32]
        Tempo of each in beats a minute, not a number where unknown.
    tags : tuple of tuple of str
        Tags of each.
    views : np.ndarray [shape=(tracks, v), dtype=float16]
        Views of each.
    means : np.ndarray [shape=(tracks, d), dtype=float32]
        Mean frame of each.
    sketches : Sketches
        Their sketches.
    """

    frames: PackedFrames
    track_ids: tuple[str, ...]
    groups: tuple[str | None, ...]
    moods: NDArray[np.int32]
    years: NDArray[np.int16]
    tempi: NDArray[np.float32]
    tags: tuple[tuple[str, ...], ...]
    views: NDArray[np.float16]
    means: NDArray[np.float32]
    sketches: Sketches

    def __len__(self) -> int:
        return len(self.track_ids)

    @functools.cached_property
    def row_of(self) -> dict[str, int]:
        """Place of each track in the segment, by id."""
        return {track_id: row for row, track_id in enumerate(self.track_ids)}

    @functools.cached_property
    def rows_of_tag(self) -> dict[str, NDArray[np.int64]]:
        """Places of the tracks that have a tag, by tag."""
        rows: dict[str, list[int]] = {}
        for row, tags in enumerate(self.tags):
            for tag in tags:
                rows.setdefault(tag, []).append(row)
        return {tag: np.array(places, np.int64) for tag, places in rows.items()}

    @functools.cached_property
    def flat(self) -> faiss.IndexFlatL2:
        """Faiss's index of the means."""
        flat = faiss.IndexFlatL2(self.means.shape[1])
        flat.add(self.means)
        return flat


def _segment(tracks: Iterable[Track], *, coefficients: int | None) -> Segment | None:
    """Lay out tracks one after another, so that they need not all lie in memory; none at all make no segment."""
    track_ids: list[str] = []
    groups: list[str | None] = []
    moods: list[int] = []
    years: list[int] = []
    tempi: list[float] = []
    tags: list[tuple[str, ...]] = []
    views: list[NDArray[np.floating]] = []

    def frames() -> Iterator[NDArray[np.floating]]:
        for track in tracks:
            track_ids.append(track.track_id)
            groups.append(track.group)
            moods.append(NO_MOOD if track.mood is None else track.mood)
            years.append(track.year or _NO_YEAR)
            tempi.append(math.nan if track.tempo_bpm is None else track.tempo_bpm)
            tags.append(track.tags)
            views.append(track.views)
            yield track.frames

    remaining = frames()
    first = next(remaining, None)
    if first is None:
        return None
    packed = pack(chain([first], remaining), coefficients=coefficients or first.shape[-1])
    track_id, count = Counter(track_ids).most_common(1)[0]
    if count > 1:
        raise InputError(f"track id {track_id!r} appears {count} times", hint="give each track once")
    means = np.array([packed.frames(row).mean(axis=0, dtype=np.float64) for row in range(len(packed))], np.float32)
    return Segment(
        frames=packed,
        track_ids=tuple(track_ids),
        groups=tuple(groups),
        moods=np.array(moods, np.int32),
        years=np.array(years, np.int16),
        tempi=np.array(tempi, np.float32),
        tags=tuple(tags),
        views=_joined([one[None] for one in views]),
        means=means,
        sketches=sketch(packed, means=means),
    )


def _joined(views: Sequence[NDArray[np.floating]]) -> NDArray[np.float16]:
    """Put rows of views one below the other."""
    sizes = sorted({rows.shape[1] for rows in views})
    if len(sizes) > 1:
        raise InputError(
            f"views of {sizes[0]} and of {sizes[-1]} numbers", hint="compare tracks of one feature version only"
        )
    return np.concatenate([np.empty((0, sizes[0] if sizes else 0), np.float16), *views]).astype(np.float16, copy=False)


def _merge(parts: Collection[tuple[Segment, NDArray[np.bool_]]]) -> Segment:
    """Put what is left of several segments into one."""
    kept = [(segment, np.flatnonzero(alive)) for segment, alive in parts]
    frames = concatenate(
        (segment.frames if rows.size == len(segment) else segment.frames.take(rows.tolist()) for segment, rows in kept),
        coefficients=kept[0][0].frames.coefficients,
    )
    means = np.concatenate([segment.means[rows] for segment, rows in kept])
    return Segment(
        frames=frames,
        track_ids=tuple(segment.track_ids[row] for segment, rows in kept for row in rows),
        groups=tuple(segment.groups[row] for segment, rows in kept for row in rows),
        moods=np.concatenate([segment.moods[rows] for segment, rows in kept]),
        years=np.concatenate([segment.years[rows] for segment, rows in kept]),
        tempi=np.concatenate([segment.tempi[rows] for segment, rows in kept]),
        tags=tuple(segment.tags[row] for segment, rows in kept for row in rows),
        views=_joined([segment.views[rows] for segment, rows in kept]),
        means=means,
        sketches=sketch(frames, means=means),
    )


@dataclass(frozen=True, eq=False)
class Index:
    """An immutable snapshot of tracks; made by `build` and `with_changes`.

    Attributes
    ----------
    coefficients : int or None
        Numbers in a frame, ``d``; ``None`` until there was a track.
    parts : tuple of (Segment, np.ndarray [shape=(tracks,), dtype=bool])
        The segments, and which of their tracks are not gone.
    """

    coefficients: int | None = None
    parts: tuple[tuple[Segment, NDArray[np.bool_]], ...] = ()

    @classmethod
    def build(cls, tracks: Iterable[Track]) -> "Index":
        """Make a snapshot.

        Parameters
        ----------
        tracks : iterable of Track
            The tracks, each id once.

        Returns
        -------
        Index
            The snapshot.

        Raises
        ------
        InputError
            An id appears twice, or frames cannot be compared.
        """
        return cls().with_changes(upserts=tracks)

    def with_changes(self, *, upserts: Iterable[Track] = (), removals: Iterable[str] = ()) -> "Index":
        """Make the next snapshot; this one stays as it is.

        Parameters
        ----------
        upserts : iterable of Track
            New tracks, and tracks that take the place of those with their ids; each id once.
        removals : iterable of str
            Ids of tracks to leave out, before the upserts are added; unknown ids change nothing.

        Returns
        -------
        Index
            The next snapshot.

        Raises
        ------
        InputError
            An id appears twice among the upserts, or frames cannot be compared.
        """
        added = _segment(upserts, coefficients=self.coefficients)
        gone = {*removals, *(added.track_ids if added else ())}
        parts = []
        for segment, alive in self.parts:
            rows = [segment.row_of[track_id] for track_id in gone if track_id in segment.row_of]
            if rows:
                alive = alive.copy()  # noqa: PLW2901  (the marks of this snapshot stay)
                alive[rows] = False
            parts.append((segment, alive))
        coefficients = self.coefficients
        if added:
            parts.append((added, np.ones(len(added), np.bool_)))
            coefficients = added.frames.coefficients
        return Index(coefficients, _compacted(parts))

    def with_moods(self, mood_of: Mapping[str, int | None]) -> "Index":
        """Make a snapshot of the same tracks with other moods; it shares their frames with this one.

        Parameters
        ----------
        mood_of : mapping of str to int or None
            Number of each track's mood, by id; a track that is not in it has none.

        Returns
        -------
        Index
            The other snapshot.
        """

        def numbers(segment: Segment) -> NDArray[np.int32]:
            moods = (mood_of.get(track_id) for track_id in segment.track_ids)
            return np.array([NO_MOOD if mood is None else mood for mood in moods], np.int32)

        return Index(
            self.coefficients,
            tuple((dataclasses.replace(segment, moods=numbers(segment)), alive) for segment, alive in self.parts),
        )

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive))

    @property
    def slots(self) -> int:
        """Number of slots."""
        return sum(len(segment) for segment, _ in self.parts)

    @property
    def nbytes(self) -> int:
        """Bytes of frames, sketches, mean vectors (twice, since faiss copies them) and moods, without names."""
        return sum(
            segment.frames.bits.nbytes
            + segment.frames.starts.nbytes
            + segment.sketches.nbytes
            + 2 * segment.means.nbytes
            + segment.moods.nbytes
            + segment.views.nbytes
            for segment, _ in self.parts
        )

    @functools.cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Whether a slot holds a track, by slot."""
        return np.concatenate([np.empty(0, np.bool_), *(alive for _, alive in self.parts)])

    @functools.cached_property
    def moods(self) -> NDArray[np.int32]:
        """Mood of each slot's track, `NO_MOOD` where unset."""
        return np.concatenate([np.empty(0, np.int32), *(segment.moods for segment, _ in self.parts)])

    @functools.cached_property
    def years(self) -> NDArray[np.int16]:
        """Year of each slot's track, 0 where unknown."""
        return np.concatenate([np.empty(0, np.int16), *(segment.years for segment, _ in self.parts)])

    @functools.cached_property
    def tempi(self) -> NDArray[np.float32]:
        """Tempo of each slot's track in beats a minute, not a number where unknown."""
        return np.concatenate([np.empty(0, np.float32), *(segment.tempi for segment, _ in self.parts)])

    def tagged(self, tags: Collection[str]) -> NDArray[np.bool_]:
        """Say which slots' tracks have one of some tags.

        Parameters
        ----------
        tags : collection of str
            The tags, in the form of `tunekin.filters.tag_key`.

        Returns
        -------
        np.ndarray [shape=(slots,), dtype=bool]
            Whether its track has one, by slot.
        """
        marks = np.zeros(self.slots, np.bool_)
        for offset, (segment, _) in zip(self._offsets, self.parts, strict=False):
            for tag in tags:
                marks[offset + segment.rows_of_tag.get(tag, np.empty(0, np.int64))] = True
        return marks

    @functools.cached_property
    def views(self) -> NDArray[np.float32]:
        """Views of each slot's track, a row each, as every query goes through them."""
        return _joined([segment.views for segment, _ in self.parts]).astype(np.float32)

    @functools.cached_property
    def groups(self) -> tuple[str | None, ...]:
        """Group of each slot's track."""
        return tuple(group for segment, _ in self.parts for group in segment.groups)

    @functools.cached_property
    def _offsets(self) -> NDArray[np.int64]:
        """First slot of each segment, then the number of slots."""
        return np.cumsum([0, *(len(segment) for segment, _ in self.parts)], dtype=np.int64)

    def slot_of(self, track_id: str) -> int | None:
        """Find a track.

        Parameters
        ----------
        track_id : str
            Name of the track.

        Returns
        -------
        int or None
            Its slot; ``None`` where there is no such track.
        """
        for offset, (segment, alive) in zip(self._offsets, self.parts, strict=False):
            row = segment.row_of.get(track_id)
            if row is not None and alive[row]:
                return int(offset) + row
        return None

    def group_of(self, track_id: str) -> Hashable:
        """Say which tracks share one place in an answer with a track.

        Parameters
        ----------
        track_id : str
            Name of the track.

        Returns
        -------
        hashable
            Equal for tracks of one group; a track without one is a group of its own.
        """
        slot = self.slot_of(track_id)
        group = None if slot is None else self.groups[slot]
        # A tuple, so that a track by itself never meets a group of the same name.
        return (track_id,) if group is None else group

    def track_at(self, slot: int) -> Track:
        """Return the track in a slot.

        Parameters
        ----------
        slot : int
            The slot.

        Returns
        -------
        Track
            The track, with a view of its frames.
        """
        part = int(np.searchsorted(self._offsets, slot, side="right")) - 1
        segment, row = self.parts[part][0], slot - int(self._offsets[part])
        mood = int(segment.moods[row])
        return Track(
            track_id=segment.track_ids[row],
            frames=segment.frames.frames(row),
            views=segment.views[row],
            group=segment.groups[row],
            mood=None if mood == NO_MOOD else mood,
            year=int(segment.years[row]) or None,
            tempo_bpm=None if math.isnan(segment.tempi[row]) else float(segment.tempi[row]),
            tags=segment.tags[row],
        )

    def sketch_floors(
        self, clip: Clip, slots: NDArray[np.int64], cutoffs: NDArray[np.float64], *, crew: Crew | None = None
    ) -> NDArray[np.float64]:
        """Bound the distances of some of the tracks by their sketches, see `tunekin_ranker.sketches.sketch_floors`.

        Parameters
        ----------
        clip : Clip
            The clip.
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks, each at most once.
        cutoffs : np.ndarray [shape=(count,), dtype=float64]
            Distance of each track above which its floor need not be close.
        crew : Crew, optional
            Threads to share the work; only this one by default.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            Floors of the exact distances.
        """
        return self._each_part(
            lambda segment, rows, limits: sketch_floors(clip, segment.sketches, rows, limits, crew=crew), slots, cutoffs
        )

    def alignment_floors(
        self, clip: Clip, slots: NDArray[np.int64], cutoffs: NDArray[np.float64], *, crew: Crew | None = None
    ) -> NDArray[np.float64]:
        """Bound the distances of some of the tracks, see `tunekin_ranker.dtw.alignment_floors`.

        Parameters
        ----------
        clip : Clip
            The clip.
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks.
        cutoffs : np.ndarray [shape=(count,), dtype=float64]
            Distance of each track above which its floor need not be close.
        crew : Crew, optional
            Threads to share the work; only this one by default.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            Floors of the exact distances.
        """
        return self._each_part(
            lambda segment, rows, limits: alignment_floors(clip, segment.frames, rows, limits, crew=crew),
            slots,
            cutoffs,
        )

    def exact_distances(self, clip: Clip, slots: NDArray[np.int64], *, crew: Crew | None = None) -> NDArray[np.float64]:
        """Compute the distances of some of the tracks, see `tunekin_ranker.dtw.exact_distances`.

        Parameters
        ----------
        clip : Clip
            The clip.
        slots : np.ndarray [shape=(count,), dtype=int64]
            Which tracks.
        crew : Crew, optional
            Threads to share the work; only this one by default.

        Returns
        -------
        np.ndarray [shape=(count,), dtype=float64]
            The exact distances.
        """
        return self._each_part(lambda segment, rows: exact_distances(clip, segment.frames, rows, crew=crew), slots)

    def _each_part(
        self,
        function: Callable[..., NDArray[np.float64]],
        slots: NDArray[np.int64],
        *arrays: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Apply a function of a segment, its rows and numbers for them to the slots of each segment."""
        if len(self.parts) == 1:
            return function(self.parts[0][0], slots, *arrays)
        values = np.empty(slots.size)
        part_of = np.searchsorted(self._offsets, slots, side="right") - 1
        for part in np.flatnonzero(np.bincount(part_of)):
            mine = part_of == part
            rows = slots[mine] - self._offsets[part]
            values[mine] = function(self.parts[part][0], rows, *(array[mine] for array in arrays))
        return values

    def nearest_means(self, mean: NDArray[np.floating], *, count: int, allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Propose tracks by the mean of their frames.

        Parameters
        ----------
        mean : np.ndarray [shape=(d,)]
            Mean of a clip's frames.
        count : int
            How many tracks to propose.
        allowed : np.ndarray [shape=(slots,), dtype=bool]
            Slots to choose from.

        Returns
        -------
        np.ndarray [shape=(min(count, allowed),), dtype=int64]
            Slots of the tracks whose mean vectors are nearest in Euclidean distance, the nearest first.

        Raises
        ------
        InputError
            The mean has another number of coefficients than the tracks.
        """
        self._check_mean(mean)
        query = np.ascontiguousarray(mean, np.float32)[None]
        proposals = [(np.empty(0, np.float32), np.empty(0, np.int64))]
        for offset, (segment, alive) in zip(self._offsets, self.parts, strict=False):
            mask = alive & allowed[offset : offset + len(segment)]
            wanted = min(count, int(np.count_nonzero(mask)))
            if wanted:
                # Faiss keeps pointers only: the bits and the selector must live until it has searched.
                bits = np.packbits(mask, bitorder="little")
                selector = faiss.IDSelectorBitmap(bits.size, faiss.swig_ptr(bits))
                parameters = faiss.SearchParameters()
                parameters.sel = selector
                distances, rows = segment.flat.search(query, wanted, params=parameters)
                proposals.append((distances[0], rows[0] + offset))
        distances, slots = (np.concatenate(column) for column in zip(*proposals, strict=True))
        return slots[np.lexsort((slots, distances))[:count]]

    def mean_distances(self, mean: NDArray[np.floating]) -> NDArray[np.float64]:
        """Compute how far the mean of each track's frames is from a mean.

        Parameters
        ----------
        mean : np.ndarray [shape=(d,)]
            Mean of a clip's frames.

        Returns
        -------
        np.ndarray [shape=(slots,), dtype=float64]
            Euclidean distances, by slot.

        Raises
        ------
        InputError
            The mean has another number of coefficients than the tracks.
        """
        self._check_mean(mean)
        return np.concatenate(
            [np.empty(0), *(np.linalg.norm(segment.means - mean, axis=1) for segment, _ in self.parts)]
        )

    def _check_mean(self, mean: NDArray[np.floating]) -> None:
        """Refuse a mean of frames of another kind."""
        if self.coefficients not in {None, mean.size}:
            raise InputError(
                f"a mean of {mean.size} coefficients for tracks of {self.coefficients}",
                hint="compare frames of one feature version only",
            )


def _compacted(
    parts: list[tuple[Segment, NDArray[np.bool_]]],
) -> tuple[tuple[Segment, NDArray[np.bool_]], ...]:
    """Drop and merge segments until each has twice the tracks of the next, and none has lost more than half."""
    result: list[tuple[Segment, NDArray[np.bool_]]] = []
    for part in parts:
        group = [part]
        while result and np.count_nonzero(result[-1][1]) < 2 * sum(np.count_nonzero(alive) for _, alive in group):
            group.insert(0, result.pop())
        left = sum(int(np.count_nonzero(alive)) for _, alive in group)
        if not left:
            continue
        if len(group) > 1 or 2 * left < len(part[0]):
            merged = _merge(group)
            result.append((merged, np.ones(left, np.bool_)))
        else:
            result.append(part)
    return tuple(result)
