"""The workers of a distributed Tunekin bring the catalogue to a mood model."""

import contextlib
import time
from collections.abc import Iterator

from tunekin import codec
from tunekin.catalogue.reader import CatalogueReader
from tunekin.errors import DependencyError
from tunekin.features import FEATURES
from tunekin.kafka import KafkaConsumer, KafkaProducer
from tunekin.messages import Features, Trace, TrackOutcome, TrackSubject
from tunekin_cli.servers import Servers

__all__ = ["reclassify"]

# Tracks under way: enough for dozens of workers.
_WINDOW = 128
_POLL_S = 0.2
# Classifiers look for a new version every second.
_SETTLE_S = 2.0


def reclassify(servers: Servers, *, model_version: str) -> Iterator[TrackOutcome]:
    """Send every track that a model has not judged through the tracks' lane, until none is left.

    Parameters
    ----------
    servers : Servers
        Brokers and catalogue.
    model_version : str
        The model; classifiers of the tracks' lane must follow the folder that names it.

    Yields
    ------
    TrackOutcome
        One for each track that was written, or could not be.

    Raises
    ------
    DependencyError
        A server is out of reach, or the classifiers go on judging by another model.
    """
    bus = servers.bus()
    failed: set[str] = set()
    with contextlib.ExitStack() as closing:
        reader = closing.enter_context(servers.reader())
        # From the present on, so before anything is published.
        outcomes = closing.enter_context(contextlib.closing(bus.consumer(["catalog.outcomes"], group=None)))
        producer = closing.enter_context(contextlib.closing(bus.producer()))
        time.sleep(_SETTLE_S)
        before = None
        while (left := _left(reader, model_version, failed)) and left != before:
            for outcome in _pass(reader, outcomes, producer, model_version=model_version, skipped=failed):
                if outcome.status == "failed":
                    failed.add(outcome.track_id)
                yield outcome
            before = left
        if left:
            raise DependencyError(
                f"{left} tracks are still not judged by {model_version!r}",
                hint="the classifiers of the tracks' lane must follow the same folder, by TUNEKIN_CLASSIFIER_MODEL",
            )


def _left(reader: CatalogueReader, model_version: str, failed: set[str]) -> int:
    """Count the tracks that the model has not judged, though it could."""
    tracks = reader.unjudged(feature_version=FEATURES.name, model_version=model_version)
    return sum(stored.track.track_id not in failed for stored in tracks)


def _pass(
    reader: CatalogueReader,
    outcomes: KafkaConsumer,
    producer: KafkaProducer,
    *,
    model_version: str,
    skipped: set[str],
) -> Iterator[TrackOutcome]:
    """Send what is left, and follow what comes of it."""
    tracks = reader.unjudged(feature_version=FEATURES.name, model_version=model_version)
    remaining = (stored for stored in tracks if stored.track.track_id not in skipped)
    waiting: set[str] = set()
    more = True
    while more or waiting:
        deliveries = []
        while more and len(waiting) < _WINDOW:
            stored = next(remaining, None)
            if stored is None:
                more = False
                break
            message = Features(
                subject=TrackSubject(track=stored.track),
                feature_version=FEATURES.name,
                frames=stored.frames,
                summary=stored.summary,
                views=stored.views,
                trace=Trace(published_ms=time.time() * 1000),
            )
            waiting.add(stored.track.track_id)
            deliveries.append(producer.send(codec.encode(message)))
        if deliveries:
            producer.flush()
        for delivery in deliveries:
            delivery.result(0)
        for record in outcomes.poll(timeout_s=_POLL_S, max_records=_WINDOW):
            outcome = codec.decode(record)
            if isinstance(outcome, TrackOutcome) and outcome.track_id in waiting:
                waiting.remove(outcome.track_id)
                yield outcome
