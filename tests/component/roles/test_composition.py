"""Every role can be put together from settings alone, and is what the page for operators says."""

import re
import time
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from tests.architecture.repository import ROOT
from tunekin.blobs import FsspecBlobStore
from tunekin.catalogue.database import migrate, open_engine
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.metrics import WorkerMetrics
from tunekin.process import Process, Root, chosen, group_of
from tunekin.topics import TOPICS, Topic, outcomes_of
from tunekin_classifier.__main__ import ROOTS as CLASSIFIER
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.settings import ClassifierSettings
from tunekin_featurizer.__main__ import ROOTS as FEATURIZER
from tunekin_ingest.__main__ import ROOTS as INGEST
from tunekin_native.workers import WORKERS
from tunekin_ranker.__main__ import ROOTS as RANKER

ROOTS: dict[str, Root | dict[str, Root]] = {
    "tunekin-ingest": INGEST,
    "tunekin-featurizer": FEATURIZER,
    "tunekin-classifier": CLASSIFIER,
    "tunekin-ranker": RANKER,
}
PAGE = (ROOT / "docs" / "distributed.md").read_text(encoding="utf-8")


def rows(first_header: str) -> dict[str, list[str]]:
    """Rows of the page's table that begins with a header, by what stands in their first column."""
    _, _, after = PAGE.partition(f"| {first_header} |")
    table = after.split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    return {row[0].strip("`"): row[1:] for row in cells}


def named(cell: str) -> set[str]:
    """Names in backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


@pytest.fixture
def catalogue(tmp_path, monkeypatch) -> Path:
    """An empty catalogue that knows the shipped model, as `tunekin setup` leaves it."""
    url = f"sqlite:///{tmp_path / 'catalogue.db'}"
    monkeypatch.setenv("TUNEKIN_CATALOGUE_URL", url)
    manifest = OnnxMoodModel(ClassifierSettings().model).manifest
    engine = open_engine(url)
    migrate(engine)
    CatalogueWriter(engine, clock=time.time).put_moods(manifest.version, manifest.moods)
    engine.dispose()
    return tmp_path


COMMANDS = {
    "process": [" ".join(command) for command in WORKERS.values()],
    "process of a divided catalogue": ["TUNEKIN_RANKER_SHARD=2/3 tunekin-ranker rank", "tunekin-ranker merge"],
}


@pytest.mark.parametrize(("table", "command"), [(table, one) for table, some in COMMANDS.items() for one in some])
def test_a_role_is_put_together_as_the_page_says(table, command, catalogue, monkeypatch):
    words = command.split()
    if "=" in words[0]:
        monkeypatch.setenv(*words.pop(0).split("="))
    program, *arguments = words
    root, lane = chosen(program, ROOTS[program], arguments)
    registry = CollectorRegistry()
    process = Process(
        lane=lane or "clips",
        blobs=FsspecBlobStore((catalogue / "blobs").as_uri(), readable=()),
        metrics=WorkerMetrics(registry),
        registry=registry,
    )
    with process.closing:
        role = root.compose(process)
        role.warm_up()
    group, reads, writes = rows(table)[command]
    followed = {topic for follower in role.followers for topic in follower.topics}
    assert named(group) == {group_of(role.service, lane=lane)}
    assert named(reads) == {*role.service.topics, *followed}
    assert named(writes) == set(role.service.writes)


@pytest.mark.parametrize("table", COMMANDS)
def test_the_page_names_every_worker_once(table: str) -> None:
    assert set(rows(table)) == set(COMMANDS[table])


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_the_page_says_how_a_topic_is_kept(topic: Topic) -> None:
    _, key, partitions, kept, public = rows("topic")[topic.name]
    days = None if topic.retention_ms is None else topic.retention_ms // 86_400_000
    assert key == topic.key
    assert int(partitions) == topic.partitions
    assert kept == ("until purged" if days is None else f"{days} day{'s' if days > 1 else ''}")
    assert public == ("yes" if topic.public else "no")


def test_every_topic_that_people_publish_to_has_a_topic_of_outcomes() -> None:
    assert {name: outcomes_of(name) for name in ("clips", "catalog.ingest")} == {
        "clips": "recommendations",
        "catalog.ingest": "catalog.outcomes",
    }
