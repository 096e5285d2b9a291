"""Bring the catalogue to a mood model: what is stored of every track goes through the tracks' lane again."""

from collections.abc import Callable, Iterable, Iterator

from tunekin.catalogue.records import StoredFeatures
from tunekin.features import FEATURES
from tunekin.messages import Features, Trace, TrackOutcome, TrackSubject
from tunekin_classifier import service as classifier
from tunekin_embedded.parts import Parts
from tunekin_embedded.stepped import outcomes_of
from tunekin_ingest import service as ingest

__all__ = ["judge", "reclassify"]


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
    version = latest().manifest.version
    yield from judge(parts, parts.reader.unjudged(feature_version=FEATURES.name, model_version=version), latest=latest)


def judge(
    parts: Parts, tracks: Iterable[StoredFeatures], *, latest: Callable[[], classifier.MoodModel]
) -> Iterator[TrackOutcome]:
    """Have tracks judged and written anew from what is known of their sound.

    Parameters
    ----------
    parts : Parts
        What the lanes share.
    tracks : iterable of StoredFeatures
        The tracks, as they are to be called from now on.
    latest : callable
        Gives the model.

    Yields
    ------
    TrackOutcome
        One for each track, in order.
    """
    services = [
        classifier.service(latest, topics=("tracks.features",)),
        ingest.write_service(parts.writer, topics=("tracks.classified",)),
    ]
    messages = (
        Features(
            subject=TrackSubject(track=stored.track),
            feature_version=FEATURES.name,
            frames=stored.frames,
            summary=stored.summary,
            views=stored.views,
            trace=Trace(published_ms=parts.clock() * 1000),
        )
        for stored in tracks
    )
    yield from outcomes_of(parts, services, messages)
