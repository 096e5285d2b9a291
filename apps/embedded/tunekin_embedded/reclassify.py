"""Bring the catalogue to a mood model: what is stored of every track goes through the tracks' lane again."""

import contextlib
from collections.abc import Callable, Iterator

from tunekin import codec
from tunekin.features import FEATURES
from tunekin.local import LocalBus
from tunekin.messages import Features, Trace, TrackOutcome, TrackSubject
from tunekin_classifier import service as classifier
from tunekin_embedded.parts import Parts
from tunekin_ingest import service as ingest

__all__ = ["reclassify"]


def reclassify(parts: Parts, latest: Callable[[], classifier.MoodModel]) -> Iterator[TrackOutcome]:
    """Have every track judged that a model has not judged; no sound is needed.

    The moods that other models gave stay: the catalogue is switched, not changed.

    Parameters
    ----------
    parts : Parts
        What the lanes share.
    latest : callable
        Gives the model.

    Yields
    ------
    TrackOutcome
        One for each track.
    """
    # One partition and one thread: judging takes far less than writing, and SQLite has one writer.
    bus = LocalBus(clock=parts.clock, partitions=1)
    producer, outcomes = bus.producer(), bus.consumer(["catalog.outcomes"], group="reclassify")
    with contextlib.ExitStack() as closing:
        workers = [
            parts.worker(bus, classifier.service(latest, topics=("tracks.features",))),
            parts.worker(bus, ingest.write_service(parts.writer, topics=("tracks.classified",))),
        ]
        for worker in workers:
            closing.enter_context(contextlib.closing(worker))
        version = latest().manifest.version
        for stored in parts.reader.unjudged(feature_version=FEATURES.name, model_version=version):
            message = Features(
                subject=TrackSubject(track=stored.track),
                feature_version=FEATURES.name,
                frames=stored.frames,
                summary=stored.summary,
                views=stored.views,
                trace=Trace(published_ms=parts.clock() * 1000),
            )
            producer.send(codec.encode(message))
            done = False
            while not done:
                for worker in workers:
                    worker.step(timeout_s=0)
                for outcome in map(codec.decode, outcomes.poll(timeout_s=0, max_records=10)):
                    if isinstance(outcome, TrackOutcome):
                        done = True
                        yield outcome
                outcomes.commit()
