"""Music that a manifest lists, read in this process: it is the trainer's own."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from tunekin.errors import OptionError
from tunekin.features import FEATURES

__all__ = ["RATE_HZ", "Piece", "listed"]

RATE_HZ = FEATURES.sample_rate_hz


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """A piece of music.

    Attributes
    ----------
    file : str
        As the manifest names it.
    artist : str or None
        None where nobody knows.
    signal : np.ndarray [shape=(n,), dtype=float32]
        Mono, at ``RATE_HZ``.
    """

    file: str
    artist: str | None
    signal: NDArray[np.float32]


def listed(manifest: Path) -> Iterator[Piece]:
    """Read the music that a manifest lists.

    Parameters
    ----------
    manifest : pathlib.Path
        CSV, UTF-8, with the columns ``file``, from the manifest's folder, and ``artist``; an artist whose name begins
        with "unknown" is nobody.

    Yields
    ------
    Piece
        One a line, in order.

    Raises
    ------
    OptionError
        A file has another sample rate: what is measured through a resampler would hold its filter, too.
    """
    with manifest.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            signal, rate_hz = soundfile.read(manifest.parent / row["file"], dtype="float32", always_2d=True)
            if rate_hz != RATE_HZ:
                msg = f"{row['file']} has {rate_hz} Hz"
                raise OptionError(msg, hint=f"convert it to {RATE_HZ} Hz first")
            artist = row["artist"].strip()
            known = bool(artist) and not artist.casefold().startswith("unknown")
            yield Piece(file=row["file"], artist=artist if known else None, signal=signal.mean(axis=1))
