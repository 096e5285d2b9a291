"""Writing the catalogue to a folder: one FLAC file a piece, with its tags."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from uuid import uuid4

import av
import numpy as np
from numpy.typing import NDArray

from tunekin.errors import OptionError
from tunekin.process_pool import process_pool
from tunekin_demo.compose.perform import render
from tunekin_demo.compose.pieces import Piece, catalogue

__all__ = ["file_path", "write_catalogue", "write_piece"]

# What some file system does not take in a name.
_FORBIDDEN = str.maketrans(dict.fromkeys('<>:"/\\|?*', "_"))


def file_path(piece: Piece) -> PurePosixPath:
    """Name the file of a piece.

    Parameters
    ----------
    piece : Piece
        The piece.

    Returns
    -------
    PurePosixPath
        ``Artist/Artist - Title.flac``; characters that a file system may refuse become ``_``.
    """
    artist, title = (name.translate(_FORBIDDEN).rstrip(". ") for name in (piece.artist, piece.title))
    return PurePosixPath(artist, f"{artist} - {title}.flac")


def _encode(sound: NDArray[np.float32], path: Path, *, piece: Piece, sample_rate_hz: int) -> None:
    """Write 16-bit FLAC with the piece's tags."""
    samples = np.round(sound * np.float32(32_767.0)).astype(np.int16)
    with av.open(str(path), "w", format="flac") as container:
        container.metadata.update(
            {"title": piece.title, "artist": piece.artist, "album": piece.album, "genre": piece.style}
        )
        stream = container.add_stream("flac", rate=sample_rate_hz, layout="mono", format="s16")
        frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
        frame.sample_rate = sample_rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def write_piece(piece: Piece, *, folder: Path, sample_rate_hz: int = 22_050) -> Path:
    """Play a piece and write it as mono 16-bit FLAC, tagged with title, artist, album and, as genre, style.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    piece : Piece
        The piece.
    folder : Path
        Where the artists' folders are; made if need be.
    sample_rate_hz : int
        Sample rate, at least 8,000 Hz.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    OptionError
        If the sample rate is too low.
    OSError
        If the folder cannot be written to.
    """
    path = folder / file_path(piece)
    sound = render(piece, sample_rate_hz=sample_rate_hz)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{uuid4().hex}.part")
    try:
        _encode(sound, unfinished, piece=piece, sample_rate_hz=sample_rate_hz)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def write_catalogue(
    folder: Path, *, pieces: Sequence[Piece] | None = None, sample_rate_hz: int = 22_050, workers: int | None = None
) -> Iterator[Path]:
    """Write pieces to a folder, several at a time.

    A generator: nothing is written before its first path is asked for, and each path comes as soon as its file and
    all before it are complete.

    Parameters
    ----------
    folder : Path
        Where the artists' folders are; made if need be.
    pieces : sequence of Piece, optional
        What to write; by default what `catalogue` gives.
    sample_rate_hz : int
        Sample rate, at least 8,000 Hz.
    workers : int, optional
        Count of processes; by default one a core. With 1 the work is done in the calling process.

    Yields
    ------
    Path
        Each file that was written, in the order of the pieces.

    Raises
    ------
    OptionError
        If the sample rate is too low or `workers` is below 1.
    OSError
        If the folder cannot be written to.
    """
    if workers is None:
        workers = os.cpu_count() or 1
    if workers < 1:
        raise OptionError(f"workers is {workers}", hint="Give at least 1 worker.")
    if pieces is None:
        pieces = catalogue()
    write = partial(write_piece, folder=folder, sample_rate_hz=sample_rate_hz)
    if workers == 1:
        yield from map(write, pieces)
        return
    with process_pool(workers) as pool:
        yield from pool.map(write, pieces)
