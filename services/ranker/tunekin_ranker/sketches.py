"""Sketches of frames: every number in one byte, for a floor that is nearly the distance at half the price or less.

Conventions
-----------
A sketch of a track is its frames as whole numbers of *steps*, -127 to 127, the step being the track's own. Its *slack*
is the greatest distance of a frame from its sketch. A clip is sketched in the same way where the processor multiplies
bytes; elsewhere it stays as it is, without slack. A cost between the two, less both slacks, is a floor of the local
cost, since distances obey the triangle inequality; and subsequence DTW over such costs is a floor of the distance.

Sixteen tracks lie side by side, a lane for each, in *blocks*. Tracks whose means are near share a block, so that what
rules one of them out mostly rules out all.

``docs/adr/0013-sketches-in-bytes.md`` derives what rounding can do to it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Abreast, Clip
from tunekin_ranker.kernels import (
    CODE_OF_0,
    LANES,
    LARGEST_CODE,
    SMALLEST_STEP,
    kernels_for,
    padded_coefficients,
    sketch_frames,
)
from tunekin_ranker.lanes import GROUP, ROWS, SPREAD, shared_steps
from tunekin_ranker.packed import PackedFrames, empty_on_lines, on_lines

__all__ = ["Sketches", "sketch", "sketch_floors"]

# Relative error of a sum of up to 500 products in float64, and of its root.
_FLOAT64_ERROR = 2.0**-44
_UNIT_ROUNDOFF = 2.0**-24


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Sketches:
    """Sketches of many tracks, read-only.

    Attributes
    ----------
    steps : np.ndarray [shape=(blocks, LANES), dtype=float32]
        What a code of each lane counts.
    members : np.ndarray [shape=(blocks, LANES), dtype=int64]
        Track in each lane; -1 in a lane without one.
    lengths : np.ndarray [shape=(blocks, LANES), dtype=int64]
        Frames of each.
    errors : np.ndarray [shape=(blocks, LANES), dtype=float64]
        Slack of each.
    starts : np.ndarray [shape=(blocks + 1,), dtype=int64]
        First frame of each block, as long as the longest of its tracks; then the number of all.
    codes : np.ndarray [shape=(frames * padded * LANES,), dtype=uint8]
        Frame by frame, four coefficients by four, lane by lane; each 128 more than it counts. The last four are filled
        up with what counts 0.
    """

    steps: NDArray[np.float32]
    members: NDArray[np.int64]
    lengths: NDArray[np.int64]
    errors: NDArray[np.float64]
    starts: NDArray[np.int64]
    codes: NDArray[np.uint8]

    def __post_init__(self) -> None:
        for name in self.__slots__:
            getattr(self, name).flags.writeable = False

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(getattr(self, name).nbytes for name in self.__slots__)

    @property
    def slacks(self) -> NDArray[np.float32]:
        """What to take off the costs of each lane, shape [blocks, LANES]: its slack, rounded up."""
        return _rounded_up(self.errors)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class _CodedClip:
    """A clip in bytes.

    Attributes
    ----------
    codes : np.ndarray [shape=(row blocks * padded * ROWS * SPREAD,), dtype=int8]
        Block by block, four coefficients by four, row by row, each four `SPREAD` times.
    offsets : np.ndarray [shape=(row blocks * ROWS * SPREAD,), dtype=int32]
        What each row's products with a track's codes have too much, since those are 128 more than they count; each
        `SPREAD` times.
    steps : np.ndarray [shape=(row blocks * ROWS,), dtype=float32]
        What a code of each row counts.
    slacks : np.ndarray [shape=(row blocks * ROWS,), dtype=float32]
        Distance of each row from its sketch, rounded up.
    abreast : Abreast
        The rounded frames; their squares and errors are used.
    """

    codes: NDArray[np.int8]
    offsets: NDArray[np.int32]
    steps: NDArray[np.float32]
    slacks: NDArray[np.float32]
    abreast: Abreast

    @classmethod
    def of(cls, clip: Clip) -> "_CodedClip":
        n, d = clip.frames.shape
        padded = padded_coefficients(d)
        frames = np.pad(clip.frames, ((0, 0), (0, padded - d)))
        least = np.maximum(shared_steps(frames), SMALLEST_STEP)
        steps = _rounded_up(least)
        codes = np.rint(frames / steps[:, np.newaxis])
        rounded = codes[:, :d] * steps[:, np.newaxis].astype(np.float64)
        abreast = Abreast.of(rounded)
        rows = abreast.squares.size
        laid = np.zeros((rows, padded), np.int8)
        laid[:n] = codes
        fours = laid.reshape(-1, ROWS, padded // GROUP, GROUP).transpose(0, 2, 1, 3).reshape(-1, 1, GROUP)
        errors = np.linalg.norm(clip.frames - rounded, axis=1) * (1 + _FLOAT64_ERROR)
        return cls(
            codes=on_lines(np.repeat(fours, SPREAD, axis=1)),
            offsets=on_lines(np.repeat(-CODE_OF_0 * laid.sum(axis=1, dtype=np.int32), SPREAD)),
            steps=np.pad(steps, (0, rows - n)),
            slacks=np.pad(_rounded_up(errors), (0, rows - n)),
            abreast=abreast,
        )


def _rounded_up(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round positive numbers to float32, and so far up that a sum of two is no less where it is rounded too."""
    return (values * (1 + 2.0**-21)).astype(np.float32)


def sketch(tracks: PackedFrames, *, means: NDArray[np.floating]) -> Sketches:
    """Make sketches.

    Parameters
    ----------
    tracks : PackedFrames
        The tracks, one or more.
    means : np.ndarray [shape=(tracks, d)]
        Mean frame of each; only the order of the tracks depends on it.

    Returns
    -------
    Sketches
        The same for the same tracks in the same order.
    """
    count, d = len(tracks), tracks.coefficients
    lengths = np.diff(tracks.starts)
    blocks = -(-count // LANES)
    members = np.full((blocks, LANES), -1)
    members.ravel()[:count] = _order(means, lengths=lengths)
    block_lengths = np.where(members >= 0, lengths[members], 0)
    starts = np.concatenate([[0], np.cumsum(block_lengths.max(axis=1))])
    codes = empty_on_lines(int(starts[-1]) * padded_coefficients(d) * LANES, np.uint8)
    codes[:] = CODE_OF_0
    errors = np.zeros((blocks, LANES))
    steps = np.zeros((blocks, LANES), np.float32)
    sketch_frames(tracks.bits, tracks.starts, members, d, starts, codes, steps, errors)
    # A code times its step is rounded once where it is taken as float32.
    errors += _FLOAT64_ERROR * errors + _UNIT_ROUNDOFF * LARGEST_CODE * math.sqrt(d) * steps
    return Sketches(steps=steps, members=members, lengths=block_lengths, errors=errors, starts=starts, codes=codes)


def sketch_floors(
    clip: Clip,
    sketches: Sketches,
    rows: NDArray[np.int64],
    cutoffs: NDArray[np.float64],
    *,
    crew: Crew | None = None,
) -> NDArray[np.float64]:
    """Bound distances from below by subsequence DTW of sketches.

    Parameters
    ----------
    clip : Clip
        The clip, of as many coefficients as the tracks.
    sketches : Sketches
        The tracks.
    rows : np.ndarray [shape=(rows,), dtype=int64]
        Which of the tracks, each at most once.
    cutoffs : np.ndarray [shape=(rows,), dtype=float64]
        Distance of each track above which its floor need not be close.
    crew : Crew, optional
        Threads to share the work; only this one by default.

    Returns
    -------
    np.ndarray [shape=(rows,), dtype=float64]
        Floors of the exact distances.
    """
    kernels = kernels_for(clip.abreast.coefficients)
    coded = None if kernels.sketched_bytes is None else _CodedClip.of(clip)
    abreast = clip.abreast if coded is None else coded.abreast
    # A lane that nobody asks for has passed its cutoff from the beginning.
    highest = np.full(sketches.members.size, -np.inf)
    place = np.empty(int(sketches.members.max(initial=-1)) + 1, np.int64)
    held = np.flatnonzero(sketches.members.ravel() >= 0)
    place[sketches.members.ravel()[held]] = held
    lanes = place[rows]
    highest[lanes] = cutoffs
    wanted = np.flatnonzero(np.bincount(lanes // LANES))
    tracks = sketches.codes, sketches.starts, sketches.lengths, sketches.steps, sketches.slacks

    def work(part: slice) -> NDArray[np.float64]:
        blocks = wanted[part]
        lengths = sketches.lengths[blocks]
        limits = abreast.highest_sums(highest.reshape(-1, LANES)[blocks], lengths=lengths)
        if coded is None or kernels.sketched_bytes is None:
            sums = kernels.sketched_float32(abreast.values, abreast.squares, *tracks, blocks, limits)
        else:
            rows = coded.codes, abreast.squares, coded.offsets, coded.steps, coded.slacks
            sums = kernels.sketched_bytes(*rows, *tracks, blocks, limits)
        return abreast.floors(sums, lengths=lengths)

    floors = np.empty((len(sketches.members), LANES))
    floors[wanted] = (crew or Crew()).share(work, wanted.size, multiple=1)
    return np.asarray(floors.ravel()[lanes], np.float64)


def _order(means: NDArray[np.floating], *, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put tracks of like length, and of near means, next to each other: halved again and again where they spread most.

    Lengths within a quarter of each other count as like: a block is as long as its longest track.
    """
    classes = np.floor(np.log(np.maximum(lengths, 1)) / math.log(1.25))
    order: list[NDArray[np.int64]] = []
    stack = [np.flatnonzero(classes == one) for one in np.unique(classes)[::-1]]
    while stack:
        rows = stack.pop()
        if rows.size <= LANES:
            order.append(rows)
            continue
        axis = int(means[rows].var(axis=0).argmax())
        # Whole blocks on the left, so that only the last block of a class has lanes to spare.
        middle = (rows.size // (2 * LANES) or 1) * LANES
        rows = rows[np.argsort(means[rows, axis], kind="stable")]
        stack += [rows[middle:], rows[:middle]]
    return np.concatenate(order)
