"""Messages to records and back.

Public topics follow CloudEvents 1.0 in Kafka's binary content mode [1]_: the value is the payload itself, headers
named ``ce_*`` carry the event's attributes, ``content-type`` the payload's type. A sound file is its own payload, so
any Kafka client can publish one; all headers are optional. Answers, outcomes and changes are JSON.

=================  =============================================================================================
header             meaning, and what holds where it is missing
=================  =============================================================================================
``ce_id``          name of the event within its source; the record's key, else ``topic/partition/offset``
``ce_source``      who published; ``/tunekin``
``ce_type``        ``tunekin.clip.submitted`` and so on; the first that the topic carries, but for a record of
                   ``catalog.ingest`` without value and ``ce_dataref``, a tombstone: ``tunekin.track.withdrawn``
``ce_dataref``     URI of the payload, where it is too large for a record; the value is empty then
``ce_datasha256``  SHA-256 of the payload behind ``ce_dataref``; unchecked
``ce_datasize``    its length in bytes; unchecked
``ce_traceparent`` W3C trace context; the header ``traceparent``, else none
``ce_publishedms`` milliseconds since 1970 at which the publisher sent it; the record's timestamp
``ce_attempt``     attempt, 1 and up; 1. On an internal topic too, where a dead letter was replayed
``ce_track``       clips of the type ``tunekin.query.track``: the track to start from, in place of sound
``ce_topk``        clips: matches wanted, 1 to 100; 5
``ce_scope``       clips: ``all`` or ``mood``; ``all``
``ce_mode``        clips: ``certified`` or ``shortlist``; ``certified``
``ce_artists``     clips: ``one`` match at most of an artist, or ``any``; ``one``
``ce_versions``    clips: ``one`` match at most of the versions of a recording, or ``any``; ``one``
``ce_weights``     clips: factors of the views' weights, as ``rhythm=2,timbre=0.5``; 1 each
``ce_moods``       clips: only songs of these moods, as ``2,5``; all
``ce_tempo``       clips: only songs of this tempo in beats a minute, as ``90-120``, ``90-`` or ``-120``; all
``ce_years``       clips: only songs of these years, as ``1990-1999``; all
``ce_tags``        clips: only songs with one of these tags, as ``jazz,blues``; all. Catalogue: the song's tags; unknown
``ce_likes``       clips: ids of tracks that the listener likes, as a JSON array; none. Likewise ``ce_dislikes``
``ce_startms``     clips: start of the part that is meant; the beginning
``ce_durationms``  clips: length of the part that is meant; all of it
``ce_title``       catalogue: title; likewise ``ce_artist``, ``ce_album``, ``ce_isrc``, ``ce_musicbrainzid``; unknown
``ce_year``        catalogue: year that the song is from; unknown
=================  =============================================================================================

Internal topics carry msgpack: an array of type name, version and body. A body with a version newer than this code
knows raises `UnsupportedVersionError`, which is retriable: the record waits for the upgrade.

References
----------
.. [1] CloudEvents 1.0.2, Kafka protocol binding, section 3.2.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, get_args

import msgspec

from tunekin import filters
from tunekin.errors import MessageError, OptionError, UnsupportedVersionError
from tunekin.messages import (
    INTERNAL_VERSIONS,
    Answer,
    Artists,
    Audio,
    CatalogueChange,
    Classified,
    ClipOptions,
    ClipSubject,
    ClipSubmitted,
    Features,
    InternalMessage,
    Message,
    Mode,
    Partial,
    Scope,
    Trace,
    Track,
    TrackOutcome,
    TrackQuery,
    TrackSelected,
    TrackSubject,
    TrackSubmitted,
    TrackWithdrawn,
    Versioning,
    Withdrawal,
)
from tunekin.ports import ClaimCheck, Record
from tunekin.topics import DEAD_LETTERS, TOPICS, Topic, topic_for

__all__ = [
    "DISLIKES_MAX",
    "EVENT_TYPES",
    "K_MAX",
    "LIKES_MAX",
    "answer_json",
    "check_taste",
    "claim_of",
    "decode",
    "encode",
    "read_ids",
    "read_weights",
    "subject_of",
    "trace_headers",
    "traceparent_of",
    "with_claim",
    "with_traceparent",
    "with_value",
]

T = TypeVar("T")

# More matches than a listener looks at; keeps an answer far below a record's limit.
K_MAX = 100
# Each is compared with every song of the catalogue. Dislikes are more, since what is disliked has to stay away.
LIKES_MAX, DISLIKES_MAX = 50, 200
# What a signed 64-bit integer holds for sure; a longer number is a mistake.
_MOST_DIGITS = 18
_LAST_YEAR = 9_999
_DEFAULT_SOURCE = "/tunekin"
_INTERNAL: dict[str, type[InternalMessage]] = {cls.__name__: cls for cls in INTERNAL_VERSIONS}
EVENT_TYPES: dict[type[Message], str] = {
    ClipSubmitted: "tunekin.clip.submitted",
    TrackQuery: "tunekin.query.track",
    TrackSubmitted: "tunekin.track.submitted",
    TrackWithdrawn: "tunekin.track.withdrawn",
    Answer: "tunekin.clip.answered",
    TrackOutcome: "tunekin.track.processed",
    CatalogueChange: "tunekin.catalogue.changed",
}
_TRACE_HEADERS = ("ce_traceparent", "traceparent")
_TAGS = ("title", "artist", "album", "isrc", "musicbrainzid")


class _Envelope(msgspec.Struct, array_like=True, frozen=True):
    """Type name, version and body of an internal message."""

    type: str
    version: int
    body: msgspec.Raw


_to_msgpack = msgspec.msgpack.Encoder()
_to_json = msgspec.json.Encoder()
_envelopes = msgspec.msgpack.Decoder(_Envelope)
_bodies: dict[str, msgspec.msgpack.Decoder[InternalMessage]] = {
    name: msgspec.msgpack.Decoder(cls) for name, cls in _INTERNAL.items()
}
_ids = msgspec.json.Decoder(tuple[str, ...])
_from_json: dict[str, msgspec.json.Decoder[Any]] = {
    topic.name: msgspec.json.Decoder(carried)
    for topic in TOPICS.values()
    for carried in topic.carries
    if carried in {Answer, TrackOutcome, CatalogueChange}
}


# --- writing ---------------------------------------------------------------------------------------------------------


def encode(message: Message) -> Record:
    """Write a message as the record that carries it.

    Parameters
    ----------
    message : Message
        Any message.

    Returns
    -------
    Record
        Not yet placed: partition and offset are -1.
    """
    topic = topic_for(message)
    match message:
        case Audio() | Features() | Classified() | Withdrawal() | TrackSelected() | Partial():
            body = msgspec.Raw(_to_msgpack.encode(message))
            envelope = _Envelope(type(message).__name__, INTERNAL_VERSIONS[type(message)], body)
            headers = trace_headers(message.trace.traceparent)
            return Record(
                topic=topic.name, key=_key_of(message).encode(), value=_to_msgpack.encode(envelope), headers=headers
            )
        case ClipSubmitted() | TrackSubmitted():
            return Record(
                topic=topic.name, key=_key_of(message).encode(), value=message.data, headers=_headers_of(message)
            )
        case TrackQuery() | TrackWithdrawn():
            value = b""
        case Answer():
            value = answer_json(message)
        case TrackOutcome() | CatalogueChange():
            value = _to_json.encode(message)
    return Record(topic=topic.name, key=_key_of(message).encode(), value=value, headers=_headers_of(message))


def answer_json(answer: Answer) -> bytes:
    """Write an answer as the JSON that topic, API and command line share.

    Parameters
    ----------
    answer : Answer
        An answer or a failure.

    Returns
    -------
    bytes
        UTF-8 JSON; the record's key is no part of it.
    """
    document = msgspec.to_builtins(answer)
    del document["key"]
    return _to_json.encode(document)


def trace_headers(traceparent: str) -> tuple[tuple[str, bytes], ...]:
    """Header that carries a trace context, none where there is no trace.

    Parameters
    ----------
    traceparent : str
        W3C trace context, or empty.

    Returns
    -------
    tuple of (str, bytes)
        Zero or one header.
    """
    return (("ce_traceparent", traceparent.encode()),) if traceparent else ()


def traceparent_of(record: Record) -> str:
    """Trace context that a record carries.

    Parameters
    ----------
    record : Record
        Any record.

    Returns
    -------
    str
        W3C trace context, unchecked, or empty. A client that is instrumented by others' means sends ``traceparent``;
        the header of CloudEvents goes before it.
    """
    carried = {name: value for name, value in record.headers if name in _TRACE_HEADERS}
    return next((carried[name].decode(errors="replace") for name in _TRACE_HEADERS if name in carried), "")


def with_traceparent(record: Record, traceparent: str) -> Record:
    """Put a trace context into a record's headers, in the place of the one that it carries.

    Parameters
    ----------
    record : Record
        Any record; a dead letter stays as it is, since it holds the headers of the record that failed.
    traceparent : str
        W3C trace context; with an empty one the record stays as it is.

    Returns
    -------
    Record
        The record with the context.
    """
    if not traceparent or record.topic == DEAD_LETTERS:
        return record
    others = tuple((name, value) for name, value in record.headers if name not in _TRACE_HEADERS)
    return _replaced(record, value=record.value, headers=(*others, *trace_headers(traceparent)))


def with_claim(record: Record, claim: ClaimCheck) -> Record:
    """Put a claim check in the place of a record's value.

    Parameters
    ----------
    record : Record
        Record whose value has been stored elsewhere.
    claim : ClaimCheck
        Where.

    Returns
    -------
    Record
        The same record with an empty value and the claim in its headers.
    """
    said = {"ce_dataref": claim.uri, "ce_datasha256": claim.sha256}
    if claim.size_bytes is not None:
        said["ce_datasize"] = str(claim.size_bytes)
    added = ((name, text.encode()) for name, text in said.items() if text)
    return _replaced(record, value=b"", headers=(*record.headers, *added))


def _key_of(message: Message) -> str:
    match message:
        case Answer():
            return message.key or message.clip_id
        case TrackOutcome() | CatalogueChange():
            return message.track_id
        case _ if isinstance(message.subject, ClipSubject):
            return message.subject.key
        case _:
            return message.subject.track.track_id


def _headers_of(message: Message) -> tuple[tuple[str, bytes], ...]:
    attributes: dict[str, str] = {"specversion": "1.0", "type": EVENT_TYPES[type(message)]}
    match message:
        case ClipSubmitted() | TrackQuery():
            attributes |= _attributes_of_clip(message.subject)
            if isinstance(message, TrackQuery):
                attributes["track"] = message.track_id
        case TrackSubmitted():
            attributes |= _attributes_of_track(message.subject.track)
        case TrackWithdrawn():
            track = message.subject.track
            attributes |= {"source": track.source_uri or _DEFAULT_SOURCE, "id": track.track_id}
        case Answer():
            attributes |= {"source": _DEFAULT_SOURCE, "id": f"{message.clip_id}/{message.attempt}"}
        case TrackOutcome():
            attributes |= {"source": _DEFAULT_SOURCE, "id": f"{message.track_id}/{message.attempt}"}
        case CatalogueChange():
            attributes |= {"source": _DEFAULT_SOURCE, "id": f"{message.catalogue_version}/{message.track_id}"}
    content_type = b"application/json"
    if isinstance(message, ClipSubmitted | TrackQuery | TrackSubmitted | TrackWithdrawn):
        content_type = b"application/octet-stream"
        attributes["attempt"] = str(message.subject.attempt)
        attributes["publishedms"] = f"{message.trace.published_ms:.3f}"
        if message.trace.traceparent:
            attributes["traceparent"] = message.trace.traceparent
    return (
        ("content-type", content_type),
        *((f"ce_{name}", value.encode()) for name, value in attributes.items()),
    )


def _attributes_of_track(track: Track) -> dict[str, str]:
    tags = (track.title, track.artist, track.album, track.isrc, track.musicbrainz_id)
    attributes = {"source": track.source_uri or _DEFAULT_SOURCE, "id": track.track_id}
    attributes |= {name: value for name, value in zip(_TAGS, tags, strict=True) if value}
    if track.year:
        attributes["year"] = str(track.year)
    if track.tags:
        attributes["tags"] = ",".join(track.tags)
    return attributes


def _attributes_of_clip(clip: ClipSubject) -> dict[str, str]:
    source, _, event_id = clip.clip_id.rpartition("#")
    options = clip.options
    attributes = {"source": source or _DEFAULT_SOURCE, "id": event_id}
    attributes |= {"topk": str(options.k), "scope": options.scope, "mode": options.mode}
    if options.artists != "one":
        attributes["artists"] = options.artists
    if options.versions != "one":
        attributes["versions"] = options.versions
    if options.weights:
        attributes["weights"] = ",".join(f"{view}={factor:g}" for view, factor in options.weights)
    attributes |= filters.write_filters(options.filters)
    for name, track_ids in (("likes", options.likes), ("dislikes", options.dislikes)):
        if track_ids:
            attributes[name] = _to_json.encode(track_ids).decode()
    if options.start_s is not None:
        attributes["startms"] = str(round(options.start_s * 1000))
    if options.duration_s is not None:
        attributes["durationms"] = str(round(options.duration_s * 1000))
    return attributes


# --- reading ---------------------------------------------------------------------------------------------------------


def decode(record: Record) -> Message:
    """Read the message that a record carries.

    Parameters
    ----------
    record : Record
        A record of one of `tunekin.topics.TOPICS` whose value is present (see `claim_of` and `with_value`).

    Returns
    -------
    Message
        Of the type that the topic carries.

    Raises
    ------
    MessageError
        The record does not follow the topic's contract.
    OptionError
        An option has an impossible value.
    UnsupportedVersionError
        A newer version of Tunekin wrote it.
    """
    topic = TOPICS.get(record.topic)
    if topic is None or not topic.carries:
        msg = f"no message is read from the topic {record.topic!r}"
        raise MessageError(msg, hint=f"topics with messages: {', '.join(t.name for t in TOPICS.values() if t.carries)}")
    headers = _attributes(record)
    if topic.public:
        _check_type(topic, headers)
    if TrackQuery in topic.carries and headers.get("type") == EVENT_TYPES[TrackQuery]:
        return _track_query(record, headers)
    if ClipSubmitted in topic.carries:
        clip = _clip_subject(record, headers, options=_clip_options(headers))
        data = record.value or b""
        clip = msgspec.structs.replace(clip, sha256=hashlib.sha256(data).hexdigest())
        return ClipSubmitted(subject=clip, data=data, trace=_trace_of(record, headers))
    if TrackWithdrawn in topic.carries and _is_withdrawal(record, headers):
        return _track_withdrawn(record, headers)
    if TrackSubmitted in topic.carries:
        data = record.value or b""
        subject = _track_subject(record, headers)
        track = msgspec.structs.replace(subject.track, content_sha256=hashlib.sha256(data).hexdigest())
        return TrackSubmitted(
            subject=msgspec.structs.replace(subject, track=track),
            data=data,
            trace=_trace_of(record, headers),
        )
    if topic.name in _from_json:
        return _read_json(record)
    return _read_internal(record, headers)


def subject_of(record: Record) -> ClipSubject | TrackSubject | None:
    """Say what a record is about, also where it can't be read as a message.

    A failure has to name its clip or track even when the record breaks its contract.

    Parameters
    ----------
    record : Record
        Any record.

    Returns
    -------
    ClipSubject or TrackSubject or None
        The subject with what could be read of it; None where the topic is about neither.
    """
    topic = TOPICS.get(record.topic)
    if topic is None or not {ClipSubmitted, TrackSubmitted, *_INTERNAL.values()}.intersection(topic.carries):
        return None
    headers = _attributes(record, strict=False)
    if TrackSubmitted in topic.carries or topic.name.startswith("tracks."):
        return _track_subject(record, headers, strict=False)
    return _clip_subject(record, headers, options=ClipOptions(), strict=False)


def claim_of(record: Record) -> ClaimCheck | None:
    """Claim check that stands in a record for its value.

    Parameters
    ----------
    record : Record
        Any record.

    Returns
    -------
    ClaimCheck or None
        None where the value is in the record itself.

    Raises
    ------
    MessageError
        The claim's size is no number, or the record has a value as well.
    """
    headers = _attributes(record)
    if "dataref" not in headers:
        return None
    if record.value:
        msg = f"the record has both a value of {len(record.value)} bytes and ce_dataref={headers['dataref']!r}"
        raise MessageError(msg, hint="send the sound in the value, or a reference to it, not both")
    size = headers.get("datasize")
    return ClaimCheck(
        uri=headers["dataref"],
        sha256=headers.get("datasha256", ""),
        size_bytes=None if size is None else _integer("ce_datasize", size, low=0),
    )


def with_value(record: Record, value: bytes) -> Record:
    """Put the value that a claim check stands for into its record.

    Parameters
    ----------
    record : Record
        Record with a claim check.
    value : bytes
        What the claim stands for.

    Returns
    -------
    Record
        The same record with its value.
    """
    return _replaced(record, value=value, headers=record.headers)


def _replaced(record: Record, *, value: bytes | None, headers: tuple[tuple[str, bytes], ...]) -> Record:
    return Record(
        topic=record.topic,
        key=record.key,
        value=value,
        headers=headers,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
    )


def _read_json(record: Record) -> Message:
    try:
        message: Message = _from_json[record.topic].decode(record.value or b"")
    except msgspec.DecodeError as error:
        msg = f"a record of {record.topic} is not the JSON that the topic carries: {error}"
        raise MessageError(msg) from error
    if isinstance(message, Answer):
        return msgspec.structs.replace(message, key=_text(record.key or b"", "key"))
    return message


def _read_internal(record: Record, headers: dict[str, str]) -> Message:
    try:
        envelope = _envelopes.decode(record.value or b"")
        if envelope.type not in _INTERNAL or _INTERNAL[envelope.type] not in TOPICS[record.topic].carries:
            msg = f"{record.topic} holds a message of type {envelope.type!r}, which does not belong there"
            raise MessageError(msg)
        known = INTERNAL_VERSIONS[_INTERNAL[envelope.type]]
        if envelope.version > known:
            msg = f"{record.topic} holds {envelope.type} version {envelope.version}; this worker reads up to {known}"
            raise UnsupportedVersionError(msg, hint="upgrade this worker; the record waits")
        message = _bodies[envelope.type].decode(envelope.body)
    except msgspec.DecodeError as error:
        msg = f"a record of {record.topic} is not an internal message: {error}"
        raise MessageError(msg, hint="only Tunekin's own workers write to this topic") from error
    # A record is sent in the trace of its sender's work, which began after the message was written.
    if traceparent := traceparent_of(record):
        trace = msgspec.structs.replace(message.trace, traceparent=traceparent)
        message = msgspec.structs.replace(message, trace=trace)
    if "attempt" not in headers:
        return message
    subject = msgspec.structs.replace(message.subject, attempt=_attempt(headers, strict=True))
    return msgspec.structs.replace(message, subject=subject)


def _text(value: bytes, name: str, *, strict: bool = True) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        if not strict:
            return value.decode(errors="replace")
        msg = f"{name} is not UTF-8: {value[:32]!r}"
        raise MessageError(msg) from error


def _attributes(record: Record, *, strict: bool = True) -> dict[str, str]:
    """CloudEvents attributes without their prefix, and content-type; the last of a repeated header counts."""
    return {
        name.removeprefix("ce_"): _text(value, f"the header {name}", strict=strict)
        for name, value in record.headers
        if name.startswith("ce_") or name == "content-type"
    }


def _integer(name: str, text: str, *, low: int, high: int | None = None) -> int:
    wanted = f"a whole number from {low} to {high}" if high is not None else f"a whole number, at least {low}"
    if (
        not text.isascii()
        or not text.isdecimal()
        or int(text[:_MOST_DIGITS]) < low
        or (high is not None and int(text[:_MOST_DIGITS]) > high)
    ):
        msg = f"{name} is {text[:40]!r}"
        raise OptionError(msg, hint=f"{name} takes {wanted}")
    return int(text[:_MOST_DIGITS])


def _choice(name: str, text: str, choices: Iterable[T]) -> T:
    for choice in choices:
        if choice == text:
            return choice
    msg = f"{name} is {text[:40]!r}"
    raise OptionError(msg, hint=f"{name} takes {' or '.join(map(str, choices))}")


def read_weights(name: str, text: str) -> tuple[tuple[str, float], ...]:
    """Read factors by view; whether there is such a view only the ranker knows.

    Parameters
    ----------
    name : str
        What they came in, for an error.
    text : str
        Factors, as ``rhythm=2,timbre=0.5``.

    Returns
    -------
    tuple of (str, float)
        Views and factors.

    Raises
    ------
    OptionError
        It is something else.

    Examples
    --------
    >>> read_weights("weights", "rhythm=2,timbre=0.5")
    (('rhythm', 2.0), ('timbre', 0.5))
    """
    pairs = []
    for part in text.split(","):
        view, _, factor = part.partition("=")
        try:
            pairs.append((view.strip(), float(factor)))
        except ValueError as error:
            msg = f"{name} is {text[:40]!r}"
            raise OptionError(msg, hint=f"{name} takes factors by view, as rhythm=2,timbre=0.5") from error
    return tuple(pairs)


def read_ids(name: str, text: str) -> tuple[str, ...]:
    """Read ids of tracks; whether there are such tracks only the catalogue knows.

    Parameters
    ----------
    name : str
        What they came in, for an error.
    text : str
        A JSON array of strings.

    Returns
    -------
    tuple of str
        Each once, in the order given.

    Raises
    ------
    OptionError
        It is something else.

    Examples
    --------
    >>> read_ids("likes", '["b", "a", "b"]')
    ('b', 'a')
    """
    try:
        return tuple(dict.fromkeys(_ids.decode(text)))
    except (msgspec.DecodeError, UnicodeError) as error:
        msg = f"{name} is {text[:40]!r}"
        raise OptionError(msg, hint=f'{name} takes ids of tracks as a JSON array, such as ["a", "b"]') from error


def check_taste(options: ClipOptions) -> ClipOptions:
    """See that likes and dislikes are not too many, and do not contradict each other.

    Parameters
    ----------
    options : ClipOptions
        What is asked for.

    Returns
    -------
    ClipOptions
        The same.

    Raises
    ------
    OptionError
        There are more than may be, or a track is among both.
    """
    for name, track_ids, most in (
        ("likes", options.likes, LIKES_MAX),
        ("dislikes", options.dislikes, DISLIKES_MAX),
    ):
        if len(track_ids) > most:
            msg = f"{len(track_ids)} {name} are given"
            raise OptionError(msg, hint=f"at most {most}; the newest say most")
    both = sorted({*options.likes} & {*options.dislikes})
    if both:
        msg = f"the track {both[0][:80]!r} is both liked and disliked"
        raise OptionError(msg, hint="name it once")
    return options


def _check_type(topic: Topic, headers: dict[str, str]) -> None:
    types = [EVENT_TYPES[carried] for carried in topic.carries]
    if headers.get("type", types[0]) not in types:
        msg = f"ce_type is {headers['type'][:80]!r}"
        raise MessageError(msg, hint=f"{topic.name} takes {' or '.join(types)}")


def _track_query(record: Record, headers: dict[str, str]) -> TrackQuery:
    if not headers.get("track"):
        msg = "the record asks for songs like a track and has no ce_track"
        raise MessageError(msg, hint="ce_track is the id of a track of the catalogue")
    if record.value:
        msg = f"the record has both a value of {len(record.value)} bytes and ce_track={headers['track'][:80]!r}"
        raise MessageError(msg, hint=f"send a sound as {EVENT_TYPES[ClipSubmitted]}")
    return TrackQuery(
        subject=_clip_subject(record, headers, options=_clip_options(headers)),
        track_id=headers["track"],
        trace=_trace_of(record, headers),
    )


def _is_withdrawal(record: Record, headers: dict[str, str]) -> bool:
    """Whether a record says so, or is a tombstone, which says nothing else."""
    if "type" in headers:
        return headers["type"] == EVENT_TYPES[TrackWithdrawn]
    return record.value is None and "dataref" not in headers


def _track_withdrawn(record: Record, headers: dict[str, str]) -> TrackWithdrawn:
    if not record.key:
        msg = "the record withdraws a track and has no key"
        raise MessageError(msg, hint="the key is the id of the track")
    if record.value or "dataref" in headers:
        msg = f"the record withdraws the track {record.key[:80]!r} and has sound as well"
        raise MessageError(msg, hint=f"send a sound as {EVENT_TYPES[TrackSubmitted]}")
    return TrackWithdrawn(subject=_track_subject(record, headers), trace=_trace_of(record, headers))


def _clip_options(headers: dict[str, str]) -> ClipOptions:
    default = ClipOptions()

    def read(name: str, parse: Callable[[str, str], T], otherwise: T) -> T:
        return parse(f"ce_{name}", headers[name]) if name in headers else otherwise

    def seconds(name: str, text: str) -> float | None:
        return _integer(name, text, low=0) / 1000

    options = ClipOptions(
        k=read("topk", lambda name, text: _integer(name, text, low=1, high=K_MAX), default.k),
        scope=read("scope", lambda name, text: _choice(name, text, get_args(Scope)), default.scope),
        mode=read("mode", lambda name, text: _choice(name, text, get_args(Mode)), default.mode),
        artists=read("artists", lambda name, text: _choice(name, text, get_args(Artists)), default.artists),
        versions=read("versions", lambda name, text: _choice(name, text, get_args(Versioning)), default.versions),
        weights=read("weights", read_weights, default.weights),
        filters=filters.read_filters({name: headers[name] for name in filters.NAMES if name in headers}, prefix="ce_"),
        likes=read("likes", read_ids, default.likes),
        dislikes=read("dislikes", read_ids, default.dislikes),
        start_s=read("startms", seconds, None),
        duration_s=read("durationms", seconds, None),
    )
    return check_taste(options)


def _event_id(record: Record, headers: dict[str, str], *, strict: bool) -> str:
    """Name of an event within its source: said, else the key, else the record's place."""
    if headers.get("id"):
        return headers["id"]
    if record.key:
        return _text(record.key, "the key", strict=strict)
    return f"{record.topic}/{record.partition}/{record.offset}"


def _clip_subject(record: Record, headers: dict[str, str], *, options: ClipOptions, strict: bool = True) -> ClipSubject:
    event_id = _event_id(record, headers, strict=strict)
    return ClipSubject(
        clip_id=f"{headers.get('source') or _DEFAULT_SOURCE}#{event_id}",
        key=_text(record.key, "the key", strict=strict) if record.key else event_id,
        options=options,
        attempt=_attempt(headers, strict=strict),
    )


def _track_subject(record: Record, headers: dict[str, str], *, strict: bool = True) -> TrackSubject:
    event_id = _event_id(record, headers, strict=strict)
    track = Track(
        track_id=_text(record.key, "the key", strict=strict) if record.key else event_id,
        title=headers.get("title", ""),
        artist=headers.get("artist", ""),
        album=headers.get("album", ""),
        isrc=headers.get("isrc", ""),
        musicbrainz_id=headers.get("musicbrainzid", ""),
        year=_year(headers, strict=strict),
        tags=filters.read_tags(headers.get("tags", "")),
        source_uri=_source_uri(headers),
    )
    return TrackSubject(track=track, attempt=_attempt(headers, strict=strict))


def _source_uri(headers: dict[str, str]) -> str:
    """Where a track's file lies: as its publisher says, since a claim check may be of a copy that will be deleted."""
    source, dataref = headers.get("source", ""), headers.get("dataref", "")
    return source if "://" in source or not dataref else dataref


def _year(headers: dict[str, str], *, strict: bool) -> int:
    try:
        return _integer("ce_year", headers["year"], low=0, high=_LAST_YEAR) if headers.get("year") else 0
    except OptionError:
        if strict:
            raise
        return 0


def _attempt(headers: dict[str, str], *, strict: bool) -> int:
    try:
        return _integer("ce_attempt", headers.get("attempt", "1"), low=1)
    except OptionError:
        if strict:
            raise
        return 1


def _trace_of(record: Record, headers: dict[str, str]) -> Trace:
    """Trace of a published record; its time is the publisher's word, else the broker's."""
    try:
        published_ms = float(headers["publishedms"])
    except (KeyError, ValueError):
        published_ms = float(record.timestamp_ms)
    return Trace(traceparent=traceparent_of(record), published_ms=published_ms)
