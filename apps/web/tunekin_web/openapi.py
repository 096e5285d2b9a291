"""The API's own description, OpenAPI 3.1: the answer's schema comes from its type, so the two cannot part."""

from typing import Any

import msgspec

import tunekin
from tunekin.messages import Answer
from tunekin_web.playlist import KINDS
from tunekin_web.settings import WebSettings

__all__ = ["document"]

_TEXT: dict[str, Any] = {"type": "string"}
_NUMBER: dict[str, Any] = {"type": "number"}
_COUNT: dict[str, Any] = {"type": "integer"}
_VERDICT: dict[str, Any] = {"enum": ["like", "dislike"]}
_IDS: dict[str, Any] = {"type": "array", "items": _TEXT}
_COUNTS: dict[str, Any] = {"type": "object", "additionalProperties": _COUNT}
_WORDS = {"type": "object", "properties": {"ko": _TEXT, "en": _TEXT}, "required": ["ko", "en"]}


def document(settings: WebSettings) -> dict[str, Any]:
    """Describe the API.

    Parameters
    ----------
    settings : WebSettings
        Limits, which the description names.

    Returns
    -------
    dict
        The OpenAPI document.
    """
    answers, schemas = msgspec.json.schema_components([Answer], ref_template="#/components/schemas/{name}")
    schemas["Answer"]["properties"].pop("key", None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tunekin",
            "version": tunekin.__version__,
            "summary": "Songs of your own catalogue that sound like what you hear, and their moods.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": _paths(settings),
        "components": {
            "schemas": schemas | _schemas(answers[0]),
            "responses": {
                "Problem": _content(
                    "What was wrong, and what would be right.", {"$ref": "#/components/schemas/Problems"}
                )
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _schemas(answer: dict[str, Any]) -> dict[str, Any]:
    song = {
        "track_id": _TEXT,
        "title": _TEXT,
        "artist": _TEXT,
        "album": _TEXT,
        "duration_s": _NUMBER,
        "isrc": _TEXT,
        "musicbrainz_id": _TEXT,
        "year": _COUNT,
        "tags": {"type": "array", "items": _TEXT},
        "playable": {"type": "boolean"},
    }
    return {
        "Problems": _object({"error": _object({"code": _TEXT, "message": _TEXT, "hint": _TEXT})}),
        "Song": _object(song),
        "Songs": _object({"tracks": {"type": "array", "items": {"$ref": "#/components/schemas/Song"}}}),
        "Taste": _object(
            {name: {"type": "array", "items": _object(song | {"at_ms": _COUNT})} for name in ("likes", "dislikes")}
        ),
        "Opinion": _object({"track_id": _TEXT, "verdict": _VERDICT, "at_ms": _COUNT}),
        "Forgotten": _object({"forgotten": _COUNT}),
        "Ticket": _object({"ticket": _TEXT, "answer": _TEXT, "events": _TEXT}),
        "State": _object(
            {
                "status": {"enum": ["waiting", "done"]},
                "stages": {"type": "array", "items": _TEXT},
                "answer": {"anyOf": [answer, {"type": "null"}]},
            }
        ),
        "Moods": _object(
            {
                "moods": {
                    "type": "array",
                    "items": _object({"id": _COUNT, "label": _WORDS, "description": _WORDS, "tracks": _COUNT}),
                }
            }
        ),
        "Map": _object(
            {
                "songs": {
                    "type": "array",
                    "items": _object(
                        {
                            "track_id": _TEXT,
                            "title": _TEXT,
                            "artist": _TEXT,
                            "mood": {"type": ["integer", "null"]},
                            "x": _NUMBER,
                            "y": _NUMBER,
                        }
                    ),
                },
                "of": _COUNT,
            }
        ),
        "Installation": _object(
            {
                "groups": {
                    "type": "array",
                    "items": _object(
                        {
                            "group": _TEXT,
                            "workers": _COUNT,
                            "hosts": {"type": "array", "items": _TEXT},
                            "behind": _COUNTS,
                            "came": _COUNTS,
                        }
                    ),
                },
                "last_minute": _COUNTS,
            }
        ),
        "DeadLetter": {
            "type": "object",
            "properties": {
                **dict.fromkeys(("letter", "topic", "stage", "code", "message", "hint", "failed_at"), _TEXT),
                **dict.fromkeys(("partition", "offset", "timestamp_ms", "attempt"), _COUNT),
                "key": {"type": ["string", "null"]},
                "key_base64": _TEXT,
                "bytes": {"type": ["integer", "null"]},
                "headers": {
                    "type": "array",
                    "items": {"type": "object", "properties": {"name": _TEXT, "value": _TEXT, "base64": _TEXT}},
                },
            },
        },
        "DeadLetters": _object(
            {
                "letters": {"type": "array", "items": {"$ref": "#/components/schemas/DeadLetter"}},
                "more": {"type": "boolean"},
                "errors": _COUNTS,
                "stages": _COUNTS,
            }
        ),
        "Status": _object(
            {"tracks": _COUNT, "catalogue": _COUNT, "max_clip_bytes": _COUNT, "waiting": _COUNT, "version": _TEXT}
        ),
    }


def _paths(settings: WebSettings) -> dict[str, Any]:
    options = [
        _query("k", _COUNT | {"minimum": 1, "maximum": 100, "default": 5}, "Songs wanted."),
        _query("scope", {"enum": ["all", "mood"], "default": "all"}, "The whole catalogue, or the clip's mood only."),
        _query("mode", {"enum": ["certified", "shortlist"], "default": "certified"}, "Proven, or as proposed."),
        _query("artists", {"enum": ["one", "any"], "default": "one"}, "At most one song of an artist, or any number."),
        _query("versions", {"enum": ["one", "any"], "default": "one"}, "One version of a recording, or any number."),
        _query("weights", _TEXT, "Factors of the views' weights, as rhythm=2,timbre=0.5."),
        _query("moods", _TEXT, "Only songs of these moods, by number, as 2,5."),
        _query("tempo", _TEXT, "Only songs of this tempo in beats a minute, as 90-120, 90- or -120."),
        _query("years", _TEXT, "Only songs of these years, as 1990-1999, 1990- or 1994."),
        _query("tags", _TEXT, "Only songs with one of these tags, as jazz,blues."),
        _query(
            "taste",
            {"enum": ["mine", "none"], "default": "mine"},
            "Whether the answer follows what the cookie's holder likes and dislikes.",
        ),
        _query("like", _IDS, "Ids of songs that are liked, in place of what the cookie's holder likes."),
        _query("dislike", _IDS, "Ids of songs that are disliked, likewise."),
        _query("start", _NUMBER, "Where the part that is meant begins, in seconds."),
        _query("duration", _NUMBER, "How long it is, in seconds."),
    ]
    limit = _query("limit", _COUNT | {"minimum": 1, "maximum": 100, "default": 20}, "Most songs.")
    track, ticket = _path("track_id", _TEXT), _path("ticket", _TEXT)
    kind = _path("kind", {"enum": list(KINDS)})
    binary = {"description": f"A sound file of at most {settings.max_clip_bytes} bytes.", "required": True}
    return {
        "/openapi.json": {"get": _operation("This document.", {"type": "object"})},
        "/status": {"get": _operation("What there is, and what waits.", _ref("Status"))},
        "/clips": {
            "post": _operation("Ask about a recording.", _ref("Ticket"), parameters=options, status="202")
            | {"requestBody": binary | {"content": {"*/*": {}}}}
        },
        "/clips/{ticket}": {"get": _operation("How far a question is.", _ref("State"), parameters=[ticket])},
        "/clips/{ticket}/events": {
            "get": _operation("Follow it: events `stage`, then `answer`.", None, parameters=[ticket])
        },
        "/clips/{ticket}/playlist.{kind}": {
            "get": _operation("The answer's songs for other players.", None, parameters=[ticket, kind])
        },
        "/moods/{mood}/playlist.{kind}": {
            "get": _operation(
                "A mood's songs for other players.", None, parameters=[_path("mood", _COUNT), kind, limit]
            )
        },
        "/moods": {"get": _operation("All moods.", _ref("Moods"))},
        "/moods/{mood}/tracks": {
            "get": _operation(
                "Songs of a mood.",
                _ref("Songs"),
                parameters=[
                    _path("mood", _COUNT),
                    _query(
                        "order", {"enum": ["typical", "surprise"], "default": "typical"}, "Typical first, or by lot."
                    ),
                    limit,
                    _query("seed", _COUNT, "Fixes what is drawn by lot."),
                ],
            )
        },
        "/search": {
            "get": _operation(
                "Songs by name.", _ref("Songs"), parameters=[_query("q", _TEXT, "Part of a name, or misspelt."), limit]
            )
        },
        "/map": {"get": _operation("Songs with places: what sounds alike lies near.", _ref("Map"))},
        "/tracks/{track_id}": {
            "get": _operation("One song.", _ref("Song"), parameters=[track]),
            "delete": _removal(track) | {"security": [{"token": []}]},
        },
        "/tracks/{track_id}/similar": {
            "post": _operation(
                "Ask about a song of the catalogue.", _ref("Ticket"), parameters=[track, *options], status="202"
            )
        },
        "/taste": {
            "get": _operation(
                "What the cookie's holder likes and dislikes, the newest first.",
                _ref("Taste"),
                parameters=[_query("download", {"type": "string"}, "Where it is given, to be saved as a file.")],
            ),
            "delete": _operation("Forget all of it, and the cookie.", _ref("Forgotten")),
        },
        "/taste/{track_id}": {
            "put": _operation(
                "Like or dislike a song; the first time a cookie is set.", _ref("Opinion"), parameters=[track]
            )
            | {
                "requestBody": {"required": True}
                | {"content": {"application/json": {"schema": _object({"verdict": _VERDICT})}}}
            },
            "delete": _operation("Forget what was thought of it.", _ref("Forgotten"), parameters=[track]),
        },
        "/tracks/{track_id}/audio": {"get": _operation("Its sound file, or a range of it.", None, parameters=[track])},
        **_operators_paths(),
    }


def _operators_paths() -> dict[str, Any]:
    """Describe what operators may ask of `tunekin serve --kafka`, with the token."""
    place = [_path("topic", _TEXT), _path("partition", _COUNT), _path("offset", _COUNT)]
    letter = "/ops/dead-letters/{topic}/{partition}/{offset}"
    wanted = _object({"letters": {"type": "array", "items": _TEXT, "minItems": 1}})
    with_whole = wanted | {"properties": wanted["properties"] | {"whole": {"type": "boolean", "default": False}}}
    choices = [
        _query("error", _TEXT, "Those with this code of error."),
        _query("stage", _TEXT, "Those that this role gave up."),
        _query("since", _TEXT, "Those that failed since then: 2h, 1d or a time in ISO 8601."),
        _query("until", _TEXT, "Those that failed until then."),
        _query("limit", _COUNT | {"minimum": 1, "maximum": 500, "default": 100}, "Most letters, the newest first."),
    ]
    paths = {
        "/ops/status": {"get": _operation("Workers, what waits, what has come.", _ref("Installation"))},
        "/ops/dead-letters": {
            "get": _operation("Records that failed, the newest first.", _ref("DeadLetters"), parameters=choices)
        },
        "/ops/dead-letters/replay": {
            "post": _operation("Send records again, each as its next attempt.", _object({"replayed": _COUNT}))
            | {"requestBody": _content("Which, and whether they begin anew at `clips`.", with_whole)}
        },
        "/ops/dead-letters/purge": {
            "post": _operation("Forget records.", _object({"purged": _COUNT}))
            | {"requestBody": _content("Which.", with_whole)}
        },
        letter: {"get": _operation("One record that failed.", _ref("DeadLetter"), parameters=place)},
        f"{letter}/value": {"get": _operation("Its value, byte for byte.", None, parameters=place)},
    }
    return {
        path: {method: said | {"security": [{"token": []}]} for method, said in methods.items()}
        for path, methods in paths.items()
    }


def _removal(track: dict[str, Any]) -> dict[str, Any]:
    said = _operation("Take it out of the catalogue.", _object({"catalogue": _COUNT}), parameters=[track])
    under_way = _content("On its way out, behind what was published before.", _object({"catalogue": {"type": "null"}}))
    return said | {"responses": said["responses"] | {"202": under_way}}


def _operation(
    summary: str,
    schema: dict[str, Any] | None,
    *,
    parameters: list[dict[str, Any]] | None = None,
    status: str = "200",
) -> dict[str, Any]:
    done = {"description": "Done."} if schema is None else _content("Done.", schema)
    responses = {status: done, "default": {"$ref": "#/components/responses/Problem"}}
    return {"summary": summary, "responses": responses} | ({"parameters": parameters} if parameters else {})


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}
