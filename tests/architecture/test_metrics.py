"""Every metric is documented, with its type and labels, and named as Prometheus asks."""

import re

from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from tests.architecture.repository import ROOT
from tunekin.metrics import WorkerMetrics
from tunekin_classifier.manifest import parse
from tunekin_classifier.metrics import ClassifierMetrics
from tunekin_classifier.settings import DEFAULT_MODEL
from tunekin_ranker.metrics import RankerMetrics

SUFFIXES = {"counter": "_total", "info": "_info"}
UNITS = ("_seconds", "_ratio", "_records", "_bytes", "_tracks", "_version", "_ready")


def metrics() -> dict[str, tuple[str, set[str]]]:
    """Type and labels of every metric, by its name."""
    registry = CollectorRegistry()
    worker, ranker, classifier = WorkerMetrics(registry), RankerMetrics(registry), ClassifierMetrics(registry)
    found = [one for made in (worker, ranker, classifier) for one in vars(made).values()]
    return {
        f"{one._name}{SUFFIXES.get(str(one._type), '')}": (str(one._type), set(one._labelnames))
        for one in found
        if isinstance(one, MetricWrapperBase)
    }


def documented() -> dict[str, tuple[str, set[str]]]:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|", page, flags=re.MULTILINE)
    return {name: (kind, set(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def test_every_metric_is_documented_as_it_is_and_nothing_else() -> None:
    known = documented()
    # The labels of an info are values that it is given.
    infos = {name for name, (kind, _) in known.items() if kind == "info"}
    assert {name: (kind, labels if name not in infos else set()) for name, (kind, labels) in known.items()} == metrics()


def test_names_are_as_prometheus_asks() -> None:
    for name, (kind, _) in metrics().items():
        assert name.startswith("tunekin_")
        assert name.endswith("_total") == (kind == "counter")
        if kind in {"gauge", "histogram"}:
            assert name.endswith(UNITS), f"{name} has no unit"


def test_an_info_has_the_labels_that_are_documented() -> None:
    registry = CollectorRegistry()
    ClassifierMetrics(registry).judged_by(parse((DEFAULT_MODEL / "manifest.json").read_bytes()))
    (family,) = registry.collect()
    (sample,) = family.samples
    assert set(sample.labels) == documented()["tunekin_model_info"][1]
