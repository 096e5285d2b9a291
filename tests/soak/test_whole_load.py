"""All of the music through Kafka, while every kind of worker and the command are killed."""

import time

import pytest

from tests.bulk import assert_complete, load_while_all_is_killed
from tunekin_native.workers import WORKERS

# Those of listeners' clips and the ranker first, then the stages of the tracks' lane.
VICTIMS = (
    *("decode-clips", "featurize-clips", "classify-clips", "rank"),
    *("decode-tracks", "featurize-tracks", "classify-tracks", "write"),
)
PATIENCE_S = 3 * 3_600.0


@pytest.mark.timeout(4 * 3_600)
def test_all_of_the_music_is_in_the_catalogue_once_whatever_was_killed(installation, test_music, tmp_path):
    assert set(VICTIMS) == set(WORKERS)
    began_s = time.monotonic()
    # The songs of other tests' installation are taken out first, so that all are loaded.
    assert installation.command("catalog", "remove", "--kafka", "--all", "--yes").returncode == 0
    folders = [test_music.folder]
    first, second = load_while_all_is_killed(installation, folders, tmp_path, victims=VICTIMS, patience_s=PATIENCE_S)
    assert_complete(installation, folders)
    assert second.code == 0, second.said
    assert len(second.rows) == len(test_music.files)
    told, before = second.by_status(), first.by_status()
    assert before["added"] <= told["unchanged"]
    assert not before["added"] & told.get("added", set())
    assert not told.keys() - {"added", "unchanged", "updated"}
    assert time.monotonic() - began_s < PATIENCE_S
