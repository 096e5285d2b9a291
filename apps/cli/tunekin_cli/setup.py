"""``tunekin setup`` and ``tunekin topics``: what workers need before they start."""

import sys
import time

import yaml
from rich.console import Console
from rich.table import Table

from tunekin import asyncapi
from tunekin.catalogue.database import migrate, opened
from tunekin.catalogue.writer import CatalogueWriter
from tunekin.kafka import create_missing, drift
from tunekin.topics import TOPICS, Topic
from tunekin_classifier.adapters.model_store import FollowedModel
from tunekin_cli.context import Context
from tunekin_cli.json_output import print_json
from tunekin_cli.servers import Servers

__all__ = ["print_asyncapi", "run", "show_topics"]

_DAY_MS = 86_400_000


def run(context: Context, servers: Servers) -> int:
    """Create topics, migrate the catalogue, and write the model's moods into it; again, it changes nothing.

    Parameters
    ----------
    context : Context
        Which mood model.
    servers : Servers
        Brokers and catalogue.

    Returns
    -------
    int
        Exit code.
    """
    console = Console()
    created = create_missing(servers.kafka)
    console.print(f"topics: {', '.join(created) + ' created' if created else 'all there'}", highlight=False)
    manifest = FollowedModel(context.settings.classifier.model).latest().manifest
    with opened(servers.catalogue.url.get_secret_value()) as engine:
        migrate(engine)
        CatalogueWriter(engine, clock=time.time).put_moods(manifest.version, manifest.moods)
    console.print(f"catalogue: ready, with the moods of {manifest.version}", highlight=False)
    return 0


def show_topics(servers: Servers, *, create: bool, as_json: bool) -> int:
    """Hold the topics on the brokers against the table.

    Parameters
    ----------
    servers : Servers
        The brokers.
    create : bool
        Whether to create what is missing first.
    as_json : bool
        Whether to print JSON.

    Returns
    -------
    int
        Exit code: 0, or 1 where a topic is missing or differs.
    """
    created = create_missing(servers.kafka) if create else []
    differences = drift(servers.kafka)
    if as_json:
        print_json({"topics": [_document(topic) for topic in TOPICS.values()], "differences": differences})
    else:
        _print(servers.kafka.prefix, created, differences)
    return 1 if differences else 0


def print_asyncapi() -> None:
    """Print the contract of every topic as an AsyncAPI document in YAML."""
    yaml.safe_dump(asyncapi.document(), sys.stdout, sort_keys=False, allow_unicode=True, width=120)


def _print(prefix: str, created: list[str], differences: list[str]) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("topic", "carries", "key", "partitions", "cleanup", "kept", "largest record"):
        table.add_column(column, justify="right" if column in {"partitions", "largest record"} else "left")
    for topic in TOPICS.values():
        table.add_row(
            f"{prefix}{topic.name}",
            _carried(topic),
            topic.key,
            str(topic.partitions),
            topic.cleanup,
            "for ever" if topic.retention_ms is None else f"{topic.retention_ms / _DAY_MS:g} days",
            f"{topic.max_record_bytes:,} bytes",
        )
    console.print(table)
    for name in created:
        console.print(f"created {prefix}{name}", highlight=False)
    for line in differences:
        console.print(f"[bold red]differs[/] {line}", highlight=False)
    if not differences:
        console.print("the brokers have all of them, as they should be", style="dim", highlight=False)


def _document(topic: Topic) -> dict[str, object]:
    return {
        "name": topic.name,
        "carries": [carried.__name__ for carried in topic.carries],
        "key": topic.key,
        "partitions": topic.partitions,
        "cleanup": topic.cleanup,
        "retention_ms": topic.retention_ms,
        "max_record_bytes": topic.max_record_bytes,
        "public": topic.public,
    }


def _carried(topic: Topic) -> str:
    return ", ".join(carried.__name__ for carried in topic.carries) or "failed records"
