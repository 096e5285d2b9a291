"""Snapshots of which it is told outside, by metrics, which state they have reached."""

from collections.abc import Collection, Mapping

from tunekin.messages import CatalogueChange
from tunekin_ranker.metrics import RankerMetrics
from tunekin_ranker.service import Snapshots
from tunekin_ranker.shard import Shard
from tunekin_ranker.snapshot import Snapshot
from tunekin_ranker.taste import Song

__all__ = ["WatchedSnapshots"]


class WatchedSnapshots:
    """Follows the catalogue as others do, and tells of it.

    Parameters
    ----------
    snapshots : Snapshots
        What follows the catalogue.
    metrics : RankerMetrics
        Where the state is told.
    shard : Shard
        Which part of the catalogue it is.
    """

    def __init__(self, snapshots: Snapshots, *, metrics: RankerMetrics, shard: Shard) -> None:
        self._snapshots = snapshots
        self._metrics = metrics
        self._shard = str(shard)

    def current(self, model_version: str | None = None) -> Snapshot:
        """Return the newest state.

        Parameters
        ----------
        model_version : str or None
            Mood model whose moods it should have; that in use unless it is given.

        Returns
        -------
        Snapshot
            Never changes.
        """
        snapshot = self._snapshots.current(model_version)
        self._tell()
        return snapshot

    def songs_elsewhere(self, track_ids: Collection[str]) -> Mapping[str, Song]:
        """Look up songs that other shards hold.

        Parameters
        ----------
        track_ids : collection of str
            Ids of songs, wherever they are held.

        Returns
        -------
        mapping of str to Song
            Those of other shards by id; without those that the catalogue does not hold.
        """
        return self._snapshots.songs_elsewhere(track_ids)

    def apply(self, change: CatalogueChange) -> None:
        """Take a change up into the next state.

        Parameters
        ----------
        change : CatalogueChange
            Which track changed.
        """
        self._snapshots.apply(change)
        self._tell()

    def _tell(self) -> None:
        # Not that of an earlier model, which a late clip may have asked for.
        self._metrics.answers_from(self._snapshots.current(), shard=self._shard)
