"""The contract of every topic as an AsyncAPI 3.0 document, for programs and code generators.

Made from the table of topics and the messages themselves, so it says what the code does. ``deploy/asyncapi.yaml`` is
what this module made of the released code.
"""

import inspect
import re
from typing import Any

import msgspec

import tunekin
from tunekin.codec import DISLIKES_MAX, EVENT_TYPES, K_MAX, LIKES_MAX
from tunekin.filters import NAMES
from tunekin.messages import (
    INTERNAL_VERSIONS,
    Answer,
    CatalogueChange,
    ClipSubmitted,
    Message,
    TrackOutcome,
    TrackQuery,
    TrackSubmitted,
    TrackWithdrawn,
)
from tunekin.topics import DEAD_LETTERS, TOPICS, Topic

__all__ = ["HEADERS", "document"]

_INTEGER = r"^[0-9]{1,18}$"

HEADERS: dict[str, tuple[str, dict[str, Any]]] = {
    "content-type": ("what the value is; of sound the bytes decide", {}),
    "ce_specversion": ("version of CloudEvents", {"const": "1.0"}),
    "ce_id": ("name of the event within its source; without it the record's key, else topic/partition/offset", {}),
    "ce_source": ("who published; of a track where its file lies", {"default": "/tunekin"}),
    "ce_type": (
        "type of the event; without it the first that the topic carries, of a tombstone tunekin.track.withdrawn",
        {},
    ),
    "ce_dataref": ("URI of the sound, where it is too large for a record; the value is empty then", {"format": "uri"}),
    "ce_datasha256": ("SHA-256 of what the URI names; unchecked without it", {"pattern": "^[0-9a-f]{64}$"}),
    "ce_datasize": ("its length in bytes; unchecked without it", {"pattern": _INTEGER}),
    "ce_traceparent": ("W3C trace context; without it that of the header traceparent", {}),
    "ce_publishedms": ("milliseconds since 1970; without it the record's timestamp", {}),
    "ce_attempt": ("attempt, 1 and up", {"pattern": _INTEGER, "default": "1"}),
    "ce_track": ("id of the track to start from, in place of sound", {}),
    "ce_topk": (f"matches wanted, 1 to {K_MAX}", {"pattern": _INTEGER, "default": "5"}),
    "ce_scope": ("the whole catalogue, or the clip's mood only", {"enum": ["all", "mood"], "default": "all"}),
    "ce_mode": (
        "whether the answer has to be proven",
        {"enum": ["certified", "shortlist"], "default": "certified"},
    ),
    "ce_artists": (
        "whether an artist has at most one match",
        {"enum": ["one", "any"], "default": "one"},
    ),
    "ce_versions": (
        "whether versions of one recording have at most one match",
        {"enum": ["one", "any"], "default": "one"},
    ),
    "ce_weights": ("factors of the views' weights, as rhythm=2,timbre=0.5; 1 each", {}),
    "ce_moods": ("only songs of these moods, by number, as 2,5", {}),
    "ce_tempo": ("only songs of this tempo in beats a minute, as 90-120, 90- or -120", {}),
    "ce_years": ("only songs of these years, as 1990-1999, 1990- or 1994", {}),
    "ce_tags": ("of a clip: only songs with one of these tags, as jazz,blues; of a song: its tags", {}),
    "ce_likes": (f"ids of at most {LIKES_MAX} tracks that the listener likes, as a JSON array; none", {}),
    "ce_dislikes": (f"ids of at most {DISLIKES_MAX} tracks that the listener dislikes, as a JSON array; none", {}),
    "ce_startms": ("start of the part that is meant, in milliseconds", {"pattern": _INTEGER}),
    "ce_durationms": ("its length, in milliseconds", {"pattern": _INTEGER}),
    "ce_title": ("title; without it the file's tags tell", {}),
    "ce_artist": ("artist", {}),
    "ce_album": ("album", {}),
    "ce_isrc": ("International Standard Recording Code", {}),
    "ce_musicbrainzid": ("MusicBrainz id of the recording", {}),
    "ce_year": ("year that it is from", {"pattern": _INTEGER}),
    "dl_topic": ("topic that the record came from", {}),
    "dl_partition": ("its partition there", {"pattern": _INTEGER}),
    "dl_offset": ("its offset there", {"pattern": _INTEGER}),
    "dl_key": ("its key", {}),
    "dl_headers": ("how many headers it had; they are the first ones", {"pattern": _INTEGER}),
    "dl_timestamp_ms": ("milliseconds since 1970 at which it was written", {"pattern": _INTEGER}),
    "dl_stage": ("role that gave up", {}),
    "dl_attempt": ("attempt that failed", {"pattern": _INTEGER}),
    "dl_null": ("1 where the record had no value, which is not an empty one", {"const": "1"}),
    "dl_code": ("code of the error", {}),
    "dl_message": ("what was wrong", {}),
    "dl_hint": ("what would be right", {}),
    "dl_failed_ms": ("milliseconds since 1970 at which it failed", {"pattern": _INTEGER}),
}

_EVENT = ("content-type", "ce_specversion", "ce_id", "ce_source", "ce_type")
_FOLLOWING = (*_EVENT, "ce_traceparent")
_PUBLISHED = ("ce_traceparent", "ce_publishedms", "ce_attempt")
_CLAIM = ("ce_dataref", "ce_datasha256", "ce_datasize")
_PART = ("ce_startms", "ce_durationms")
_FILTERS = tuple(f"ce_{name}" for name in NAMES)
_TASTE = ("ce_likes", "ce_dislikes")
_OPTIONS = ("ce_topk", "ce_scope", "ce_mode", "ce_artists", "ce_versions", "ce_weights", *_FILTERS, *_TASTE, *_PART)
_HEADERS_OF: dict[type[Message], tuple[str, ...]] = {
    ClipSubmitted: (*_EVENT, *_PUBLISHED, *_CLAIM, *_OPTIONS),
    TrackQuery: (*_EVENT, *_PUBLISHED, "ce_track", *_OPTIONS),
    TrackSubmitted: (
        *_EVENT,
        *_PUBLISHED,
        *_CLAIM,
        *("ce_title", "ce_artist", "ce_album", "ce_isrc", "ce_musicbrainzid", "ce_year", "ce_tags"),
    ),
    TrackWithdrawn: (*_EVENT, *_PUBLISHED),
    Answer: _FOLLOWING,
    TrackOutcome: _FOLLOWING,
    CatalogueChange: _FOLLOWING,
}
_REQUIRED: dict[type[Message], tuple[str, ...]] = {TrackQuery: ("ce_type", "ce_track")}
# What other programs may send; the rest of the public topics they only read.
_SENT_BY_OTHERS = ("clips", "catalog.ingest")


def document() -> dict[str, Any]:
    """Describe every topic.

    Returns
    -------
    dict
        An AsyncAPI 3.0 document: channels, operations, messages and schemas; plain values only.
    """
    carried = dict.fromkeys(message for topic in TOPICS.values() for message in topic.carries)
    messages = {message.__name__: _message(message) for message in carried} | {"DeadLetter": _dead_letter()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tunekin",
            "version": tunekin.__version__,
            "description": "Clips in, moods and similar songs out. Names of topics may have an operator's prefix.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS.values()},
        "operations": {f"{action} {name}": _operation(name, action) for name, action in _operations()},
        "components": {
            "messages": messages,
            "schemas": {name: _tidied(schema) for name, schema in _schemas().items()},
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    names = [message.__name__ for message in topic.carries] or ["DeadLetter"]
    topic_configuration = {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": -1 if topic.retention_ms is None else topic.retention_ms,
        "max.message.bytes": topic.max_record_bytes,
    }
    return {
        "address": topic.name,
        "description": f"{'Public' if topic.public else 'Internal'}; the key is the {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": topic_configuration,
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations() -> list[tuple[str, str]]:
    """Operations of Tunekin on public topics, as (topic, action)."""
    public = [topic.name for topic in TOPICS.values() if topic.public]
    return [(name, "receive" if name in _SENT_BY_OTHERS else "send") for name in public]


def _operation(name: str, action: str) -> dict[str, Any]:
    # A slash in a JSON pointer would have to be escaped; topics have none.
    return {"action": action, "channel": {"$ref": f"#/channels/{name}"}}


def _message(message: type[Message]) -> dict[str, Any]:
    described: dict[str, Any] = {"name": message.__name__, "summary": _summary(message)}
    if message in INTERNAL_VERSIONS:
        return described | {
            "contentType": "application/msgpack",
            "description": f"An array of type name, version (now {INTERNAL_VERSIONS[message]}) and body.",
            "headers": _headers(("ce_traceparent", "ce_attempt", *_CLAIM)),
            "payload": {"type": "array"},
        }
    is_json = message in {Answer, TrackOutcome, CatalogueChange}
    payload = (
        {"$ref": f"#/components/schemas/{message.__name__}"} if is_json else {"type": "string", "format": "binary"}
    )
    return described | {
        "name": EVENT_TYPES[message],
        "contentType": "application/json" if is_json else "application/octet-stream",
        "headers": _headers(_HEADERS_OF[message], required=_REQUIRED.get(message, ())),
        "payload": payload,
    }


def _dead_letter() -> dict[str, Any]:
    added = tuple(name for name in HEADERS if name.startswith("dl_"))
    return {
        "name": "DeadLetter",
        "summary": f"A failed record as it was, on {DEAD_LETTERS}, with headers that say what happened.",
        "contentType": "application/octet-stream",
        "headers": _headers(
            added, required=tuple(name for name in added if name not in {"dl_key", "dl_hint", "dl_null"})
        ),
        "payload": {"type": "string", "format": "binary"},
    }


def _headers(names: tuple[str, ...], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    properties = {
        name: {"type": "string", "description": HEADERS[name][0], **HEADERS[name][1]} for name in dict.fromkeys(names)
    }
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def _schemas() -> dict[str, Any]:
    (_, schemas) = msgspec.json.schema_components(
        [Answer, TrackOutcome, CatalogueChange], ref_template="#/components/schemas/{name}"
    )
    # The record's key says it.
    del schemas["Answer"]["properties"]["key"]
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(schemas))
    return plain


def _summary(thing: type) -> str:
    return (inspect.getdoc(thing) or "").splitlines()[0]


def _tidied(schema: dict[str, Any]) -> dict[str, Any]:
    """Give the properties of a schema the sentences that the class's docstring has for its attributes."""
    text = inspect.cleandoc(schema.get("description", ""))
    summary, _, rest = text.partition("\n")
    said = dict(re.findall(r"^([a-z0-9_, ]+) : [^\n]*\n((?: {4}[^\n]*\n?)+)", rest, re.MULTILINE))
    sentences = {
        name.strip(): " ".join(sentence.split()) for names, sentence in said.items() for name in names.split(",")
    }
    properties = {
        name: {"description": sentences[name], **value} if name in sentences and "$ref" not in value else value
        for name, value in schema.get("properties", {}).items()
    }
    return {**schema, "description": summary, "properties": properties}
