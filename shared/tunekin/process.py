"""A role of a service as a process on real servers: what every composition root does beside choosing its parts.

The process ends in order when it is told to, by SIGTERM or SIGINT. It ends by itself, with a line that says why, where
a setting is wrong, a server that it needs is out of reach at the start, a client is in doubt, or a pass takes longer
than it may. A supervisor starts it anew; nothing is lost by that.

==========  =============================================================================
exit code   means
==========  =============================================================================
0           told to end
64          a wrong argument
69          a server is out of reach, or has not been set up
70          a pass took too long, or a defect
78          a wrong setting or model; starting it anew does not help
==========  =============================================================================
"""

import argparse
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import structlog
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, disable_created_metrics

import tunekin
from tunekin import logging
from tunekin.blobs import FsspecBlobStore
from tunekin.errors import ModelError, SettingsError, TunekinError
from tunekin.health import HealthServer, stop_on_signals
from tunekin.kafka import KafkaBus, KafkaSettings, check
from tunekin.metrics import WorkerMetrics
from tunekin.ports import Clock
from tunekin.process_settings import BlobSettings, HealthSettings, LogSettings
from tunekin.service import Follower, Service
from tunekin.settings import Settings, forbid_unknown, read
from tunekin.topics import DEAD_LETTERS, INLINE_LIMIT_BYTES, TOPICS, outcomes_of
from tunekin.tracing import TracingSettings, tracer_of
from tunekin.worker import Worker

__all__ = [
    "EXIT_SETTINGS",
    "EXIT_STUCK",
    "EXIT_UNAVAILABLE",
    "Lane",
    "Process",
    "Role",
    "Root",
    "chosen",
    "group_of",
    "run",
]

Lane = Literal["clips", "tracks"]
T = TypeVar("T")
S = TypeVar("S", bound=Settings)

# As sysexits.h has them.
EXIT_UNAVAILABLE, EXIT_STUCK, EXIT_SETTINGS = 69, 70, 78
_SHARED: tuple[type[Settings], ...] = (LogSettings, HealthSettings, KafkaSettings, BlobSettings, TracingSettings)
# What is repeated after a crash, and what a stop waits for. Songs are large, and take a thousand times as long.
_MAX_RECORDS: dict[Lane, int] = {"clips": 16, "tracks": 2}
_WATCH_S = 1.0


def _nothing() -> None:
    """Have nothing to warm up."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """What a composition root has put together.

    Attributes
    ----------
    service : Service
        Role, topics and handler.
    warm_up : callable
        Does once what the first record would wait for; the process is not ready before.
    followers : tuple of Follower
        Topics that the process sees in full besides.
    fetch_limit_bytes : int
        Most that is fetched for a published ``ce_dataref``.
    """

    service: Service
    warm_up: Callable[[], None] = _nothing
    followers: tuple[Follower, ...] = ()
    fetch_limit_bytes: int = INLINE_LIMIT_BYTES


@dataclass(frozen=True, kw_only=True)
class Root:
    """A composition root: how a role is put together.

    Attributes
    ----------
    compose : callable
        Makes the role's clients and its service.
    settings : tuple of type
        Groups of settings that it reads beside those that all processes share.
    has_lanes : bool
        Whether the process works in one lane, which its command line says.
    """

    compose: Callable[["Process"], Role]
    settings: tuple[type[Settings], ...] = ()
    has_lanes: bool = False

    @property
    def groups(self) -> tuple[type[Settings], ...]:
        """All groups of settings that the process reads."""
        return (*_SHARED, *self.settings)


@dataclass(frozen=True, kw_only=True)
class Process:
    """What a composition root may use.

    Attributes
    ----------
    lane : {'clips', 'tracks'}
        The lane that the process works in; clips where its role knows no lanes.
    blobs : FsspecBlobStore
        For values too large for a record.
    metrics : WorkerMetrics
        Counters of the process.
    registry : prometheus_client.CollectorRegistry
        Where a role exposes counters of its own.
    clock : Clock
        Time of day in seconds.
    closing : contextlib.ExitStack
        Takes what has to be released at the end.
    """

    lane: Lane
    blobs: FsspecBlobStore
    metrics: WorkerMetrics
    registry: CollectorRegistry
    clock: Clock = time.time
    closing: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def of_lane(self, *, clips: T, tracks: T) -> T:
        """Choose by the lane of the process.

        Parameters
        ----------
        clips, tracks : object
            One for each lane.

        Returns
        -------
        object
            That of this process's lane.
        """
        return clips if self.lane == "clips" else tracks


def group_of(service: Service, *, lane: Lane | None) -> str:
    """Name of the consumer group whose members share a role's work.

    Parameters
    ----------
    service : Service
        The role.
    lane : {'clips', 'tracks'} or None
        The lane that it works in; unset where it knows none.

    Returns
    -------
    str
        Such as ``featurizer.clips`` or ``ranker.shard-1-of-3``; the operator's prefix comes before it.
    """
    return ".".join(filter(None, (service.role, lane, service.part)))


def run(program: str, roots: Root | Mapping[str, Root], *, arguments: Sequence[str] | None = None) -> None:
    """Run a role until it is told to end; leaves by `sys.exit`.

    1. Read the command line and the settings.
    2. Make the clients of the role.
    3. See that the brokers and the topics are there.
    4. Follow what is to be followed, then warm up: what changes meanwhile is not missed.
    5. Tell health, and watch over the passes.
    6. Work until told to end, then leave the group and release everything.

    Parameters
    ----------
    program : str
        Name of the command.
    roots : Root or mapping of str to Root
        The only role, or the roles by the word that chooses one on the command line.
    arguments : sequence of str or None
        Command line; the program's own unless it is given.
    """
    try:
        _run(program, roots, arguments)
    except TunekinError as error:
        structlog.get_logger().error("process.ended", program=program, error=error.message, hint=error.hint)
        sys.exit(EXIT_SETTINGS if isinstance(error, SettingsError | ModelError) else EXIT_UNAVAILABLE)


def _run(program: str, roots: Root | Mapping[str, Root], arguments: Sequence[str] | None) -> None:
    # Step 1
    root, lane = chosen(program, roots, arguments)
    stop = stop_on_signals()
    logging.configure(level="info", fmt="json")
    log_settings = read(LogSettings)
    logging.configure(level=log_settings.level, fmt=log_settings.format)
    forbid_unknown(root.groups)
    kafka, health, blobs = read(KafkaSettings), read(HealthSettings), read(BlobSettings)
    # When each counter began is known from the process's own start.
    disable_created_metrics()  # type: ignore[no-untyped-call] # it takes and gives nothing
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    process = Process(
        lane=lane or "clips",
        blobs=FsspecBlobStore(blobs.root, readable=blobs.readable),
        metrics=WorkerMetrics(registry),
        registry=registry,
    )
    began_s = time.monotonic()
    with process.closing:
        # Step 2
        role = root.compose(process)
        service = role.service
        log: structlog.typing.FilteringBoundLogger = structlog.get_logger(role=service.role, lane=lane)
        # Step 3
        check(kafka, [TOPICS[name] for name in _touched(service, role.followers)])
        # Step 4
        group = group_of(service, lane=lane)
        process.metrics.build.info(
            {"version": tunekin.__version__, "role": service.role, "lane": lane or "", "group": group}
        )
        tracer = tracer_of(read(TracingSettings), service=f"tunekin-{group}", prefix=kafka.prefix, group=group)
        bus = KafkaBus(kafka, tracer=tracer)
        worker = Worker(
            service,
            consumer=bus.consumer(service.topics, group=group),
            producer=bus.producer(),
            blobs=process.blobs,
            metrics=process.metrics,
            clock=process.clock,
            group=group,
            followers=[(one, bus.consumer(one.topics, group=None)) for one in role.followers],
            fetch_limit_bytes=role.fetch_limit_bytes,
            max_records=_MAX_RECORDS[process.lane],
            tracer=tracer,
        )
        role.warm_up()
        # Step 5
        server = HealthServer(
            worker, registry=registry, host=health.host, port=health.port, max_pass_s=kafka.max_pass_s
        )
        process.closing.callback(server.close)
        threading.Thread(target=_watch, args=(worker, kafka.max_pass_s, log), name="watchdog", daemon=True).start()
        log.info(
            "process.ready",
            program=program,
            version=tunekin.__version__,
            group=kafka.prefix + group,
            health=server.address,
            took_s=round(time.monotonic() - began_s, 2),
        )
        # Step 6
        worker.run(stop)
        log.info("process.left", program=program)


def chosen(program: str, roots: Root | Mapping[str, Root], arguments: Sequence[str] | None) -> tuple[Root, Lane | None]:
    """Read which role a command line asks for; leaves by `sys.exit` where it asks for none.

    Parameters
    ----------
    program : str
        Name of the command.
    roots : Root or mapping of str to Root
        The only role, or the roles by the word that chooses one.
    arguments : sequence of str or None
        Command line; the program's own unless it is given.

    Returns
    -------
    root : Root
        The role.
    lane : {'clips', 'tracks'} or None
        The lane to work in; unset where the role knows none.
    """
    parser = argparse.ArgumentParser(prog=program, description="A worker of Tunekin; settings come from variables.")
    parser.add_argument("--version", action="version", version=f"{program} {tunekin.__version__}")
    if isinstance(roots, Root):
        _add_lane(parser, roots)
        options = parser.parse_args(arguments)
        return roots, getattr(options, "lane", None)
    roles = parser.add_subparsers(dest="role", required=True, metavar="ROLE", help=" or ".join(roots))
    for name, root in roots.items():
        _add_lane(roles.add_parser(name), root)
    options = parser.parse_args(arguments)
    return roots[options.role], getattr(options, "lane", None)


def _add_lane(parser: argparse.ArgumentParser, root: Root) -> None:
    if root.has_lanes:
        parser.add_argument(
            "--lane", choices=("clips", "tracks"), required=True, help="clips of listeners, or tracks of a bulk load"
        )


def _touched(service: Service, followers: Sequence[Follower]) -> list[str]:
    """Topics that a role reads and writes, those of failures included."""
    followed = [topic for follower in followers for topic in follower.topics]
    outcomes = [outcomes_of(topic) for topic in service.topics]
    return sorted({*service.topics, *service.writes, *followed, *filter(None, outcomes), DEAD_LETTERS})


def _watch(worker: Worker, max_pass_s: float, log: structlog.typing.FilteringBoundLogger) -> None:
    """End a process that is stuck: others have its partitions by now, and its supervisor starts it anew."""
    while worker.pass_s <= max_pass_s:
        time.sleep(_WATCH_S)
    log.error("process.stuck", pass_s=round(worker.pass_s, 1), max_pass_s=max_pass_s)
    # Whatever the main thread hangs in, it would not hear of an exception.
    os._exit(EXIT_STUCK)
