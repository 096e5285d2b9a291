"""Clips through the workers on real servers: what goes in, what comes out."""

import base64
import contextlib
import json
from itertools import chain

import kafka
import pytest

from tests.component.embedded.subsonic_server import API_KEY, Library, Song, serving
from tests.installation import clip_of, new_key, noise, same, silence, spread, wait_for
from tunekin import codec
from tunekin.blobs import FsspecBlobStore
from tunekin.catalogue import sources
from tunekin.catalogue.database import opened
from tunekin.catalogue.reader import CatalogueReader, IndexRow
from tunekin.catalogue.records import Entry
from tunekin.dead_letter_office import DeadLetterOffice
from tunekin.dead_letters import replayed
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.kafka import KafkaBus, KafkaSettings
from tunekin.messages import ClipOptions
from tunekin.topics import INLINE_LIMIT_BYTES
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.settings import ClassifierSettings
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find
from tunekin_embedded.track_lane import load


def rows_of(reader: CatalogueReader, *, model_version: str) -> list[IndexRow]:
    """All that a catalogue holds for rankers."""
    with reader.index_snapshot(feature_version=FEATURES.name, model_version=model_version) as read:
        return list(chain.from_iterable(read.batches))


@pytest.fixture(scope="module")
def distributed_rows(installation):
    """What the workers have written; other tests may have added songs before."""
    version = OnnxMoodModel(ClassifierSettings().model).manifest.version
    with opened(installation.environment["TUNEKIN_CATALOGUE_URL"]) as engine:
        return rows_of(CatalogueReader(engine), model_version=version)


@pytest.fixture(scope="module")
def embedded(distributed_rows, tmp_path_factory):
    """One process without servers, with a copy of that catalogue."""
    with Parts(Home(tmp_path_factory.mktemp("home")).prepare(), settings=EmbeddedSettings.read()) as parts:
        entries = [
            Entry(
                track=row.track,
                feature_version=FEATURES.name,
                frames=frames_to_bytes(row.frames),
                summary=(0.0,) * FEATURES.summary_size,
                model_version=parts.model_version,
                probabilities=row.probabilities.tolist(),
                views=views_to_bytes(row.views),
            )
            for row in distributed_rows
        ]
        parts.writer.upsert(entries)
        yield ClipLane(parts)


def test_the_workers_hear_what_one_process_hears(installation, distributed_rows, tmp_path):
    with Parts(Home(tmp_path / "home").prepare(), settings=EmbeddedSettings.read()) as parts:
        outcomes = list(load(parts, [track for song in installation.songs[:3] for track in find(song)]))
        assert {outcome.status for outcome in outcomes} == {"added"}
        alone = rows_of(parts.reader, model_version=parts.model_version)
    by_content = {row.track.content_sha256: row for row in distributed_rows}
    for row in alone:
        other = by_content[row.track.content_sha256]
        assert row.track == other.track
        assert row.frames.tobytes() == other.frames.tobytes()
        assert row.views.tobytes() == other.views.tobytes()
        assert row.probabilities.tolist() == other.probabilities.tolist()


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (ClipOptions(), {}),
        (ClipOptions(k=3, scope="mood"), {"ce_topk": "3", "ce_scope": "mood"}),
        (ClipOptions(mode="shortlist"), {"ce_mode": "shortlist"}),
        (ClipOptions(start_s=1.0, duration_s=3.0), {"ce_startms": "1000", "ce_durationms": "3000"}),
    ],
    ids=["defaults", "mood", "shortlist", "part"],
)
def test_the_answer_is_that_of_one_process_without_servers(installation, embedded, options, headers):
    for song in installation.songs[:3]:
        clip = clip_of(song)
        alone = json.loads(codec.answer_json(embedded.answer(clip, options=options)))
        assert same(installation.answer(clip, **headers)) == same(alone)


def test_a_song_of_the_catalogue_can_be_asked_for(installation):
    ((track_id,),) = installation.query("SELECT track_id FROM tracks ORDER BY track_id LIMIT 1")
    answer = installation.answer(b"", ce_type="tunekin.query.track", ce_track=track_id)
    assert answer["status"] == "answered"
    assert track_id not in [match["track_id"] for match in answer["matches"]]
    assert len(answer["matches"]) == 5


def test_what_is_wrong_is_told_each_by_its_code_and_neighbours_are_answered(installation):
    good, other = clip_of(installation.songs[0]), clip_of(installation.songs[1])
    shared = installation.folder / "shared"
    huge = shared / "huge.wav"
    with huge.open("wb") as file:
        file.truncate(70_000_000)
    wrong: dict[str, tuple[bytes | None, dict[str, str]]] = {
        "option.invalid": (good, {"ce_topk": "five"}),
        "message.invalid": (good, {"ce_type": "com.example.unknown"}),
        "audio.empty": (b"", {}),
        "audio.unknown_format": (b"<html>not found</html>", {}),
        "audio.too_short": (noise(1, duration_s=0.2), {}),
        "audio.silent": (silence(), {}),
        "audio.too_large": (None, {"ce_dataref": huge.as_uri()}),
    }
    outside = {"ce_dataref": "file:///etc/passwd"}
    nothing = {"ce_dataref": (shared / "nothing.mp3").as_uri()}
    unknown = {"ce_dataref": "gopher://example.org/x.mp3"}
    key = new_key()
    records: list[tuple[str, bytes | None, dict[str, str]]] = [(f"{key} first", good, {})]
    for code, (value, headers) in wrong.items():
        records += [(f"{key} {code}", value, headers), (f"{key} after {code}", other, {})]
    records += [(f"{key} {number}", None, headers) for number, headers in enumerate([outside, nothing, unknown])]
    installation.publish(records)
    outcomes = installation.outcomes([record[0] for record in records])
    for name, (answer, *_) in outcomes.items():
        what = name.removeprefix(f"{key} ")
        if what == "first" or what.startswith("after"):
            assert answer["status"] == "answered", (name, answer)
            continue
        assert answer["status"] == "failed"
        assert answer["error"]["code"] == (what if what in wrong else "message.invalid")
        assert answer["error"]["message"]
        assert answer["error"]["hint"]
    huge.unlink()


def test_a_record_too_large_for_the_topic_is_refused_before_it_is_acknowledged(installation):
    with pytest.raises(kafka.errors.MessageSizeTooLargeError):
        installation.publish([(new_key(), b"\x00" * (INLINE_LIMIT_BYTES + 100_000))])


def test_a_file_that_records_may_refer_to_is_fetched(installation):
    file = installation.folder / "shared" / "referred to.flac"
    file.write_bytes(clip_of(installation.songs[2]))
    key = new_key()
    installation.publish([(key, None, {"ce_dataref": file.as_uri()})])
    (answer, *_) = installation.outcomes([key])[key]
    assert same(answer) == same(installation.answer(file.read_bytes()))


def test_a_failed_clip_is_answered_after_a_replay_once_the_cause_is_gone(installation):
    file = installation.folder / "shared" / f"{new_key()}.flac"
    key = new_key()
    installation.publish([(key, None, {"ce_dataref": file.as_uri(), "ce_topk": "2", "x-own": "kept"})])
    assert installation.outcomes([key])[key][0]["error"]["code"] == "message.invalid"
    letters = json.loads(installation.command("dlq", "list", "--json").stdout)
    (letter,) = [one for one in letters if one["key"] == key]
    assert {one["name"]: one["value"] for one in letter["headers"]} == {
        "ce_dataref": file.as_uri(),
        "ce_topk": "2",
        "x-own": "kept",
    }
    file.write_bytes(clip_of(installation.songs[3]))
    assert installation.command("dlq", "replay", letter["letter"]).stdout == "1 replayed\n"
    outcomes = installation.outcomes([key], attempt=2)[key]
    assert [(one["attempt"], one["status"]) for one in outcomes] == [(1, "failed"), (2, "answered")]
    assert len(outcomes[-1]["matches"]) == 2
    assert letter["letter"] not in installation.command("dlq", "list", "--json").stdout


def test_a_letter_that_is_replayed_twice_at_once_has_one_outcome_an_attempt(installation):
    file = installation.folder / "shared" / f"{new_key()}.flac"
    key = new_key()
    installation.publish([(key, None, {"ce_dataref": file.as_uri()})])
    (failed,) = installation.outcomes([key])[key]
    bus = KafkaBus(KafkaSettings(bootstrap_servers=installation.kafka.address, prefix=installation.prefix))
    office = DeadLetterOffice(bus, FsspecBlobStore((installation.folder / "blobs").as_uri()))
    letters = [letter for letter in office.letters() if letter.original.key == key.encode()]
    file.write_bytes(clip_of(installation.songs[3]))
    # As two operators do who both have seen it.
    for _ in range(2):
        office._send_again(letters, [replayed(letter) for letter in letters])
    # The record of an outcome may come again, and says the same.
    _, outcome, *others = installation.outcomes([key], attempt=2)[key]
    assert (outcome["attempt"], outcome["status"]) == (2, "answered")
    assert [same(other) for other in others] == [same(outcome)] * len(others)
    wait_for(lambda: len(stored(installation, failed["clip_id"])) == 2)
    assert stored(installation, failed["clip_id"]) == [(1, "failed"), (2, "answered")]


def stored(installation, clip_id):
    """Attempts of a clip, as the catalogue keeps them."""
    statement = "SELECT attempt, answer FROM recommendations WHERE clip_id = :clip ORDER BY attempt"
    return [(attempt, json.loads(answer)["status"]) for attempt, answer in installation.query(statement, clip=clip_id)]


def test_a_dead_letter_holds_the_record_byte_for_byte_until_it_is_purged(installation, tmp_path):
    poison = bytes(range(256)) * 3
    key = new_key()
    sent = [("x-own", b"\xff\x00"), ("x-own", "둘".encode()), ("dl_code", b"not ours"), ("x-empty", b"")]
    producer = kafka.KafkaProducer(bootstrap_servers=installation.kafka.address)
    with contextlib.closing(producer):
        producer.send(f"{installation.prefix}clips", key=key.encode(), value=poison, headers=sent).get(10)
    installation.outcomes([key])
    chosen = ["--error", "audio.unknown_format", "--stage", "ingest", "--since", "10m"]
    letters = json.loads(installation.command("dlq", "list", *chosen, "--json").stdout)
    (found,) = [one for one in letters if one["key"] == key]
    letter = found["letter"]
    assert [
        (one["name"], base64.b64decode(one["base64"]) if "base64" in one else one["value"].encode())
        for one in found["headers"]
    ] == sent
    assert found["bytes"] == len(poison)
    for other in (["--error", "audio.silent"], ["--stage", "ranker"], ["--until", "10m"]):
        assert letter not in installation.command("dlq", "list", *other, "--json").stdout
    kept = tmp_path / "kept"
    done = installation.command("dlq", "show", letter, "--output", str(kept))
    assert "audio.unknown_format" in done.stdout
    assert kept.read_bytes() == poison
    assert installation.command("dlq", "show", letter, "--raw", text=False).stdout == poison
    assert installation.command("dlq", "purge", letter).stdout == "1 purged\n"
    assert letter not in installation.command("dlq", "list", "--json").stdout
    assert "there is no dead letter" in installation.command("dlq", "show", letter).stderr


def test_the_command_line_publishes_waits_and_tells_both_outcomes(installation, tmp_path):
    good, bad = tmp_path / "good.flac", tmp_path / "bad.mp3"
    good.write_bytes(clip_of(installation.songs[0]))
    bad.write_bytes(b"no sound")
    # A file named twice is two clips.
    done = installation.command("publish", str(good), str(bad), str(good), str(bad), "--wait", "--json")
    assert done.returncode == 1, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(answer["status"] for answer in answers) == ["answered", "answered", "failed", "failed"]
    assert len({answer["clip_id"] for answer in answers}) == 4
    lines = installation.command("publish", str(good), str(good)).stdout.splitlines()
    keys = [line.partition("\t")[0] for line in lines]
    assert lines == [f"{key}\t{good}" for key in keys]
    assert len(installation.outcomes(keys)) == 2
    status = json.loads(installation.command("status", "--json").stdout)
    assert status["topics"] == "as they should be"
    assert {one["group"] for one in status["groups"]} >= {"ingest.clips", "featurizer.tracks", "ranker", "writer"}
    assert status["catalogue"]["tracks"] >= len(installation.songs)


def test_a_song_added_while_rankers_run_is_recommended_without_a_restart(installation, test_music):
    song = next(file for file in spread(test_music.files, 17) if file not in installation.songs)
    clip = clip_of(song, start_s=8.0)
    before = installation.answer(clip)
    assert before["identified"] is None
    done = installation.command("catalog", "add", "--kafka", str(song))
    assert "1 added" in done.stdout + done.stderr
    pid = installation.workers["rank"].pid
    wait_for(lambda: installation.answer(clip)["identified"] is not None)
    assert installation.workers["rank"].pid == pid


def test_a_song_that_is_removed_is_recommended_no_more(installation, test_music, tmp_path):
    song = next(file for file in spread(test_music.files, 13) if file not in installation.songs)
    # A copy, so that its bytes are in no other test's way.
    copy = tmp_path / f"copy{song.suffix}"
    copy.write_bytes(song.read_bytes() + b"\0" * 8)
    clip = clip_of(song, start_s=8.0)
    assert "1 added" in installation.command("catalog", "add", "--kafka", str(copy)).stderr
    wait_for(lambda: installation.answer(clip)["identified"] is not None)
    done = installation.command("catalog", "remove", "--kafka", "--under", str(tmp_path), "--yes")
    assert "1 removed" in done.stderr, done.stderr
    assert installation.query("SELECT 1 FROM tracks WHERE source_uri = :uri", uri=copy.as_uri()) == []
    wait_for(lambda: installation.answer(clip)["identified"] is None)


def test_a_tombstone_overtakes_nothing_that_was_published_before_it(installation):
    key = new_key()
    song = installation.songs[4].read_bytes()
    installation.publish([(key, song), (key, None), (f"{key} unknown", None)], topic="catalog.ingest")

    def told() -> list[str]:
        found = installation.outcomes([key, f"{key} unknown"], topic="catalog.outcomes")
        assert found[f"{key} unknown"][0]["status"] == "absent"
        return [one["status"] for one in found[key]]

    wait_for(lambda: told() == ["added", "removed"])
    assert installation.query("SELECT 1 FROM tracks WHERE track_id = :key", key=key) == []


def test_a_load_that_is_repeated_adds_nothing_and_reports_what_failed(installation, tmp_path):
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"no sound")
    done = installation.command("catalog", "add", "--kafka", *map(str, installation.songs[:2]), str(broken))
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "2 already there" in said
    assert "1 failed" in said
    assert "broken.mp3" in said


def test_the_music_of_a_subsonic_server_is_heard_by_workers(installation, test_music, tmp_path):
    song = next(file for file in spread(test_music.files, 11) if file not in installation.songs)
    # One that goes inline, and one that goes through the blob store; neither is in another test's way.
    copies = [tmp_path / f"{name}{song.suffix}" for name in ("small", "large")]
    copies[0].write_bytes(song.read_bytes() + b"\0" * 16)
    copies[1].write_bytes(song.read_bytes() + b"\0" * (INLINE_LIMIT_BYTES + 16))
    shelf = Library(songs=[Song(id=path.stem, path=path, tags={"artist": "Kim"}) for path in copies])
    login = {"TUNEKIN_SUBSONIC_API_KEY": API_KEY}
    with serving(shelf) as address:
        done = installation.command("catalog", "add", "--kafka", "--subsonic", address, **login)
        assert "2 added" in done.stderr, done.stderr
        again = installation.command("catalog", "add", "--kafka", "--subsonic", address, **login)
        assert "2 already there" in again.stderr, again.stderr
    assert sorted(shelf.fetched) == ["large", "small"]
    rows = installation.query("SELECT source_uri FROM tracks WHERE artist = 'Kim' ORDER BY source_uri")
    assert [row[0] for row in rows] == [
        sources.song(sources.library(address), path.stem, size=path.stat().st_size) for path in sorted(copies)
    ]
