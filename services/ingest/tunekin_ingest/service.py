"""Topics and handlers of ingest's two roles: *decode* and *write*."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import msgspec

from tunekin.batching import Batching
from tunekin.catalogue.records import Entry, Removed, Written
from tunekin.messages import (
    Answer,
    Audio,
    CatalogueChange,
    Classified,
    ClipSubject,
    ClipSubmitted,
    Message,
    TrackOutcome,
    TrackQuery,
    TrackSelected,
    TrackSubject,
    TrackSubmitted,
    TrackWithdrawn,
    Withdrawal,
)
from tunekin.service import Service
from tunekin_ingest.audio import Pcm
from tunekin_ingest.naming import with_tags

__all__ = ["DECODE", "WRITE", "CatalogueWriter", "Decoder", "decode_service", "write_service"]

DECODE = "ingest"
WRITE = "writer"

_WRITES = {
    "clips": ("clips.audio", "clips.classified"),
    "catalog.ingest": ("tracks.audio",),
    "tracks.classified": ("catalog.changes", "catalog.outcomes"),
    "recommendations": (),
}


class Decoder(Protocol):
    """Turns a sound file into samples, or says what is wrong with it."""

    def decode(self, data: bytes, *, start_s: float | None = None, duration_s: float | None = None) -> Pcm:
        """Decode all of a file, or the part that is meant.

        Parameters
        ----------
        data : bytes
            An encoded sound file.
        start_s, duration_s : float or None
            The part.

        Returns
        -------
        Pcm
            Its samples.

        Raises
        ------
        InputError
            The file can't be used.
        """


class CatalogueWriter(Protocol):
    """The only writer of the catalogue."""

    def upsert(self, entries: Sequence[Entry]) -> list[Written]:
        """Store tracks with their features and moods, all or none.

        Parameters
        ----------
        entries : sequence of Entry
            What to store.

        Returns
        -------
        list of Written
            For each entry the catalogue's version then, and whether the track is new.
        """

    def remove(self, track_id: str) -> Removed:
        """Remove a track with its features and moods.

        Parameters
        ----------
        track_id : str
            The track.

        Returns
        -------
        Removed
            Removing what the catalogue does not hold changes nothing.
        """

    def put_answer(self, answer: Answer) -> None:
        """Store an answer, unless its attempt is stored already.

        Parameters
        ----------
        answer : Answer
            An answer or a failure.
        """


def _admit() -> None:
    """Let every song in."""


def decode_service(decoder: Decoder, *, topics: tuple[str, ...], admit: Callable[[], None] = _admit) -> Service:
    """Make the role that is the only one to touch untrusted bytes.

    Parameters
    ----------
    decoder : Decoder
        Decodes in a sandbox.
    topics : tuple of str
        ``clips``, ``catalog.ingest`` or both.
    admit : callable
        Asked before a song is decoded; raises what is retriable where those before it have to be worked off first.

    Returns
    -------
    Service
        Reads `ClipSubmitted` and `TrackSubmitted`, writes `Audio`; passes `TrackQuery` on as `TrackSelected` and
        `TrackWithdrawn` as `Withdrawal`.
    """

    def handle(
        message: ClipSubmitted | TrackQuery | TrackSubmitted | TrackWithdrawn,
    ) -> Iterator[Audio | TrackSelected | Withdrawal]:
        subject: ClipSubject | TrackSubject
        if isinstance(message, TrackQuery):
            yield TrackSelected(subject=message.subject, track_id=message.track_id, trace=message.trace)
            return
        if isinstance(message, TrackWithdrawn):
            yield Withdrawal(subject=message.subject, before="featurizer", trace=message.trace)
            return
        if isinstance(message, ClipSubmitted):
            options = message.subject.options
            pcm = decoder.decode(message.data, start_s=options.start_s, duration_s=options.duration_s)
            subject = msgspec.structs.replace(
                message.subject, start_s=options.start_s or 0.0, duration_s=pcm.duration_s
            )
        else:
            admit()
            pcm = decoder.decode(message.data)
            track = with_tags(message.subject.track, pcm.source.tags)
            track = msgspec.structs.replace(track, duration_s=pcm.duration_s)
            subject = msgspec.structs.replace(message.subject, track=track)
        yield Audio(
            subject=subject,
            pcm=pcm.samples.astype("<i2", copy=False).tobytes(),
            sample_rate_hz=pcm.sample_rate_hz,
            trace=message.trace,
        )

    return Service(role=DECODE, topics=topics, handle=handle, writes=_written(topics))


def write_service(writer: CatalogueWriter, *, topics: tuple[str, ...]) -> Service:
    """Make the role that writes tracks and answers to the catalogue.

    Parameters
    ----------
    writer : CatalogueWriter
        The catalogue.
    topics : tuple of str
        ``tracks.classified``, ``recommendations`` or both.

    Returns
    -------
    Service
        Reads `Classified` tracks, several in one transaction, and `Withdrawal`, writes `CatalogueChange` and
        `TrackOutcome`; reads `Answer`, writes no message.
    """

    def handle(message: Classified | Withdrawal | Answer) -> Iterator[Message]:
        if isinstance(message, Answer):
            writer.put_answer(message)
            return
        if isinstance(message, Withdrawal):
            yield from _removed(message.subject, writer.remove(message.subject.track.track_id))
            return
        yield from store([message])[0]

    def store(messages: Sequence[Classified]) -> list[list[Message]]:
        written = writer.upsert([_entry(message) for message in messages])
        return [_stored(_subject(message), one) for message, one in zip(messages, written, strict=True)]

    return Service(
        role=WRITE,
        topics=topics,
        handle=handle,
        writes=_written(topics),
        batching=Batching(key=_stored_id, handle=store),
    )


def _stored_id(message: Classified | Withdrawal | Answer) -> str | None:
    """Name the track that a message has stored."""
    if isinstance(message, Classified) and isinstance(message.subject, TrackSubject):
        return message.subject.track.track_id
    return None


def _subject(message: Classified) -> TrackSubject:
    if isinstance(message.subject, TrackSubject):
        return message.subject
    # The topic of classified tracks holds nothing else; a clip there is a defect, and ends as one.
    msg = f"a clip on its way into the catalogue: {message.subject.clip_id}"
    raise TypeError(msg)


def _entry(message: Classified) -> Entry:
    return Entry(
        track=_subject(message).track,
        feature_version=message.feature_version,
        frames=message.frames,
        summary=message.summary,
        model_version=message.model_version,
        probabilities=message.probabilities,
        views=message.views,
    )


def _stored(subject: TrackSubject, written: Written) -> list[Message]:
    track, version = subject.track, written.catalogue_version
    return [
        CatalogueChange(track_id=track.track_id, change="upserted", catalogue_version=version),
        TrackOutcome(
            track_id=track.track_id,
            source_uri=track.source_uri,
            status="added" if written.added else "updated",
            catalogue_version=version,
            attempt=subject.attempt,
        ),
    ]


def _removed(subject: TrackSubject, removed: Removed) -> Iterator[Message]:
    """Tell of a removal, also where it was done before: whoever did it may have died before telling."""
    track, version = subject.track, removed.catalogue_version
    yield CatalogueChange(track_id=track.track_id, change="removed", catalogue_version=version)
    yield TrackOutcome(
        track_id=track.track_id,
        source_uri=track.source_uri,
        status="removed" if removed.held else "absent",
        catalogue_version=version if removed.held else None,
        attempt=subject.attempt,
    )


def _written(topics: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(written for topic in topics for written in _WRITES[topic])
