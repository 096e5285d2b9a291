"""A catalogue divided among rankers, while its parts die."""

import hashlib
import io
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.installation import PATIENCE_S, clip_of, new_key, noise, same, wait_for
from tunekin.codec import K_MAX
from tunekin_ranker.shard import Shard

SHARDS = ("shard one", "shard two")
# Longer than a shard takes on a machine that other tests share.
DEADLINE_S = 6.0
EVERYTHING = {"ce_artists": "any", "ce_versions": "any", "ce_topk": str(K_MAX)}


@pytest.fixture
def divided(installation):
    """The installation, and what puts two shards and a merge in the place of its ranker; whole again afterwards."""

    def start() -> None:
        installation.workers["rank"].stop()
        for number, name in enumerate(SHARDS):
            installation.start("rank", other=name, settings={"TUNEKIN_RANKER_SHARD": f"{number + 1}/2"})
        installation.start("merge", settings={"TUNEKIN_MERGE_DEADLINE_S": f"{DEADLINE_S:g}"})
        for name in (*SHARDS, "merge"):
            installation.workers[name].wait_until_ready(timeout_s=PATIENCE_S)
        for group in ("ranker.shard-1-of-2", "ranker.shard-2-of-2", "merge"):
            installation.wait_for_members(group, 1)

    yield installation, start
    for name in (*SHARDS, "merge"):
        if name in installation.workers:
            installation.workers.pop(name).stop()
    installation.start("rank")
    installation.wait_until_ready()


def encoded_again(song: Path) -> bytes:
    """The song in another encoding."""
    sound, rate = soundfile.read(song, dtype="float32", always_2d=True)
    file = io.BytesIO()
    soundfile.write(file, sound.mean(axis=1), rate, format="MP3")
    return file.getvalue()


@pytest.fixture
def versions(installation):
    """Songs of the catalogue, by id, and for each the ids of two versions by one artist that the other shard holds."""
    found: dict[str, list[str]] = {}
    for song in installation.songs[:2]:
        sha256 = hashlib.sha256(song.read_bytes()).hexdigest()
        ((original,),) = installation.query("SELECT track_id FROM tracks WHERE content_sha256 = :it", it=sha256)
        other = next(shard for shard in (Shard(1, 2), Shard(2, 2)) if not shard.holds(original))
        names = (f"again {new_key()}" for _ in itertools.count())
        found[original] = list(itertools.islice(filter(other.holds, names), 2))
        sound, headers = encoded_again(song), {"ce_artist": "various artists", "ce_title": "again"}
        installation.publish([(name, sound, headers) for name in found[original]], topic="catalog.ingest")
    added = [name for names in found.values() for name in names]
    assert {told[0]["status"] for told in installation.outcomes(added, topic="catalog.outcomes").values()} == {"added"}
    wait_for(lambda: set(added) < ids_of(installation.answer(noise(40), **EVERYTHING)))
    yield found
    installation.publish([(name, None) for name in added], topic="catalog.ingest")
    wait_for(lambda: installation.query("SELECT COUNT(*) FROM tracks WHERE title = 'again'") == [(0,)])


def ids_of(answer) -> set[str]:
    return {match["track_id"] for match in answer["matches"]}


def but_for_the_work(answer):
    """What an answer says, whoever searched how much."""
    answer = same(answer)
    return answer | {"search": {name: value for name, value in answer["search"].items() if name != "compared_in_full"}}


@pytest.mark.timeout(360)
def test_a_divided_catalogue_answers_as_one_and_says_where_a_part_is_missing(divided, versions):
    installation, start = divided
    own, foreign = clip_of(installation.songs[0]), noise(41)
    (track_id,) = installation.query("SELECT MIN(track_id) FROM tracks")[0]
    in_order = [one for (one,) in installation.query("SELECT track_id FROM tracks ORDER BY track_id")]
    liked, disliked = in_order[1:10], in_order[10:13]
    first, second = versions

    def ask() -> list[dict[str, Any]]:
        return [
            installation.answer(own),
            installation.answer(foreign, ce_artists="any", ce_topk=str(K_MAX)),
            installation.answer(b"", ce_type="tunekin.query.track", ce_track=track_id),
            # Each shard looks up what the other holds.
            installation.answer(foreign, ce_likes=json.dumps(liked), ce_dislikes=json.dumps(disliked)),
            # Versions of one recording lie in both.
            installation.answer(foreign, ce_topk=str(K_MAX)),
            installation.answer(foreign, ce_artists="any", ce_topk=str(K_MAX), ce_dislikes=json.dumps([first])),
            installation.answer(own, ce_artists="any", ce_topk=str(K_MAX), ce_dislikes=json.dumps([second])),
        ]

    undivided = ask()
    assert undivided[0]["identified"] is not None
    assert any(match["why"][0]["view"] == "liked" for match in undivided[3]["matches"])
    families = [{original, *others} for original, others in versions.items()]
    assert [len(family & ids_of(undivided[1])) for family in families] == [1, 1]
    assert [len(family & ids_of(undivided[5])) for family in families] == [0, 1]
    assert [len(family & ids_of(undivided[6])) for family in families] == [0, 0], "the first is what is heard"
    start()
    # What has just begun may be late for its first clips, and they say so.
    wait_for(lambda: not installation.answer(noise(39))["search"]["shards_missing"])
    together = ask()
    assert [but_for_the_work(one) for one in together] == [but_for_the_work(one) for one in undivided]
    assert all(one["search"]["proven"] and not one["search"]["shards_missing"] for one in together)

    # The merge dies while shards answer: what it held is gathered again.
    key = new_key()
    names = [f"{key}-{number}" for number in range(12)]
    installation.publish([(name, noise(50 + number)) for number, name in enumerate(names[:6])])
    installation.shoot("merge")
    installation.publish([(name, noise(50 + number)) for number, name in enumerate(names[6:], 6)])
    wait_for(lambda: installation.workers["merge"].pid is None)
    installation.start("merge").wait_until_ready(timeout_s=PATIENCE_S)
    outcomes = installation.outcomes(names)
    assert {told[0]["search"]["shards_missing"] for told in outcomes.values()} == {0}

    # A shard is gone: after the deadline the answer is what is left, and says so.
    installation.workers["shard two"].kill()
    marked = installation.answer(foreign, **EVERYTHING)
    assert (marked["search"]["shards_missing"], marked["search"]["proven"]) == (1, False)
    left = {one for (one,) in installation.query("SELECT track_id FROM tracks WHERE CRC32(track_id) % 2 = 0")}
    assert ids_of(marked) == left

    installation.start("rank", other="shard two").wait_until_ready(timeout_s=PATIENCE_S)
    wait_for(lambda: not installation.answer(noise(42))["search"]["shards_missing"])
