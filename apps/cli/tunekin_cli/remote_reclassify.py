"""The workers of a distributed Tunekin bring the catalogue to a mood model."""

import time
from collections.abc import Iterator

from tunekin import codec
from tunekin.catalogue.reader import CatalogueReader
from tunekin.catalogue.records import StoredFeatures
from tunekin.errors import DependencyError
from tunekin.features import FEATURES
from tunekin.messages import Features, Trace, TrackOutcome, TrackSubject
from tunekin.ports import Record
from tunekin_cli.remote_tracks import watching
from tunekin_cli.servers import Servers

__all__ = ["reclassify", "record_of"]

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
    failed: set[str] = set()
    with servers.reader() as reader, watching(servers.bus(traced_as="tunekin")) as outcomes:
        time.sleep(_SETTLE_S)
        before = None
        while (left := _left(reader, model_version, failed)) and left != before:
            for outcome in outcomes.of(_records(reader, model_version=model_version, skipped=failed)):
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


def record_of(stored: StoredFeatures) -> Record:
    """Make what is sent of a track that need not be heard again.

    Parameters
    ----------
    stored : StoredFeatures
        The track, as it is to be called, and what is known of its sound.

    Returns
    -------
    Record
        For the classifier.
    """
    message = Features(
        subject=TrackSubject(track=stored.track),
        feature_version=FEATURES.name,
        frames=stored.frames,
        summary=stored.summary,
        views=stored.views,
        trace=Trace(published_ms=time.time() * 1000),
    )
    return codec.encode(message)


def _records(reader: CatalogueReader, *, model_version: str, skipped: set[str]) -> Iterator[Record]:
    """Make what is sent of each track that is left."""
    for stored in reader.unjudged(feature_version=FEATURES.name, model_version=model_version):
        if stored.track.track_id not in skipped:
            yield record_of(stored)
