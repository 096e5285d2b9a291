"""A whole installation while its parts die: every acknowledged clip has exactly one outcome."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.installation import PATIENCE_S, clip_of, new_key, noise, same, spread, wait_for
from tunekin.client import Client
from tunekin.kafka import KafkaBus, KafkaSettings

CLIP_WORKERS = ("decode-clips", "featurize-clips", "classify-clips", "rank", "write")


@pytest.fixture
def installation(installation):
    """The installation, whole again afterwards."""
    names = set(installation.workers)
    yield installation
    for server in (installation.kafka, installation.mariadb, installation.redis):
        server.start()
    for name in set(installation.workers) - names:
        installation.workers.pop(name).stop()
    for name in names:
        if installation.workers[name].pid is None:
            installation.start(name)
    installation.wait_until_ready()


def assert_exactly_one_outcome(installation, outcomes) -> None:
    """Outcomes may be delivered again, but never another one; and what is stored is one row."""
    for key, told in outcomes.items():
        assert {answer["attempt"] for answer in told} == {1}
        assert {answer["status"] for answer in told} == {"answered"}, (key, told)
        first, *again = told
        assert all(same(answer) == same(first) for answer in again)
    ids = {told[0]["clip_id"] for told in outcomes.values()}

    def stored() -> list[str]:
        rows = installation.query("SELECT clip_id FROM recommendations WHERE attempt = 1")
        return [clip_id for (clip_id,) in rows if clip_id in ids]

    wait_for(lambda: len(stored()) >= len(ids))
    assert sorted(stored()) == sorted(ids)


@pytest.mark.timeout(240)
def test_clips_published_twice_have_one_outcome_each_while_a_worker_of_each_kind_is_killed(installation):
    key = new_key()
    names = [f"{key}-{number}" for number in range(30)]
    clips = [clip_of(song) for song in installation.songs[:3]]
    with installation.supervised():
        for number, name in enumerate(names):
            clip = clips[number % len(clips)]
            installation.publish([(name, clip), (name, clip)])
            if number % 6 == 3:
                installation.shoot(CLIP_WORKERS[number // 6])
        assert_exactly_one_outcome(installation, installation.outcomes(names))


@pytest.mark.timeout(240)
def test_two_rankers_share_the_work_and_one_takes_over_from_the_other(installation):
    second = installation.start("rank", other="rank two")
    installation.wait_for_members("ranker", 2)
    second.wait_until_ready(timeout_s=PATIENCE_S)
    clip = clip_of(installation.songs[0])
    key = new_key()
    first = [f"{key}-a{number}" for number in range(24)]
    installation.publish([(name, clip) for name in first])
    assert_exactly_one_outcome(installation, installation.outcomes(first))
    rest = [f"{key}-b{number}" for number in range(24)]
    installation.publish([(name, clip) for name in rest[:12]])
    installation.workers["rank"].kill()
    installation.publish([(name, clip) for name in rest[12:]])
    assert_exactly_one_outcome(installation, installation.outcomes(rest))
    assert second.pid is not None


@pytest.mark.timeout(240)
def test_a_ranker_joins_and_one_leaves_under_load_and_no_outcome_is_lost_or_repeated(installation):
    tracks = [track_id for (track_id,) in installation.query("SELECT track_id FROM tracks ORDER BY track_id LIMIT 8")]
    key, enough = new_key(), threading.Event()
    names: list[str] = []

    def publish() -> None:
        while not enough.wait(0.3):
            # Each is another question, so that no cache answers it.
            asked = {"ce_type": "tunekin.query.track", "ce_topk": str(len(names) // len(tracks) % 100 + 1)}
            some = {f"{key}-{track_id}-{len(names)}": asked | {"ce_track": track_id} for track_id in tracks}
            installation.publish([(name, None, headers) for name, headers in some.items()])
            names.extend(some)

    with ThreadPoolExecutor(1) as publisher:
        publishing = publisher.submit(publish)
        try:
            installation.start("rank", other="rank two")
            installation.wait_for_members("ranker", 2)
            installation.workers["rank"].stop()
            installation.wait_for_members("ranker", 1)
        finally:
            enough.set()
        publishing.result()
    outcomes = installation.outcomes(names)
    assert {name: len(told) for name, told in outcomes.items() if len(told) > 1} == {}
    assert_exactly_one_outcome(installation, outcomes)


def test_without_redis_the_answers_are_the_same(installation):
    clip = clip_of(installation.songs[1])
    before = installation.answer(clip)
    installation.redis.stop()
    assert same(installation.answer(clip)) == same(before)
    assert same(installation.answer(clip, ce_topk="4")) != same(before)
    installation.redis.start()
    assert same(installation.answer(clip)) == same(before)


@pytest.mark.timeout(240)
def test_without_mysql_clips_are_answered_and_what_has_to_be_written_is_written_later(installation, test_music):
    song = next(file for file in spread(test_music.files, 19) if file not in installation.songs)
    clip = clip_of(installation.songs[2])
    before = installation.answer(clip)
    installation.mariadb.stop()
    key = new_key()
    names = [f"{key}-{number}" for number in range(6)]
    installation.publish([(name, clip) for name in names])
    outcomes = installation.outcomes(names)
    assert all(same(told[0]) == same(before) for told in outcomes.values())
    installation.publish([(key, song.read_bytes(), {"ce_title": "While MySQL was away"})], topic="catalog.ingest")
    wait_for(lambda: not installation.workers["write"].is_ready())
    installation.mariadb.start()
    (outcome, *_) = installation.outcomes([key], topic="catalog.outcomes")[key]
    assert outcome["status"] == "added"
    assert_exactly_one_outcome(installation, outcomes)
    assert installation.query("SELECT title FROM tracks WHERE track_id = :key", key=key) == [("While MySQL was away",)]
    wait_for(installation.workers["write"].is_ready)


@pytest.mark.timeout(240)
def test_a_broker_that_restarts_loses_nothing(installation):
    key = new_key()
    names = [f"{key}-{number}" for number in range(12)]
    bus = KafkaBus(KafkaSettings(bootstrap_servers=installation.kafka.address, prefix=installation.prefix))
    with installation.supervised(), Client(bus) as client:
        tickets = [client.publish(noise(number)) for number in range(3)]
        installation.publish([(name, noise(number)) for number, name in enumerate(names[:6])])
        installation.kafka.restart()
        tickets += [client.publish(noise(number)) for number in range(3)]
        installation.publish([(name, noise(number)) for number, name in enumerate(names[6:])])
        assert_exactly_one_outcome(installation, installation.outcomes(names))
        found = {result.ticket: result.answer.status for result in client.results(timeout_s=PATIENCE_S)}
    assert found == dict.fromkeys(tickets, "answered")
