"""Records that other programs publish: what is missing has a default, what is wrong is said."""

import contextlib
import hashlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunekin import codec
from tunekin.errors import MessageError, OptionError, TunekinError, UnsupportedVersionError
from tunekin.messages import (
    Answer,
    Audio,
    ClipOptions,
    ClipSubject,
    ClipSubmitted,
    Filters,
    Track,
    TrackQuery,
    TrackSubject,
    TrackSubmitted,
    TrackWithdrawn,
)
from tunekin.ports import ClaimCheck, Record
from tunekin.topics import TOPICS, topic_for


def clip(headers: dict[str, str] | None = None, *, key: bytes | None = b"k", value: bytes | None = b"data") -> Record:
    """A record on ``clips`` as a foreign producer would write it."""
    return Record(
        topic="clips",
        key=key,
        value=value,
        headers=tuple((name, text.encode()) for name, text in (headers or {}).items()),
        partition=3,
        offset=42,
        timestamp_ms=1_000,
    )


def decoded_clip(record: Record) -> ClipSubmitted:
    message = codec.decode(record)
    assert isinstance(message, ClipSubmitted)
    return message


def test_a_bare_sound_file_is_a_complete_clip() -> None:
    message = decoded_clip(clip())
    assert message.subject == ClipSubject(
        clip_id="/tunekin#k", key="k", sha256=hashlib.sha256(b"data").hexdigest(), options=ClipOptions()
    )
    assert message.trace.published_ms == 1_000


def test_a_clip_without_id_and_key_is_named_by_its_place() -> None:
    subject = decoded_clip(clip(key=None)).subject
    assert (subject.clip_id, subject.key) == ("/tunekin#clips/3/42", "clips/3/42")


def test_source_and_id_together_name_the_clip() -> None:
    subject = decoded_clip(clip({"ce_source": "/app", "ce_id": "7"})).subject
    assert (subject.clip_id, subject.key) == ("/app#7", "k")


def test_options_travel_in_headers() -> None:
    headers = {
        "ce_topk": "3",
        "ce_scope": "mood",
        "ce_mode": "shortlist",
        "ce_startms": "1500",
        "ce_durationms": "6000",
        "ce_weights": "rhythm=2, timbre=0.5",
        "ce_likes": '["b", "a", "b"]',
        "ce_dislikes": '["밤의 산책"]',
    }
    assert decoded_clip(clip(headers)).subject.options == ClipOptions(
        k=3,
        scope="mood",
        mode="shortlist",
        start_s=1.5,
        duration_s=6.0,
        weights=(("rhythm", 2.0), ("timbre", 0.5)),
        likes=("b", "a"),
        dislikes=("밤의 산책",),
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ce_topk", "five", "a whole number from 1 to 100"),
        ("ce_topk", "0", "a whole number from 1 to 100"),
        ("ce_topk", "101", "a whole number from 1 to 100"),
        ("ce_topk", "-1", "a whole number from 1 to 100"),
        ("ce_topk", "9" * 5000, "a whole number from 1 to 100"),
        ("ce_topk", "٣", "a whole number from 1 to 100"),
        ("ce_scope", "everything", "all or mood"),
        ("ce_mode", "fast", "shortlist or certified"),
        ("ce_artists", "all", "one or any"),
        ("ce_startms", "1.5", "a whole number, at least 0"),
        ("ce_weights", "rhythm", "factors by view, as rhythm=2,timbre=0.5"),
        ("ce_moods", "calm", "numbers of moods, separated by commas, as 2,5"),
        ("ce_tempo", "fast", "a range, as 90-120, 90- or -120, or one number"),
        ("ce_tempo", "120-90", "a range"),
        ("ce_years", "the 1990s", "a range, as 1990-1999"),
        ("ce_likes", "a,b", 'ids of tracks as a JSON array, such as ["a", "b"]'),
        ("ce_dislikes", '["a", 2]', 'ids of tracks as a JSON array, such as ["a", "b"]'),
        ("ce_dislikes", '{"a": 1}', 'ids of tracks as a JSON array, such as ["a", "b"]'),
        ("ce_attempt", "0", "a whole number, at least 1"),
    ],
)
def test_an_impossible_option_is_refused_with_what_would_be_right(name: str, value: str, hint: str) -> None:
    with pytest.raises(OptionError) as caught:
        codec.decode(clip({name: value}))
    assert name in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(("name", "most"), [("likes", codec.LIKES_MAX), ("dislikes", codec.DISLIKES_MAX)])
def test_of_likes_and_dislikes_there_may_be_so_many(name: str, most: int) -> None:
    ids = [f"t{number}" for number in range(most + 1)]
    assert getattr(decoded_clip(clip({f"ce_{name}": json.dumps(ids[1:])})).subject.options, name) == tuple(ids[1:])
    with pytest.raises(OptionError, match=f"{most + 1} {name} are given") as caught:
        codec.decode(clip({f"ce_{name}": json.dumps(ids)}))
    assert f"at most {most}" in caught.value.hint


def test_a_track_is_not_both_liked_and_disliked() -> None:
    with pytest.raises(OptionError, match="'b' is both liked and disliked"):
        codec.decode(clip({"ce_likes": '["a", "b"]', "ce_dislikes": '["b"]'}))


def test_a_track_can_be_asked_for_in_place_of_sound() -> None:
    headers = {"ce_type": "tunekin.query.track", "ce_track": "t1", "ce_startms": "30000", "ce_topk": "3"}
    message = codec.decode(clip(headers, value=None))
    assert isinstance(message, TrackQuery)
    assert message.track_id == "t1"
    assert message.subject == ClipSubject(clip_id="/tunekin#k", key="k", options=ClipOptions(k=3, start_s=30.0))


@pytest.mark.parametrize(
    ("headers", "value", "match", "hint"),
    [
        ({"ce_type": "tunekin.query.track"}, b"", "has no ce_track", "id of a track"),
        ({"ce_type": "tunekin.query.track", "ce_track": "t"}, b"x", "both a value of 1 bytes", "clip.submitted"),
        ({"ce_type": "com.example.clip"}, b"x", "ce_type is 'com.example.clip'", "clip.submitted or tunekin.query.tr"),
    ],
)
def test_a_record_whose_type_and_content_do_not_agree_is_refused(headers, value, match, hint) -> None:
    with pytest.raises(MessageError, match=match) as caught:
        codec.decode(clip(headers, value=value))
    assert hint in caught.value.hint


def test_a_record_with_an_impossible_option_still_says_whose_it_is() -> None:
    subject = codec.subject_of(clip({"ce_topk": "five", "ce_id": "7", "ce_attempt": "x"}))
    assert subject == ClipSubject(clip_id="/tunekin#7", key="k")


def test_tags_of_a_track_travel_in_headers() -> None:
    record = Record(
        topic="catalog.ingest",
        key=b"t1",
        value=b"fLaC",
        headers=(("ce_title", "밤의 산책".encode()), ("ce_artist", b"A"), ("ce_musicbrainzid", b"m")),
    )
    message = codec.decode(record)
    assert isinstance(message, TrackSubmitted)
    track = message.subject.track
    assert (track.track_id, track.title, track.artist, track.musicbrainz_id) == ("t1", "밤의 산책", "A", "m")


def ingest(headers: dict[str, str], *, key: bytes | None = b"t1", value: bytes | None = None) -> Record:
    """A record on ``catalog.ingest`` as a foreign producer would write it."""
    pairs = tuple((name, text.encode()) for name, text in headers.items())
    return Record(topic="catalog.ingest", key=key, value=value, headers=pairs, timestamp_ms=1_000)


@pytest.mark.parametrize(
    ("headers", "value"),
    [({}, None), ({"ce_type": "tunekin.track.withdrawn"}, b""), ({"ce_type": "tunekin.track.withdrawn"}, None)],
    ids=["tombstone", "typed", "typed tombstone"],
)
def test_a_tombstone_or_a_type_withdraws_a_track(headers: dict[str, str], value: bytes | None) -> None:
    message = codec.decode(ingest(headers, value=value))
    assert isinstance(message, TrackWithdrawn)
    assert message.subject.track.track_id == "t1"
    assert message.trace.published_ms == 1_000


@pytest.mark.parametrize(
    ("record", "match", "hint"),
    [
        (ingest({}, key=None), "has no key", "the id of the track"),
        (ingest({"ce_type": "tunekin.track.withdrawn"}, value=b"x"), "has sound as well", "tunekin.track.submitted"),
    ],
)
def test_a_withdrawal_of_nothing_or_with_sound_is_refused(record: Record, match: str, hint: str) -> None:
    with pytest.raises(MessageError, match=match) as caught:
        codec.decode(record)
    assert hint in caught.value.hint


@pytest.mark.parametrize("headers", [{"ce_dataref": "file:///a.mp3"}, {"ce_type": "tunekin.track.submitted"}])
def test_a_track_without_a_value_of_its_own_is_no_tombstone(headers: dict[str, str]) -> None:
    assert isinstance(codec.decode(ingest(headers)), TrackSubmitted)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("file:///music/a.flac", "file:///music/a.flac"),
        ("/my/app", "s3://blobs/copy"),
        (None, "s3://blobs/copy"),
    ],
)
def test_a_track_lies_where_its_publisher_says_else_where_its_sound_was_fetched(source: str | None, place: str) -> None:
    said = {"ce_dataref": "s3://blobs/copy"} | ({} if source is None else {"ce_source": source})
    message = codec.decode(ingest(said))
    assert isinstance(message, TrackSubmitted)
    assert message.subject.track.source_uri == place


def test_year_and_tags_of_a_track_travel_in_headers() -> None:
    track = Track(track_id="t1", year=1994, tags=("Hip Hop", "서울"))
    sent = codec.encode(TrackSubmitted(subject=TrackSubject(track=track), data=b"fLaC"))
    read = codec.decode(sent)
    assert isinstance(read, TrackSubmitted)
    assert (read.subject.track.year, read.subject.track.tags) == (1994, ("Hip Hop", "서울"))
    wrong = Record(topic="catalog.ingest", key=b"t1", value=b"x", headers=(("ce_year", b"last year"),))
    with pytest.raises(OptionError, match="ce_year is 'last year'"):
        codec.decode(wrong)
    assert isinstance(codec.subject_of(wrong), TrackSubject)


def test_filters_of_a_clip_travel_in_headers() -> None:
    filters = Filters(moods=(2, 5), tempo_bpm=(90.0, 120.5), years=(None, 1999.0), tags=("jazz", "bossa nova"))
    subject = ClipSubject(clip_id="/tunekin#k", key="k", options=ClipOptions(filters=filters))
    sent = codec.encode(TrackQuery(subject=subject, track_id="t"))
    assert ("ce_years", b"-1999") in sent.headers
    read = codec.decode(sent)
    assert isinstance(read, TrackQuery)
    assert read.subject.options.filters == filters


def test_a_header_that_is_not_utf8_is_refused() -> None:
    record = Record(topic="catalog.ingest", key=b"t1", value=b"x", headers=(("ce_title", b"\xff\xfe"),))
    with pytest.raises(MessageError, match="ce_title is not UTF-8"):
        codec.decode(record)
    assert isinstance(codec.subject_of(record), TrackSubject)


def test_a_claim_check_says_where_the_value_is() -> None:
    headers = {"ce_dataref": "s3://bucket/song.flac", "ce_datasha256": "ab", "ce_datasize": "12"}
    assert codec.claim_of(clip(headers, value=b"")) == ClaimCheck(
        uri="s3://bucket/song.flac", sha256="ab", size_bytes=12
    )
    assert codec.claim_of(clip()) is None


def test_a_record_with_a_value_and_a_claim_check_is_refused() -> None:
    with pytest.raises(MessageError, match="both a value of 4 bytes and ce_dataref"):
        codec.claim_of(clip({"ce_dataref": "s3://bucket/song.flac"}))


def test_a_message_of_a_newer_version_waits_for_the_upgrade() -> None:
    record = codec.encode(Audio(subject=ClipSubject(clip_id="a#b", key="b"), pcm=b"", sample_rate_hz=22_050))
    name, version, body = msgspec.msgpack.decode(record.value or b"")
    newer = codec.with_value(record, msgspec.msgpack.encode([name, version + 1, body]))
    with pytest.raises(UnsupportedVersionError) as caught:
        codec.decode(newer)
    assert caught.value.retriable


def test_a_field_that_a_newer_minor_change_adds_is_ignored() -> None:
    message = Audio(subject=ClipSubject(clip_id="a#b", key="b"), pcm=b"xy", sample_rate_hz=22_050)
    name, version, body = msgspec.msgpack.decode(codec.encode(message).value or b"")
    record = codec.with_value(codec.encode(message), msgspec.msgpack.encode([name, version, body | {"new": 1}]))
    assert codec.decode(record) == message


def test_a_message_on_the_wrong_topic_is_refused() -> None:
    audio = codec.encode(Audio(subject=ClipSubject(clip_id="a#b", key="b"), pcm=b"", sample_rate_hz=22_050))
    record = Record(topic="clips.features", key=b"b", value=audio.value)
    with pytest.raises(MessageError, match="type 'Audio', which does not belong there"):
        codec.decode(record)


def test_the_json_of_an_answer_has_the_documented_fields() -> None:
    document = json.loads(codec.answer_json(Answer(clip_id="a#b", key="b", status="failed")))
    assert list(document) == [
        "clip_id",
        "status",
        "clip_sha256",
        "error",
        "mood",
        "identified",
        "matches",
        "search",
        "timeline",
        "versions",
        "attempt",
    ]


def test_an_answer_keeps_the_key_of_its_clip() -> None:
    record = codec.encode(Answer(clip_id="a#b", key="k", status="failed"))
    assert record.key == b"k"
    assert codec.decode(record) == Answer(clip_id="a#b", key="k", status="failed")


def test_messages_of_the_two_lanes_go_to_topics_of_their_own() -> None:
    clip_audio = Audio(subject=ClipSubject(clip_id="a#b", key="b"), pcm=b"", sample_rate_hz=22_050)
    names = {topic_for(clip_audio).name}
    message = codec.decode(Record(topic="catalog.ingest", key=b"t", value=b"x"))
    assert isinstance(message, TrackSubmitted)
    names.add(topic_for(Audio(subject=message.subject, pcm=b"", sample_rate_hz=22_050)).name)
    assert names == {"clips.audio", "tracks.audio"}


headers = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_source", "ce_topk", "ce_scope", "ce_dataref", "ce_datasize", "ce_attempt", "x"]),
        st.binary(max_size=12),
    )
    | st.just(("ce_type", b"tunekin.query.track"))
    | st.just(("ce_track", b"t")),
    max_size=6,
).map(tuple)


@given(
    topic=st.sampled_from(sorted(TOPICS)),
    key=st.none() | st.binary(max_size=8),
    value=st.none() | st.binary(max_size=64),
    headers=headers,
)
def test_any_record_is_either_read_or_refused_in_words(
    topic: str, key: bytes | None, value: bytes | None, headers: tuple[tuple[str, bytes], ...]
) -> None:
    record = Record(topic=topic, key=key, value=value, headers=headers, partition=0, offset=0)
    codec.subject_of(record)
    # Whatever else it raises fails this test.
    with contextlib.suppress(TunekinError):
        codec.claim_of(record)
        codec.encode(codec.decode(record))
