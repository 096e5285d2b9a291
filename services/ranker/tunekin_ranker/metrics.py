"""Prometheus metrics of the ranker, made once in a composition root."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from tunekin_ranker.snapshot import Snapshot

__all__ = ["RankerMetrics"]

_SHARE_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
_RECALL_BUCKETS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


class RankerMetrics:
    """What a ranker counts.

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry
        Where the metrics are exposed.

    Attributes
    ----------
    searches : prometheus_client.Counter
        Searches by mode and whether their answer is proven.
    candidates : prometheus_client.Counter
        Tracks that could have been in an answer, by mode.
    compared_in_full : prometheus_client.Counter
        Those of them that were compared in full, by mode.
    compared_share : prometheus_client.Histogram
        Share of the candidates that a search compared in full, by mode.
    cache : prometheus_client.Counter
        Questions to the cache by result (``hit``, ``miss``).
    cache_failures : prometheus_client.Counter
        Questions that the cache did not answer: Redis is out of reach, and answers are made anew.
    shadow_recall : prometheus_client.Histogram
        Share of brute force's five best that an answer held, by mode.
    shadow_differences : prometheus_client.Counter
        Answers said to be proven that brute force did not confirm: a defect.
    index : prometheus_client.Info
        What the index is made of: feature version, model version and shard.
    index_tracks : prometheus_client.Gauge
        Tracks of the index.
    index_version : prometheus_client.Gauge
        Version of the catalogue that the index is.
    index_updated : prometheus_client.Gauge
        When the index last changed, in seconds since 1970.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.searches = Counter(
            "tunekin_searches", "Searches by mode and proof.", ("mode", "proven"), registry=registry
        )
        self.candidates = Counter(
            "tunekin_search_candidates", "Tracks that could have been in an answer.", ("mode",), registry=registry
        )
        self.compared_in_full = Counter(
            "tunekin_search_compared_in_full", "Tracks that were compared in full.", ("mode",), registry=registry
        )
        self.compared_share = Histogram(
            "tunekin_search_compared_ratio",
            "Share of the candidates that a search compared in full.",
            ("mode",),
            buckets=_SHARE_BUCKETS,
            registry=registry,
        )
        self.cache = Counter("tunekin_cache_requests", "Questions to the cache.", ("result",), registry=registry)
        self.cache_failures = Counter(
            "tunekin_cache_failures", "Questions that the cache did not answer.", registry=registry
        )
        self.shadow_recall = Histogram(
            "tunekin_shadow_recall_ratio",
            "Share of brute force's five best that an answer held.",
            ("mode",),
            buckets=_RECALL_BUCKETS,
            registry=registry,
        )
        self.shadow_differences = Counter(
            "tunekin_shadow_differences",
            "Answers said to be proven that brute force did not confirm.",
            registry=registry,
        )
        self.index = Info("tunekin_index", "What the index is made of.", registry=registry)
        self.index_tracks = Gauge("tunekin_index_tracks", "Tracks of the index.", registry=registry)
        self.index_version = Gauge(
            "tunekin_index_catalogue_version", "Version of the catalogue that the index is.", registry=registry
        )
        self.index_updated = Gauge(
            "tunekin_index_updated_timestamp_seconds", "When the index last changed.", registry=registry
        )
        self._told: Snapshot | None = None
        # Begun at 0, so that the first time is seen as an increase.
        for mode in ("certified", "shortlist"):
            for proven in ("true", "false"):
                self.searches.labels(mode=mode, proven=proven)
            for counted in (self.candidates, self.compared_in_full, self.compared_share, self.shadow_recall):
                counted.labels(mode=mode)
        for result in ("hit", "miss"):
            self.cache.labels(result=result)

    def answers_from(self, snapshot: Snapshot, *, shard: str) -> None:
        """Say which state of the catalogue answers are made from.

        Parameters
        ----------
        snapshot : Snapshot
            The state.
        shard : str
            Which part of the catalogue it is.
        """
        if snapshot is self._told:
            return
        self._told = snapshot
        self.index.info(
            {"feature_version": snapshot.feature_version, "model_version": snapshot.model_version, "shard": shard}
        )
        self.index_tracks.set(len(snapshot.infos))
        self.index_version.set(snapshot.catalogue_version)
        self.index_updated.set_to_current_time()
