"""Prometheus metrics of the worker loop, made once in a composition root."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["WorkerMetrics"]

# From a cache hit to a whole song: 1 ms to 2 min.
_STAGE_BUCKETS_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 120.0)


class WorkerMetrics:
    """What a worker counts.

    Parameters
    ----------
    registry : prometheus_client.CollectorRegistry
        Where the metrics are exposed.

    Attributes
    ----------
    records : prometheus_client.Counter
        Records by role, topic and result: ``done``, ``failed``, ``deferred``, or ``late`` for what should have been
        gathered with others and came after them.
    failures : prometheus_client.Counter
        Failures by role and error code.
    stage_s : prometheus_client.Histogram
        Duration of the handler by role, in seconds.
    ready : prometheus_client.Gauge
        1 while a role's worker takes records of all its partitions, else 0.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.records = Counter(
            "tunekin_records", "Records by role, topic and result.", ("role", "topic", "result"), registry=registry
        )
        self.failures = Counter(
            "tunekin_failures", "Failures by role and error code.", ("role", "code"), registry=registry
        )
        self.stage_s = Histogram(
            "tunekin_stage_seconds",
            "Duration of the handler by role.",
            ("role",),
            buckets=_STAGE_BUCKETS_S,
            registry=registry,
        )
        self.ready = Gauge(
            "tunekin_worker_ready",
            "1 while the worker takes records of all its partitions.",
            ("role",),
            registry=registry,
        )
