"""Frames of single tracks, read from the catalogue where they are needed."""

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from tunekin.catalogue.reader import CatalogueReader
from tunekin.features import FEATURES, FeatureVersion, frames_from_bytes
from tunekin.messages import CatalogueChange

__all__ = ["CatalogueFrames"]

# Frames that are remembered: some six hundred songs of four minutes.
_MOST_BYTES = 64 * 1024 * 1024


class CatalogueFrames:
    """Reads frames, and remembers those that were asked for last; used by one thread.

    Parameters
    ----------
    reader : CatalogueReader
        The catalogue.
    version : FeatureVersion
        Which frames.
    most_bytes : int
        Frames that are remembered.
    """

    def __init__(
        self, reader: CatalogueReader, *, version: FeatureVersion = FEATURES, most_bytes: int = _MOST_BYTES
    ) -> None:
        self._reader = reader
        self._version = version
        self._most_bytes = most_bytes
        self._bytes = 0
        self._remembered: OrderedDict[str, NDArray[np.float16] | None] = OrderedDict()

    def __call__(self, track_id: str) -> NDArray[np.float16] | None:
        """Give the frames of a track.

        Parameters
        ----------
        track_id : str
            Its id.

        Returns
        -------
        np.ndarray [shape=(m, d), dtype=float16] or None
            None where the catalogue does not hold it, or not in this feature version.

        Raises
        ------
        DependencyError
            They are not remembered, and the catalogue can't be read.
        """
        if track_id not in self._remembered:
            stored = next(self._reader.stored([track_id], feature_version=self._version.name), None)
            frames = None if stored is None else frames_from_bytes(stored.frames, n_mfcc=self._version.n_mfcc)
            self._remembered[track_id] = frames
            self._bytes += _size(frames)
            # The last one stays, however long it is.
            while self._bytes > self._most_bytes and len(self._remembered) > 1:
                self._bytes -= _size(self._remembered.popitem(last=False)[1])
        self._remembered.move_to_end(track_id)
        return self._remembered[track_id]

    def apply(self, change: CatalogueChange) -> None:
        """Forget a track.

        Parameters
        ----------
        change : CatalogueChange
            Which track changed.
        """
        self._bytes -= _size(self._remembered.pop(change.track_id, None))

    def forget(self) -> None:
        """Forget all."""
        self._remembered.clear()
        self._bytes = 0


def _size(frames: NDArray[np.float16] | None) -> int:
    return 0 if frames is None else frames.nbytes
