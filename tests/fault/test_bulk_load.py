"""A bulk load loses nothing and does nothing twice, whatever dies while it goes on."""

import pytest

from tests.bulk import assert_complete, load_while_all_is_killed
from tests.installation import clip_of, new_key, noise, spread, wait_for

# The ranker, which learns of each track, and the stages of the tracks' lane.
VICTIMS = ("rank", "decode-tracks", "featurize-tracks", "classify-tracks", "write")
TRACKS = 48


@pytest.fixture
def music(installation, test_music):
    """Songs of a few seconds, half of them where the workers may read; some broken files."""
    name = new_key()
    folders = [installation.folder / "shared" / name, installation.folder / f"sent {name}"]
    for folder in folders:
        folder.mkdir()
    for number, song in enumerate(spread(test_music.files, TRACKS)):
        clip = clip_of(song, start_s=4.0, duration_s=5.0)
        (folders[number % 2] / f"{number:02} {song.stem}.flac").write_bytes(clip)
    # Too large for a record, before and after it is decoded.
    (folders[1] / "long.wav").write_bytes(noise(7, duration_s=60))
    broken = [folders[0] / "broken.mp3", folders[1] / "empty.flac"]
    broken[0].write_text("no sound, only words\n" * 9)
    broken[1].touch()
    yield folders, broken
    under = [argument for folder in folders for argument in ("--under", str(folder))]
    installation.command("catalog", "remove", "--kafka", "--yes", *under)


@pytest.mark.timeout(240)
def test_a_bulk_load_is_complete_while_a_worker_of_each_kind_and_the_command_are_killed(installation, music, tmp_path):
    folders, broken = music
    first, second = load_while_all_is_killed(installation, folders, tmp_path, victims=VICTIMS, patience_s=120)
    assert_complete(installation, folders, broken=broken)

    # The report: every file once; what was added before the command died is there already.
    assert second.code == 1
    files = [row["file"] for row in second.rows]
    assert sorted(files) == sorted({str(file) for folder in folders for file in folder.iterdir()})
    told, before = second.by_status(), first.by_status()
    assert told["failed"] == {str(file) for file in broken}
    assert all(row["reason"] and row["what_to_do"] for row in second.rows if row["status"] == "failed")
    assert before["added"] <= told["unchanged"]
    assert not before["added"] & told.get("added", set())
    assert f"{len(broken)} failed" in second.said

    # Once more, and nothing is left to do.
    again = installation.command("catalog", "add", "--kafka", *map(str, folders))
    assert f"{len(files) - len(broken)} already there" in again.stderr

    # The ranker that was killed knows the songs.
    clip = next(folders[0].glob("*.flac")).read_bytes()
    wait_for(lambda: installation.answer(clip)["identified"] is not None)
