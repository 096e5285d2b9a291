"""A catalogue divided among rankers, while its parts die."""

import json
from typing import Any

import pytest

from tests.installation import PATIENCE_S, clip_of, new_key, noise, same, wait_for
from tunekin.codec import K_MAX

SHARDS = ("shard one", "shard two")
DEADLINE_S = 2.0


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


def but_for_the_work(answer):
    """What an answer says, whoever searched how much."""
    answer = same(answer)
    return answer | {"search": {name: value for name, value in answer["search"].items() if name != "compared_in_full"}}


@pytest.mark.timeout(240)
def test_a_divided_catalogue_answers_as_one_and_says_where_a_part_is_missing(divided):
    installation, start = divided
    own, foreign = clip_of(installation.songs[0]), noise(41)
    (track_id,) = installation.query("SELECT MIN(track_id) FROM tracks")[0]
    in_order = [one for (one,) in installation.query("SELECT track_id FROM tracks ORDER BY track_id")]
    liked, disliked = in_order[1:10], in_order[10:13]

    def ask() -> list[dict[str, Any]]:
        return [
            installation.answer(own),
            installation.answer(foreign, ce_artists="any", ce_topk=str(K_MAX)),
            installation.answer(b"", ce_type="tunekin.query.track", ce_track=track_id),
            # Each shard looks up what the other holds.
            installation.answer(foreign, ce_likes=json.dumps(liked), ce_dislikes=json.dumps(disliked)),
        ]

    undivided = ask()
    assert undivided[0]["identified"] is not None
    assert any(match["why"][0]["view"] == "liked" for match in undivided[3]["matches"])
    start()
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
    marked = installation.answer(foreign, ce_artists="any", ce_topk=str(K_MAX))
    assert (marked["search"]["shards_missing"], marked["search"]["proven"]) == (1, False)
    left = {match["track_id"] for match in marked["matches"]}
    assert left == {one for (one,) in installation.query("SELECT track_id FROM tracks WHERE CRC32(track_id) % 2 = 0")}
    assert left < {match["track_id"] for match in undivided[1]["matches"]}

    installation.start("rank", other="shard two").wait_until_ready(timeout_s=PATIENCE_S)
    wait_for(lambda: not installation.answer(noise(42))["search"]["shards_missing"])
