"""One example of every message, for the golden files.

``python -m tests.contract.examples`` writes the golden files of messages that have none yet; it never changes one.
"""

import base64
import json
from pathlib import Path

import msgspec

from tunekin import codec
from tunekin.messages import (
    INTERNAL_VERSIONS,
    Answer,
    Audio,
    CatalogueChange,
    Classified,
    ClipOptions,
    ClipSubject,
    ClipSubmitted,
    Features,
    Known,
    Label,
    Match,
    Message,
    MoodAnswer,
    MoodShare,
    Partial,
    Problem,
    Recording,
    Scored,
    SearchFacts,
    StageTime,
    Trace,
    Track,
    TrackOutcome,
    TrackQuery,
    TrackSelected,
    TrackSubject,
    TrackSubmitted,
    TrackWithdrawn,
    Versions,
    Why,
    Withdrawal,
)
from tunekin.ports import Record

# JSON has no versions, it only ever gets more fields: how often it has.
_PUBLIC_FORMS = {Answer: 3}

GOLDEN = Path(__file__).parent / "golden"

TRACE = Trace(
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    published_ms=1_790_000_000_000.0,
    stages=(StageTime(stage="ingest", started_ms=1_790_000_000_010.0, took_ms=12.5),),
)
# SHA-256 of the bytes of the clip below.
CLIP_SHA256 = "b589c9f03d18442efa847e499d7995c122a5fd9fa0c6859fcc0370210cdf9e37"
CLIP = ClipSubject(
    clip_id="/phones/kim#clip-1",
    key="clip-1",
    options=ClipOptions(k=3, scope="mood", mode="shortlist", start_s=1.5, duration_s=6.0),
    start_s=1.5,
    duration_s=6.0,
    attempt=2,
)
TRACK = TrackSubject(
    track=Track(
        track_id="8d2f0c1b5e6a7f90",
        title="밤의 산책",
        artist="새벽 네 시",
        album="Night Walks",
        isrc="KRA382600001",
        musicbrainz_id="0e1b0d5c-6a06-4ac4-a3b6-5f3f6fd6e0a1",
        source_uri="file:///music/night.flac",
    )
)
MATCH = Match(
    track_id="8d2f0c1b5e6a7f90",
    title="밤의 산책",
    artist="새벽 네 시",
    album="Night Walks",
    mood=4,
    distance=2.25,
    similarity=0.97,
    clip_span_s=(0.0, 6.0),
    track_span_s=(50.25, 56.5),
    why=(Why(view="timbre", similarity=0.97),),
)

MOOD = MoodAnswer(
    id=4,
    label=Label(ko="새벽 산책", en="walking home at dawn"),
    probability=0.75,
    runner_up=MoodShare(id=1, label=Label(ko="춤", en="dancing"), probability=0.25),
)
SEARCH = SearchFacts(mode="certified", scope="all", candidates=400, compared_in_full=61, proven=True)
VERSIONS = Versions(features="f1", model="default-1", catalogue=12)
CLASSIFIED = Classified(
    subject=CLIP,
    feature_version="f1",
    frames=b"\x00\x3c" * 20,
    summary=(0.5, -1.0),
    model_version="default-1",
    probabilities=(0.75, 0.25),
    trace=TRACE,
    views=b"\x00\x3c" * 3,
    known=Known(
        exclude=("8d2f0c1b5e6a7f90",),
        identified=MATCH,
        search=SEARCH,
        repeats=(("4f1c7be2a9d03586", "8d2f0c1b5e6a7f90"),),
    ),
)

EXAMPLES: dict[str, Message] = {
    "audio": Audio(subject=CLIP, pcm=b"\x00\x00\xff\x7f", sample_rate_hz=22_050, trace=TRACE),
    "features": Features(
        subject=TRACK,
        feature_version="f1",
        frames=b"\x00\x3c" * 20,
        summary=(0.5, -1.0),
        trace=TRACE,
        views=b"\x00\x3c" * 3,
    ),
    "classified": CLASSIFIED,
    "partial": Partial(
        subject=CLIP,
        shard=2,
        shards=3,
        tracks=400,
        mood=MOOD,
        recordings=(Recording(match=MATCH, views=b"\x00\x3c" * 3, probabilities=(0.75, 0.25)),),
        matches=(Scored(match=MATCH, score=0.5, group="새벽 네 시", views=b"\x00\x3c" * 3),),
        search=SEARCH,
        versions=VERSIONS,
        question=CLASSIFIED,
        known=CLASSIFIED.known,
        trace=TRACE,
        repeats=(Scored(match=MATCH, score=0.75, group=None, version_of="8d2f0c1b5e6a7f90"),),
    ),
    "withdrawal": Withdrawal(subject=TRACK, before="classifier", trace=TRACE),
    "track_selected": TrackSelected(subject=CLIP, track_id="8d2f0c1b5e6a7f90", trace=TRACE),
    "answered": Answer(
        clip_id="/phones/kim#clip-1",
        clip_sha256=CLIP_SHA256,
        key="clip-1",
        status="answered",
        mood=MOOD,
        identified=None,
        matches=(MATCH,),
        search=SEARCH,
        timeline=TRACE.timeline(),
        versions=VERSIONS,
        attempt=2,
    ),
    "failed": Answer(
        clip_id="/phones/kim#clip-2",
        key="clip-2",
        status="failed",
        error=Problem(code="audio.empty", message="there are no bytes", hint="record again"),
    ),
    "track_processed": TrackOutcome(
        track_id="8d2f0c1b5e6a7f90", source_uri="file:///music/night.flac", status="added", catalogue_version=12
    ),
    "catalogue_changed": CatalogueChange(track_id="8d2f0c1b5e6a7f90", change="upserted", catalogue_version=12),
    "clip_submitted": ClipSubmitted(subject=CLIP, data=b"RIFF....WAVE", trace=Trace(published_ms=1_790_000_000_000.0)),
    "clip_of_taste": ClipSubmitted(
        subject=msgspec.structs.replace(
            CLIP, options=ClipOptions(likes=("8d2f0c1b5e6a7f90", "밤의 산책, 2"), dislikes=("5e6a7f908d2f0c1b",))
        ),
        data=b"RIFF....WAVE",
        trace=Trace(published_ms=1_790_000_000_000.0),
    ),
    "track_query": TrackQuery(subject=CLIP, track_id="8d2f0c1b5e6a7f90", trace=Trace(published_ms=1_790_000_000_000.0)),
    "track_submitted": TrackSubmitted(subject=TRACK, data=b"fLaC....", trace=Trace(published_ms=1_790_000_000_000.0)),
    "track_withdrawn": TrackWithdrawn(
        subject=TrackSubject(track=Track(track_id="8d2f0c1b5e6a7f90", source_uri="file:///music/night.flac")),
        trace=Trace(published_ms=1_790_000_000_000.0),
    ),
}


def golden_path(name: str) -> Path:
    """File of an example in the version that this code writes."""
    message = EXAMPLES[name]
    version = (INTERNAL_VERSIONS | _PUBLIC_FORMS).get(type(message), 1)  # type: ignore[arg-type]
    return GOLDEN / f"{name}.v{version}.json"


def to_document(record: Record) -> str:
    """A record as JSON that people can read, its value in Base64 unless it is text."""
    value = record.value or b""
    try:
        shown = {"value_utf8": value.decode()}
    except UnicodeDecodeError:
        shown = {"value_base64": base64.b64encode(value).decode()}
    headers = [[name, header.decode()] for name, header in record.headers]
    document = {"topic": record.topic, "key": (record.key or b"").decode(), "headers": headers, **shown}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def from_document(text: str) -> Record:
    """The record that `to_document` wrote."""
    document = json.loads(text)
    value = document["value_utf8"].encode() if "value_utf8" in document else base64.b64decode(document["value_base64"])
    return Record(
        topic=document["topic"],
        key=document["key"].encode(),
        value=value,
        headers=tuple((name, header.encode()) for name, header in document["headers"]),
    )


def main() -> None:
    """Write the golden files that are missing."""
    for name, message in EXAMPLES.items():
        path = golden_path(name)
        if not path.exists():
            path.write_text(to_document(codec.encode(message)), encoding="utf-8")


if __name__ == "__main__":
    main()
