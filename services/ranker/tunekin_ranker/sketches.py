"""Sketches of frames: fewer numbers that lie no further apart than the frames, for a floor at half the price.

Conventions
-----------
With an orthonormal basis whose first axes hold most of the variance, the *sketch* of a frame ``y`` is its first
coordinates from a centre, and the norm of all others (one other counts as it is)::

    s(y) = (⟨y - c, v_1⟩, …, ⟨y - c, v_p⟩, sqrt(⟨y - c, v_{p+1}⟩² + … + ⟨y - c, v_d⟩²))

Two sketches are at most as far apart as their frames, since the norms of two vectors differ by at most the norm of
their difference. Sketches of tracks are kept as whole numbers of steps in one byte each, steps and middles being the
track's own; its *slack* is the greatest distance of such a rounded sketch from the sketch, whatever it is. A cost
between a clip's sketch and a track's, less the slack, is a floor of the local cost, and subsequence DTW over such costs
is a floor of the distance.

Sixteen tracks lie side by side, a lane for each, in *blocks*. Tracks whose means are near share a block, so that what
rules one of them out mostly rules out all.

``docs/adr/0009-tracks-abreast.md`` derives what rounding can do to it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Abreast, Clip
from tunekin_ranker.kernels import LANES, kernels_for, sketch_frames
from tunekin_ranker.lanes import ROOT_ERROR
from tunekin_ranker.packed import PackedFrames

__all__ = ["Sketches", "sketch", "sketch_floors"]

# Leading coordinates. On real music 7, 8 and 9 leave 22, 14 and 8 % of 10,000 tracks to compare; one more costs 320
# bytes of a track of 30 s, and with 9 frames and sketches together pass 16 kB.
_LEADING = 8
_LARGEST_CODE = 127
# Frames that the basis is made of; more change it little.
_SAMPLED_TRACKS = 2_000
# Relative error of a sum of up to 500 products in float64.
_FLOAT64_ERROR = 2.0**-44
_LARGEST = 65_504.0
_UNIT_ROUNDOFF = 2.0**-24


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class Sketches:
    """Sketches of many tracks, read-only.

    Attributes
    ----------
    centre : np.ndarray [shape=(d,), dtype=float64]
        What frames are taken from.
    basis : np.ndarray [shape=(d, d), dtype=float64]
        Axes, as columns.
    steps, middles : np.ndarray [shape=(blocks, p + 1, LANES), dtype=float32]
        What each number of a lane's sketches is: its code times the step, plus the middle.
    members : np.ndarray [shape=(blocks, LANES), dtype=int64]
        Track in each lane; -1 in a lane without one.
    lengths : np.ndarray [shape=(blocks, LANES), dtype=int64]
        Frames of each.
    slacks : np.ndarray [shape=(blocks, 2 * LANES), dtype=float32]
        What to take off each lane's costs; then its square.
    starts : np.ndarray [shape=(blocks + 1,), dtype=int64]
        First frame of each block, as long as the longest of its tracks; then the number of all.
    codes : np.ndarray [shape=(frames * (p + 1) * LANES,), dtype=int8]
        Frame by frame, number by number, lane by lane.
    """

    centre: NDArray[np.float64]
    basis: NDArray[np.float64]
    steps: NDArray[np.float32]
    middles: NDArray[np.float32]
    members: NDArray[np.int64]
    lengths: NDArray[np.int64]
    slacks: NDArray[np.float32]
    starts: NDArray[np.int64]
    codes: NDArray[np.int8]

    def __post_init__(self) -> None:
        for name in ("steps", "middles", "members", "lengths", "slacks", "starts", "codes"):
            getattr(self, name).flags.writeable = False

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays that grow with the tracks."""
        return sum(
            array.nbytes
            for array in (
                self.steps,
                self.middles,
                self.members,
                self.lengths,
                self.slacks,
                self.starts,
                self.codes,
            )
        )

    def of(self, clip: Clip) -> Abreast:
        """Sketch a clip.

        Parameters
        ----------
        clip : Clip
            A clip of frames of the same kind.

        Returns
        -------
        Abreast
            Its sketches, not rounded to steps.
        """
        turned = (clip.frames - self.centre) @ self.basis
        count = self.steps.shape[1]
        if count == turned.shape[1]:
            return Abreast.of(turned)
        others = np.linalg.norm(turned[:, count - 1 :], axis=1)
        return Abreast.of(np.column_stack([turned[:, : count - 1], others]))


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
    leading = min(_LEADING, d - 1)
    sampled = np.linspace(0, count - 1, min(count, _SAMPLED_TRACKS)).astype(np.int64)
    sample = np.concatenate([tracks.frames(row) for row in sampled]).astype(np.float64)
    centre = sample.mean(axis=0)
    _, axes = np.linalg.eigh((sample - centre).T @ (sample - centre))
    basis = np.ascontiguousarray(axes[:, ::-1])

    lengths = np.diff(tracks.starts)
    order = _order(means, lengths=lengths)
    blocks = -(-count // LANES)
    members = np.full((blocks, LANES), -1)
    members.ravel()[:count] = order
    block_lengths = np.where(members >= 0, lengths[members], 0)
    starts = np.concatenate([[0], np.cumsum(block_lengths.max(axis=1))])
    codes = np.zeros(int(starts[-1]) * (leading + 1) * LANES, np.int8)
    errors = np.zeros((blocks, LANES))
    steps = np.zeros((blocks, leading + 1, LANES), np.float32)
    middles = np.zeros_like(steps)
    sketch_frames(tracks.bits, tracks.starts, members, centre, basis, starts, codes, steps, middles, errors)
    # A code times its step plus the middle is rounded twice in float32.
    largest = (_LARGEST_CODE * steps.astype(np.float64)) + np.abs(middles)
    errors += 2 * _UNIT_ROUNDOFF * np.linalg.norm(largest, axis=1)
    # What float64 can have lost of two sketches, and how much the basis may stretch.
    skew = _FLOAT64_ERROR + float(np.linalg.norm(basis.T @ basis - np.eye(d)))
    reach = 2 * skew * d * (_LARGEST + float(np.abs(centre).max()))
    slacks = errors + reach
    # A root that is no greater than the slack, but for its error, must not leave anything when that is taken off.
    off = slacks * (1 + 2 * ROOT_ERROR)
    return Sketches(
        centre=centre,
        basis=basis,
        steps=steps,
        middles=middles,
        members=members,
        lengths=block_lengths,
        slacks=np.column_stack([off, slacks**2]).astype(np.float32),
        starts=starts,
        codes=codes,
    )


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
    abreast = sketches.of(clip)
    # A lane that nobody asks for has passed its cutoff from the beginning.
    highest = np.full(sketches.members.size, -1.0)
    place = np.empty(int(sketches.members.max(initial=-1)) + 1, np.int64)
    held = np.flatnonzero(sketches.members.ravel() >= 0)
    place[sketches.members.ravel()[held]] = held
    lanes = place[rows]
    lengths = sketches.lengths.ravel()[lanes]
    highest[lanes] = abreast.highest_sums(cutoffs, lengths=lengths)
    wanted = np.unique(lanes // LANES)
    limits = highest.reshape(-1, LANES)[wanted].astype(np.float32)
    align_all = kernels_for(abreast.coefficients).sketched_float32

    def work(part: slice) -> NDArray[np.float32]:
        return align_all(
            abreast.values,
            abreast.squares,
            sketches.codes,
            sketches.starts,
            sketches.lengths,
            sketches.steps,
            sketches.middles,
            sketches.slacks,
            wanted[part],
            limits[part],
        )

    sums = np.empty((len(sketches.members), LANES), np.float32)
    sums[wanted] = (crew or Crew()).share(work, wanted.size, multiple=1)
    return abreast.floors(sums.ravel()[lanes], lengths=lengths)


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
