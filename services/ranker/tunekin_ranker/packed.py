"""Frames of many tracks in one buffer, as the kernels read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunekin.errors import InputError

__all__ = ["PackedFrames", "concatenate", "empty_on_lines", "on_lines", "pack"]

# Bytes of a cache line, and of the widest vector. A vector that lies in two lines is read twice.
_LINE = 64
# All bits of float16's exponent: set in infinities and NaNs, and only there.
_EXPONENT = np.uint16(0x7C00)


@dataclass(frozen=True, kw_only=True, eq=False, slots=True)
class PackedFrames:
    """Frames of many tracks, read-only.

    Attributes
    ----------
    bits : np.ndarray [shape=(d * frames of all tracks,), dtype=uint16]
        Float16 bits; the tracks one after another, each coefficient by coefficient.
    starts : np.ndarray [shape=(tracks + 1,), dtype=int64]
        First frame of each track, counted over all tracks; then the number of all frames.
    coefficients : int
        Numbers in a frame, ``d``.
    """

    bits: NDArray[np.uint16]
    starts: NDArray[np.int64]
    coefficients: int

    def __post_init__(self) -> None:
        self.bits.flags.writeable = False
        self.starts.flags.writeable = False

    def __len__(self) -> int:
        return self.starts.size - 1

    def frames(self, row: int) -> NDArray[np.float16]:
        """Return the frames of one track.

        Parameters
        ----------
        row : int
            Number of the track.

        Returns
        -------
        np.ndarray [shape=(m, d), dtype=float16]
            View of the frames.
        """
        return self._flat(row).view(np.float16).reshape(self.coefficients, -1).T

    def take(self, rows: Iterable[int]) -> "PackedFrames":
        """Return some of the tracks.

        Parameters
        ----------
        rows : iterable of int
            Numbers of the tracks, in their new order.

        Returns
        -------
        PackedFrames
            Copy of these tracks.
        """
        rows = list(rows)
        parts = [self._flat(row) for row in rows]
        return PackedFrames(
            bits=np.concatenate([np.empty(0, np.uint16), *parts]),
            starts=np.cumsum([0, *np.diff(self.starts)[rows]], dtype=np.int64),
            coefficients=self.coefficients,
        )

    def _flat(self, row: int) -> NDArray[np.uint16]:
        """Bits of one track."""
        first, stop = self.starts[row : row + 2] * self.coefficients
        return self.bits[first:stop]


def pack(tracks: Iterable[NDArray[np.floating]], *, coefficients: int) -> PackedFrames:
    """Lay out tracks for the kernels.

    Parameters
    ----------
    tracks : iterable of np.ndarray [shape=(m, d)]
        Frames of each track; stored as float16.
    coefficients : int
        Numbers in a frame, ``d``.

    Returns
    -------
    PackedFrames
        The tracks, in their order.

    Raises
    ------
    InputError
        A track has no frames, frames of another size, or numbers that float16 cannot hold.

    Examples
    --------
    >>> tracks = pack([np.ones((3, 2)), np.zeros((1, 2))], coefficients=2)
    >>> len(tracks), tracks.frames(0).shape
    (2, (3, 2))
    """
    # Grows in place, so that a large catalogue never lies in memory twice.
    bits = bytearray()
    starts = [0]
    for track in tracks:
        if track.shape[1:] != (coefficients,) or track.shape[0] < 1:
            raise InputError(
                f"frames have the shape {track.shape}",
                hint=f"at least one frame of {coefficients} coefficients: (m, {coefficients})",
            )
        with np.errstate(over="ignore"):
            halves = np.ascontiguousarray(track.T, dtype=np.float16).view(np.uint16)
        if (halves & _EXPONENT == _EXPONENT).any():
            raise InputError("frames hold a number that is not finite in float16", hint="numbers within ±65,504")
        bits += halves.tobytes()
        starts.append(starts[-1] + track.shape[0])
    return PackedFrames(
        bits=np.frombuffer(bits, np.uint16), starts=np.array(starts, np.int64), coefficients=coefficients
    )


def concatenate(parts: Iterable[PackedFrames], *, coefficients: int) -> PackedFrames:
    """Put the tracks of several buffers into one.

    Parameters
    ----------
    parts : iterable of PackedFrames
        Buffers of the same number of coefficients.
    coefficients : int
        Numbers in a frame, ``d``.

    Returns
    -------
    PackedFrames
        All tracks, in their order.
    """
    parts = list(parts)
    lengths = [np.diff(part.starts) for part in parts]
    return PackedFrames(
        bits=np.concatenate([np.empty(0, np.uint16), *(part.bits for part in parts)]),
        starts=np.concatenate([[0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths]))]).astype(np.int64),
        coefficients=coefficients,
    )


def empty_on_lines(size: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Make room for numbers that begins with a line of the processor's cache.

    Parameters
    ----------
    size : int
        How many numbers.
    dtype : type
        Of which kind.

    Returns
    -------
    np.ndarray [shape=(size,)]
        Whatever was there.
    """
    count = size * np.dtype(dtype).itemsize
    room = np.empty(count + _LINE, np.uint8)
    first = -room.ctypes.data % _LINE
    return room[first : first + count].view(dtype)


def on_lines(values: NDArray[Any]) -> NDArray[Any]:
    """Copy an array to where a line of the processor's cache begins.

    Parameters
    ----------
    values : np.ndarray
        The array.

    Returns
    -------
    np.ndarray [shape=(values.size,)]
        The same numbers, one after another.
    """
    lined = empty_on_lines(values.size, values.dtype.type)
    lined[:] = values.ravel()
    return lined
