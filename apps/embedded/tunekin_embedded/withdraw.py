"""Take songs out of the catalogue; their files stay."""

from collections.abc import Iterable, Iterator

from tunekin.messages import Trace, Track, TrackOutcome, TrackSubject, Withdrawal
from tunekin_embedded.parts import Parts
from tunekin_embedded.stepped import outcomes_of
from tunekin_ingest import service as ingest

__all__ = ["withdraw"]


def withdraw(parts: Parts, tracks: Iterable[Track]) -> Iterator[TrackOutcome]:
    """Take tracks out of the catalogue.

    Parameters
    ----------
    parts : Parts
        What the lanes share.
    tracks : iterable of Track
        The tracks.

    Yields
    ------
    TrackOutcome
        One for each track, in order.
    """
    messages = (
        Withdrawal(subject=TrackSubject(track=track), before="writer", trace=Trace(published_ms=parts.clock() * 1000))
        for track in tracks
    )
    yield from outcomes_of(parts, [ingest.write_service(parts.writer, topics=("tracks.classified",))], messages)
