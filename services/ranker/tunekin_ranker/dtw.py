"""Subsequence dynamic time warping of a clip in tracks.

Conventions
-----------
A clip of ``n`` frames ``x`` is aligned with any span of a track of ``m`` frames ``y``; frames are vectors of ``d``
coefficients. Tracks are stored as float16 (`tunekin_ranker.packed`), the clip counts as it is given::

    C[i, j] = ||x[i] - y[j]||                                               (Euclidean, not squared)
    D[0, j] = C[0, j]                                                       (a path may begin at every frame)
    D[i, j] = C[i, j] + min(D[i-1, j-1], D[i, j-1], D[i-1, j])              (outside the matrix: infinite)
    distance = min_j D[n-1, j] / n                                          (a path may end at every frame)

The *exact distance* is what these lines give in float64, each sum in order, and it is what `exact_distances` returns,
bit for bit. A *floor* is a proven lower bound of the exact distance. There are two, the dearer the closer:

======================== ===================================== ==========================================
function                 bound                                 cost of a cell (clip frame x track frame)
======================== ===================================== ==========================================
`sketches.sketch_floors` the distance of frames in bytes        a third to 1, as the processor has it
`alignment_floors`       the distance but for float32 rounding  1
`exact_distances`        the distance                           about 10
======================== ===================================== ==========================================

``docs/adr/0009-tracks-abreast.md`` gives the reasons and derives the rounding margin,
``docs/adr/0013-sketches-in-bytes.md`` that of sketches.

References
----------
H. Sakoe and S. Chiba, "Dynamic programming algorithm optimization for spoken word recognition", IEEE Transactions on
Acoustics, Speech, and Signal Processing 26(1), 1978. M. Müller, "Fundamentals of Music Processing", section 7.2.3
(subsequence DTW), Springer, 2015.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError
from tunekin_ranker.crew import Crew
from tunekin_ranker.kernels import FAR, LANES, LEAST_SQUARE, TILE_LANES, kernels_for, shrink
from tunekin_ranker.lanes import ROOT_ERROR, ROWS, SPREAD
from tunekin_ranker.packed import PackedFrames, on_lines, pack

__all__ = ["Abreast", "Clip", "Span", "align", "alignment_floors", "exact_distances", "locate"]

# Greatest relative error of one rounding to float32.
_UNIT_ROUNDOFF = 2.0**-24
# Below this a float32 product may lose all its digits, or become zero.
_SMALLEST_NORMAL = 2.0**-126
# Of float16, so of every stored frame; `FAR` lies beyond all paths between such frames.
_LARGEST = 65_504.0


@dataclass(frozen=True, eq=False, slots=True)
class Abreast:
    """Frames as the float32 loops go through them, and the ways between their sums and distances.

    Attributes
    ----------
    values : np.ndarray [shape=(blocks * d * ROWS * SPREAD,), dtype=float32]
        Minus twice the frames: block by block, coefficient by coefficient, row by row, each `SPREAD` times.
    squares : np.ndarray [shape=(blocks * ROWS,), dtype=float32]
        Their squared norms, lowered; of the places after the last frame so far below 0 that they cost nothing.
    frames, coefficients : int
        Their numbers, ``n`` and ``d``.
    cost_error : float
        Greatest absolute error of a local cost, beside the relative one.
    """

    values: NDArray[np.float32]
    squares: NDArray[np.float32]
    frames: int
    coefficients: int
    cost_error: float

    @classmethod
    def of(cls, frames: NDArray[np.float64]) -> "Abreast":
        """Lay out frames.

        Parameters
        ----------
        frames : np.ndarray [shape=(n, d), dtype=float64]
            The frames; rounded to float32.

        Returns
        -------
        Abreast
            The frames.
        """
        n, d = frames.shape
        rounded = np.zeros((-(-n // ROWS) * ROWS, d))
        rounded[:n] = frames.astype(np.float32)
        squares = np.full(len(rounded), -FAR * FAR)
        squares[:n] = (rounded[:n] ** 2).sum(axis=1) * shrink(d)
        moved = np.linalg.norm(rounded[:n] - frames, axis=1).max()
        values = (-2 * rounded).reshape(-1, ROWS, d).transpose(0, 2, 1).astype(np.float32)
        return cls(
            values=on_lines(np.repeat(values, SPREAD)),
            squares=squares.astype(np.float32),
            frames=n,
            coefficients=d,
            cost_error=float(moved) * (1 + _UNIT_ROUNDOFF) + 2 * math.sqrt(d * _SMALLEST_NORMAL + LEAST_SQUARE),
        )

    def floors(self, sums: NDArray[np.floating], *, lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """Lower float32 sums by all that rounding can have added, and normalise them.

        Parameters
        ----------
        sums : np.ndarray [dtype=float32]
            The smallest sums.
        lengths : np.ndarray [shape of `sums`, dtype=int64]
            Frames of each track.

        Returns
        -------
        np.ndarray [shape of `sums`, dtype=float64]
            Floors of the exact distances.
        """
        cells = self._cells(lengths)
        lowered = sums.astype(np.float64) * (1 - _margin(cells)) - cells * self.cost_error
        floors: NDArray[np.float64] = lowered.clip(min=0) / self.frames
        return floors

    def highest_sums(self, cutoffs: NDArray[np.float64], *, lengths: NDArray[np.int64]) -> NDArray[np.float32]:
        """Say which sums have floors above distances.

        Parameters
        ----------
        cutoffs : np.ndarray [dtype=float64]
            The distances.
        lengths : np.ndarray [shape of `cutoffs`, dtype=int64]
            Frames of each track.

        Returns
        -------
        np.ndarray [shape of `cutoffs`, dtype=float32]
            The floor of every greater sum is above the distance.
        """
        cells = self._cells(lengths)
        sums = (cutoffs * self.frames + cells * self.cost_error) / (1 - _margin(cells))
        # Beyond float32's largest number, and at its rounding, a sum just has to be a little greater.
        with np.errstate(over="ignore"):
            return (sums * (1 + 4 * _UNIT_ROUNDOFF)).astype(np.float32)

    def _cells(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        # A path never returns, and ends after the last place, where rounding adds to it too.
        return self.squares.size + lengths - 1


class Clip:
    """A clip, made ready to be compared with many tracks.

    Parameters
    ----------
    frames : np.ndarray [shape=(n, d)]
        Frames of the clip; float16 and float32 count exactly as they are.

    Attributes
    ----------
    frames : np.ndarray [shape=(n, d), dtype=float64]
        The frames, exactly as given.
    abreast : Abreast
        The frames as the float32 loops see them; other numbers only if they were given in float64.
    lanes : np.ndarray [shape=(tiles, d, lanes), dtype=float64]
        The frames, backwards, in tiles; see `tunekin_ranker.kernels`.

    Raises
    ------
    InputError
        There are no frames, or numbers that float16 cannot hold.
    """

    __slots__ = ("abreast", "frames", "lanes")

    def __init__(self, frames: NDArray[np.floating]) -> None:
        if frames.ndim != 2 or 0 in frames.shape:  # noqa: PLR2004 (frames by coefficients)
            raise InputError(
                f"the clip's frames have the shape {frames.shape}", hint="at least one frame: (n, coefficients)"
            )
        self.frames = frames.astype(np.float64, order="C")
        if not np.abs(self.frames).max() <= _LARGEST:
            raise InputError("the clip's frames hold a number that is not finite in float16", hint="within ±65,504")
        n, d = self.frames.shape
        self.abreast = Abreast.of(self.frames)
        tiles = -(-n // TILE_LANES)
        width = -(-n // (tiles * LANES)) * LANES
        lanes = np.zeros((tiles, width, d))
        lanes.reshape(-1, d)[:n] = self.frames
        self.lanes = np.ascontiguousarray(lanes[:, ::-1].transpose(0, 2, 1))

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """Where a clip lies in a track.

    Attributes
    ----------
    distance : float
        The exact distance.
    start, stop : int
        The track's frames ``[start, stop)`` that the clip is aligned with.
    """

    distance: float
    start: int
    stop: int


def alignment_floors(
    clip: Clip,
    tracks: PackedFrames,
    rows: NDArray[np.int64],
    cutoffs: NDArray[np.float64] | None = None,
    *,
    crew: Crew | None = None,
) -> NDArray[np.float64]:
    """Compute distances in float32, and lower them by all that rounding can have added.

    Parameters
    ----------
    clip : Clip
        The clip.
    tracks : PackedFrames
        Tracks of the same number of coefficients.
    rows : np.ndarray [shape=(rows,), dtype=int64]
        Which of the tracks; fastest where neighbours are of like length.
    cutoffs : np.ndarray [shape=(rows,), dtype=float64], optional
        Distance of each track above which its floor need not be close: summing up may stop there. Infinite by default.
    crew : Crew, optional
        Threads to share the work; only this one by default.

    Returns
    -------
    np.ndarray [shape=(rows,), dtype=float64]
        Floors of the exact distances: lower by up to twice `tunekin_ranker.lanes.ROOT_ERROR` of them, by 1e-7 more for
        each frame of clip and track, and by at most 1e-3 of the frames' norms where clip and track nearly coincide.

    Raises
    ------
    InputError
        Clip and tracks differ in their number of coefficients.
    """
    _check(clip, tracks)
    abreast = clip.abreast
    lengths = np.diff(tracks.starts)[rows]
    cutoffs = np.full(rows.size, math.inf) if cutoffs is None else cutoffs
    highest = abreast.highest_sums(cutoffs, lengths=lengths)
    align_all = kernels_for(abreast.coefficients).alignments_float32

    def work(part: slice) -> NDArray[np.float32]:
        return align_all(abreast.values, abreast.squares, tracks.bits, tracks.starts, rows[part], highest[part])

    sums = (crew or Crew()).share(work, rows.size, multiple=LANES)
    return abreast.floors(sums, lengths=lengths)


def exact_distances(
    clip: Clip, tracks: PackedFrames, rows: NDArray[np.int64], *, crew: Crew | None = None
) -> NDArray[np.float64]:
    """Compute exact distances.

    Parameters
    ----------
    clip : Clip
        The clip.
    tracks : PackedFrames
        Tracks of the same number of coefficients.
    rows : np.ndarray [shape=(rows,), dtype=int64]
        Which of the tracks.
    crew : Crew, optional
        Threads to share the work; only this one by default.

    Returns
    -------
    np.ndarray [shape=(rows,), dtype=float64]
        The exact distances.

    Raises
    ------
    InputError
        Clip and tracks differ in their number of coefficients.

    Examples
    --------
    >>> track = np.array([[5.0], [1.0], [2.0], [2.0], [3.0], [7.0]])
    >>> clip = Clip(np.array([[1.0], [2.0], [3.5]]))
    >>> exact_distances(clip, pack([track], coefficients=1), np.array([0])) * len(clip)
    array([0.5])
    """
    _check(clip, tracks)
    n, d = clip.frames.shape
    align_all = kernels_for(d).alignments_float64

    def work(part: slice) -> NDArray[np.float64]:
        return align_all(clip.lanes, n, tracks.bits, tracks.starts, rows[part])

    sums = (crew or Crew()).share(work, rows.size, multiple=1)
    return np.asarray(sums / n, np.float64)


def align(clip: Clip, frames: NDArray[np.floating]) -> Span:
    """Find the span of a track that a clip is aligned with.

    Of several cheapest paths it takes the one that ends first, and backwards from there at every cell the diagonal step
    before the step along the track before the step along the clip, as `librosa.sequence.dtw` does.

    Parameters
    ----------
    clip : Clip
        The clip.
    frames : np.ndarray [shape=(m, d)]
        Frames of the track; count as float16.

    Returns
    -------
    Span
        The span and the exact distance.

    Raises
    ------
    InputError
        Clip and track differ in their number of coefficients.

    Examples
    --------
    >>> track = np.array([[5.0], [1.0], [2.0], [2.0], [3.0], [7.0]])
    >>> align(Clip(np.array([[1.0], [2.0], [3.0]])), track)
    Span(distance=0.0, start=1, stop=5)
    """
    distance, firsts, lasts = _path(clip, frames)
    return Span(distance=distance, start=int(firsts[0]), stop=int(lasts[-1]) + 1)


def locate(clip: Clip, frames: NDArray[np.floating]) -> Span:
    """Find the span of a recording that a clip was taken of.

    Both run at about one speed, but where a sound is held the ends of the path may lie anywhere in it. So they follow
    from the middle: in either half of the clip, the median of how far the track's frames are ahead.

    Parameters
    ----------
    clip : Clip
        The clip.
    frames : np.ndarray [shape=(m, d)]
        Frames of the recording; count as float16.

    Returns
    -------
    Span
        The span and the exact distance.

    Raises
    ------
    InputError
        Clip and track differ in their number of coefficients.

    Examples
    --------
    >>> track = np.array([[9.0], [1.3], [1.2], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [9.0]])
    >>> clip = Clip(np.array([[1.0], [1.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0]]))
    >>> align(clip, track)
    Span(distance=0.0, start=3, stop=10)
    >>> locate(clip, track)
    Span(distance=0.0, start=1, stop=10)
    """
    distance, firsts, lasts = _path(clip, frames)
    n = len(clip)
    ahead = (firsts + lasts) / 2 - np.arange(n)
    start = min(max(round(float(np.median(ahead[: (n + 1) // 2]))), 0), len(frames) - 1)
    stop = min(max(n + round(float(np.median(ahead[n // 2 :]))), start + 1), len(frames))
    return Span(distance=distance, start=start, stop=stop)


def _path(clip: Clip, frames: NDArray[np.floating]) -> tuple[float, NDArray[np.int64], NDArray[np.int64]]:
    """Distance, and the first and the last frame of a track that each frame of a clip is aligned with."""
    n, d = clip.frames.shape
    track = pack([frames], coefficients=d)
    total, firsts, lasts = kernels_for(d).path(clip.frames, track.bits, track.starts, 0)
    return total / n, firsts, lasts


def _check(clip: Clip, tracks: PackedFrames) -> None:
    """Refuse frames that are not of one kind."""
    if clip.frames.shape[1] != tracks.coefficients:
        raise InputError(
            f"the clip's frames have {clip.frames.shape[1]} coefficients, the tracks' {tracks.coefficients}",
            hint="compare frames of one feature version only",
        )


def _margin(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bound the relative error of a float32 sum of so many roots, with three roundings to spare for float64's."""
    return np.multiply(cells + 5, _UNIT_ROUNDOFF, dtype=np.float64) + ROOT_ERROR
