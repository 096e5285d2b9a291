"""Prometheus metrics of the worker loop, made once in a composition root; ``docs/metrics.md`` has all of them."""

from collections.abc import Iterable, Iterator
from typing import get_args, get_type_hints

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

from tunekin.errors import ModelError, SettingsError, TunekinError
from tunekin.messages import Answer, TrackOutcome
from tunekin.topics import lane_of

__all__ = ["WorkerMetrics"]

# From a cache hit to a whole song: 1 ms to 2 min.
_STAGE_BUCKETS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 120.0)
# From an idle pipeline's answer to a song at the end of a long load: 50 ms to a day.
_OUTCOME_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1_800.0, 7_200.0, 86_400.0)


_STATUSES = {
    lane: get_args(get_type_hints(outcome)["status"]) for lane, outcome in (("clips", Answer), ("tracks", TrackOutcome))
}


class WorkerMetrics:
    """What a worker counts.

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry
        Where the metrics are exposed.

    Attributes
    ----------
    build : prometheus_client.Info
        Which program this is: version, role, lane and group.
    records : prometheus_client.Counter
        Records by role, topic and result: ``done``, ``failed``, ``deferred``, or ``late`` for what should have been
        gathered with others and came after them.
    failures : prometheus_client.Counter
        Failures by role, lane and error code; each is a dead letter.
    retries : prometheus_client.Counter
        Records that were begun once more, by role and reason: a ``dependency`` was down, an ``upgrade`` had to come
        first, a worker that had them ended in a ``crash``, or an operator's ``replay``.
    stage_s : prometheus_client.Histogram
        Duration of the handler by role and lane, in seconds.
    outcomes : prometheus_client.Counter
        Outcomes by role, lane and status: what publishers learn.
    outcome_s : prometheus_client.Histogram
        Seconds from the publication of a clip or track to its outcome, by lane.
    lag : prometheus_client.Gauge
        Records of this worker's partitions that are not done, by group and topic.
    ready : prometheus_client.Gauge
        1 while a role's worker takes records of all its partitions, else 0.
    catalogue_version : prometheus_client.Gauge
        The newest version of the catalogue that this worker has made.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.build = Info("tunekin_build", "Which program this is.", registry=registry)
        self.records = Counter(
            "tunekin_records", "Records by role, topic and result.", ("role", "topic", "result"), registry=registry
        )
        self.failures = Counter(
            "tunekin_failures", "Failures by role, lane and error code.", ("role", "lane", "code"), registry=registry
        )
        self.retries = Counter(
            "tunekin_retries", "Records that were begun once more.", ("role", "reason"), registry=registry
        )
        self.stage_s = Histogram(
            "tunekin_stage_seconds",
            "Duration of the handler by role and lane.",
            ("role", "lane"),
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        self.outcomes = Counter(
            "tunekin_outcomes",
            "Outcomes of clips and tracks by role, lane and status.",
            ("role", "lane", "status"),
            registry=registry,
        )
        self.outcome_s = Histogram(
            "tunekin_outcome_seconds",
            "Time from publication to outcome by lane.",
            ("lane",),
            buckets=_OUTCOME_BUCKETS_S,
            registry=registry,
        )
        self.lag = Gauge(
            "tunekin_lag_records",
            "Records of this worker's partitions that are not done.",
            ("group", "topic"),
            registry=registry,
        )
        self.ready = Gauge(
            "tunekin_worker_ready",
            "1 while the worker takes records of all its partitions.",
            ("role",),
            registry=registry,
        )
        self.catalogue_version = Gauge(
            "tunekin_catalogue_version",
            "The newest version of the catalogue that this worker has made.",
            registry=registry,
        )

    def expect(self, role: str, topics: Iterable[str]) -> None:
        """Begin at 0 what a role may count, so that its first time is seen as an increase.

        Parameters
        ----------
        role : str
            The role.
        topics : iterable of str
            Topics that it reads.
        """
        for topic in topics:
            for result in ("done", "failed", "deferred"):
                self.records.labels(role=role, topic=topic, result=result)
            lane = lane_of(topic)
            for code in _failing(TunekinError):
                self.failures.labels(role=role, lane=lane, code=code)
            for status in _STATUSES[lane]:
                self.outcomes.labels(role=role, lane=lane, status=status)
            self.stage_s.labels(role=role, lane=lane)
            self.outcome_s.labels(lane=lane)
        for reason in ("dependency", "upgrade", "crash", "replay"):
            self.retries.labels(role=role, reason=reason)


def _failing(error: type[TunekinError]) -> Iterator[str]:
    """Codes of the errors that end a record as a failure; others keep it waiting, or a worker from its start."""
    if not (error.retriable or issubclass(error, SettingsError | ModelError)):
        yield error.code
    for narrower in error.__subclasses__():
        yield from _failing(narrower)
