"""The catalogue of an installation kept in line with files by its workers: rescans, watched folders, duplicates."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from tests.installation import PATIENCE_S, clip_of, new_key, spread, wait_for


@pytest.fixture
def music(installation, test_music, tmp_path):
    """Four short songs that are in the catalogue, in a folder of this test."""
    folder = tmp_path / f"music {new_key()}"
    folder.mkdir()
    for number, song in enumerate(spread(test_music.files, 4)):
        (folder / f"{number}.flac").write_bytes(clip_of(song, start_s=1.0, duration_s=3.0))
    assert_done(installation.command("catalog", "add", "--kafka", str(folder)), "4 added")
    yield folder
    installation.command("catalog", "remove", "--kafka", "--under", str(folder), "--yes")
    assert held(installation, folder) == {}


def assert_done(done, words):
    assert (done.returncode, words in done.stdout + done.stderr) == (0, True), done.stdout + done.stderr


def held(installation, folder):
    """Ids and hashes of the songs below a folder, by their places in it."""
    rows = installation.query("SELECT source_uri, track_id, content_sha256 FROM tracks")
    prefix = f"{folder.as_uri()}/"
    return {uri.removeprefix(prefix): (track_id, sha256) for uri, track_id, sha256 in rows if uri.startswith(prefix)}


def change_everything(folder, song):
    """Change one song, move one, take one away, add one."""
    (folder / "0.flac").write_bytes(clip_of(song, start_s=3.0, duration_s=3.5))
    (folder / "deeper").mkdir()
    (folder / "1.flac").rename(folder / "deeper" / "moved.flac")
    (folder / "2.flac").unlink()
    (folder / "new.flac").write_bytes(clip_of(song, start_s=5.0, duration_s=3.0))


def test_a_rescan_has_workers_take_up_what_changed_was_moved_is_gone_and_is_new(installation, music):
    before = held(installation, music)
    ranker = installation.workers["rank"].pid
    change_everything(music, installation.songs[0])
    report = music.parent / "report.json"
    done = installation.command("catalog", "rescan", "--kafka", str(music), "--report", str(report))
    assert_done(done, "1 added, 2 updated")
    assert "1 as they were, 1 moved, 1 gone" in done.stdout + done.stderr
    after = held(installation, music)
    assert set(after) == {"0.flac", "2.flac", "3.flac", "deeper/moved.flac", "new.flac"}
    assert after["deeper/moved.flac"] == before["1.flac"]
    assert after["0.flac"][0] == before["0.flac"][0]
    assert after["0.flac"][1] != before["0.flac"][1]
    # Rankers know the new song, and what is gone leaves when it is said.
    clip = (music / "new.flac").read_bytes()
    wait_for(lambda: (installation.answer(clip)["identified"] or {}).get("track_id") == after["new.flac"][0])
    assert_done(installation.command("catalog", "rescan", "--kafka", str(music), "--remove", "--yes"), "1 removed")
    assert set(held(installation, music)) == set(after) - {"2.flac"}
    assert_done(installation.command("catalog", "rescan", "--kafka", str(music)), "nothing changed")
    assert installation.workers["rank"].pid == ranker


@contextlib.contextmanager
def watching(installation, folder):
    """`catalog add --watch --remove --kafka` in a process of its own; what it has said so far."""
    command = [sys.executable, "-m", "tunekin_cli", "catalog", "add", str(folder), "--kafka", "--watch", "--remove"]
    environment = os.environ | installation.environment | {"COLUMNS": "200"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        lines: list[str] = []
        reading = threading.Thread(target=lambda: lines.extend(iter(process.stderr.readline, "")))
        reading.start()
        try:
            yield lines
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 130, lines
        finally:
            process.kill()
            reading.join()


@pytest.mark.timeout(240)
def test_workers_follow_a_watched_folder(installation, music):
    before = held(installation, music)
    with watching(installation, music) as said:
        wait_for(lambda: any("watching" in line for line in said))
        change_everything(music, installation.songs[1])
        names = {"0.flac", "3.flac", "deeper/moved.flac", "new.flac"}
        wait_for(lambda: set(held(installation, music)) == names)
        wait_for(lambda: held(installation, music)["0.flac"][1] != before["0.flac"][1])
        assert held(installation, music)["deeper/moved.flac"] == before["1.flac"]
        assert not any("failed" in line for line in said)


def test_duplicates_are_told_of_the_servers_catalogue(installation, music):
    ids = {name: track_id for name, (track_id, _) in held(installation, music).items()}
    original = (music / "0.flac").read_bytes()
    # The very bytes under another id, as a foreign producer sends them, and the same sound in other bytes.
    again, other = new_key(), new_key()
    installation.publish([(again, original), (other, original + b"\0" * 16)], topic="catalog.ingest")
    outcomes = installation.outcomes([again, other], topic="catalog.outcomes")
    assert {outcome["status"] for some in outcomes.values() for outcome in some} == {"added"}
    try:
        done = installation.command("catalog", "duplicates", "--kafka", "--json")
        assert done.returncode == 0, done.stderr
        groups = [
            (group["same"], {track["track_id"] for track in group["tracks"]}) for group in json.loads(done.stdout)
        ]
        ((same, tracks),) = [group for group in groups if again in group[1]]
        assert same == "sound"
        assert tracks >= {ids["0.flac"], again, other}
        assert ids["1.flac"] not in tracks
        assert "the same in sound" in installation.command("catalog", "duplicates", "--kafka").stdout
    finally:
        installation.command("catalog", "remove", "--kafka", "--yes", again, other)
