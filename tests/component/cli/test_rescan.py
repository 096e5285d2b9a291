"""A catalogue in line with folders that change: `catalog rescan`, and `catalog add --watch`."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.component.embedded.sounds import write_wav
from tunekin.catalogue.database import opened
from tunekin.catalogue.reader import CatalogueReader
from tunekin.features import FEATURES
from tunekin.messages import Track
from tunekin_cli import rescan
from tunekin_cli.chosen_tracks import all_tracks
from tunekin_cli.context import Context
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find, track_id
from tunekin_embedded.track_lane import load

PATIENCE_S = 60.0
NAME = "Artist%20-%20Song%20{}.wav"


def sound(path: Path, *, seed: int, duration_s: float = 3.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = FEATURES.sample_rate_hz
    return write_wav(0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * rate)), path)


@pytest.fixture
def music(tmp_path: Path) -> Path:
    folder = tmp_path / "music"
    for number in range(4):
        sound(folder / f"Artist - Song {number}.wav", seed=number)
    return folder


@pytest.fixture
def context(tmp_path: Path, music: Path) -> Context:
    """A home with the four songs."""
    context = Context(folder=tmp_path / "home", settings=EmbeddedSettings.read())
    with Parts(context.home, settings=context.settings) as parts:
        assert [outcome.status for outcome in load(parts, find(music))] == ["added"] * 4
    return context


def held(home: Home) -> dict[str, Track]:
    """Tracks by the names of their files."""
    with opened(home.catalogue_url) as engine:
        tracks = list(all_tracks(CatalogueReader(engine)))
    return {track.source_uri.rpartition("/")[2]: track for track in tracks}


def run(context: Context, *folders: Path, remove: bool = False, report: Path | None = None) -> int:
    return rescan.run(context, folders, kafka=False, remove=remove, sure=True, thorough=False, report=report)


def change_everything(music: Path) -> None:
    """Change one song, move one, take one away, add one."""
    files = sorted(music.iterdir())
    sound(files[0], seed=10, duration_s=4.0)
    (music / "deeper").mkdir()
    files[1].rename(music / "deeper" / "moved.wav")
    files[2].unlink()
    sound(music / "new.wav", seed=11)


def test_a_rescan_takes_up_what_changed_was_moved_is_gone_and_is_new(
    context: Context, music: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = held(context.home)
    change_everything(music)
    assert run(context, music, report=tmp_path / "report.json") == 0
    said = capfd.readouterr().err
    after = held(context.home)
    assert set(after) == {*(NAME.format(number) for number in (0, 2, 3)), "moved.wav", "new.wav"}
    changed, moved = after[NAME.format(0)], after["moved.wav"]
    assert changed.track_id == before[NAME.format(0)].track_id
    assert changed.duration_s == pytest.approx(4.0)
    # A moved song is what it was, by the name that it had.
    was = before[NAME.format(1)]
    assert (moved.track_id, moved.title, moved.duration_s) == (was.track_id, was.title, was.duration_s)
    assert re.search(r"gone \S+Artist - Song 2.wav: Song 2 by Artist", said)
    assert "1 added, 2 updated" in said
    assert "1 as they were, 1 moved, 1 gone" in said

    # What is gone leaves when it is said; a second time nothing is left to do.
    assert run(context, music, remove=True) == 0
    assert "1 removed" in capfd.readouterr().err
    assert run(context, music) == 0
    assert "nothing changed" in capfd.readouterr().err
    # A new file where the moved one lay is another track.
    sound(music / "Artist - Song 1.wav", seed=12)
    assert run(context, music) == 0
    again = held(context.home)[NAME.format(1)]
    assert again.track_id not in {was.track_id, track_id(again.source_uri)}
    assert held(context.home)["moved.wav"].track_id == was.track_id
    # Without folders only the files of songs are looked at.
    sound(music / "unknown.wav", seed=13)
    (music / "new.wav").unlink()
    names = set(held(context.home))
    assert run(context, remove=True) == 0
    assert set(held(context.home)) == names - {"new.wav"}


@pytest.fixture
def watch(context: Context, music: Path) -> Iterator[Callable[[], list[str]]]:
    """`catalog add --watch --remove` in a process of its own; tells what it has said so far."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tunekin_cli", "--home", context.folder, "catalog", "add", music, "--watch", "--remove"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "200", "TUNEKIN_WORKERS": "1"},
        start_new_session=True,
    )
    lines: list[str] = []
    assert process.stderr is not None
    stderr = process.stderr
    reading = threading.Thread(target=lambda: lines.extend(iter(stderr.readline, "")), daemon=True)
    reading.start()
    try:
        yield lambda: lines
        process.terminate()
        assert process.wait(PATIENCE_S) == 130, lines
    finally:
        process.kill()
        process.wait()
        reading.join()
        stderr.close()


def wait_for(holds: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up_s, "it did not come about in time"
        time.sleep(0.2)


@pytest.mark.timeout(300)
def test_a_watched_folder_is_followed(
    context: Context, music: Path, watch: Callable[[], list[str]], tmp_path: Path
) -> None:
    wait_for(lambda: any("watching" in line for line in watch()))
    was = held(context.home)[NAME.format(1)].track_id
    change_everything(music)
    # Written in two halves, as slow copies are.
    whole = sound(tmp_path / "whole.wav", seed=20, duration_s=5.0).read_bytes()
    slow = music / "slow.wav"
    slow.write_bytes(whole[: len(whole) // 2])
    (music / ".hidden.wav").write_bytes(whole)
    time.sleep(1.0)
    with slow.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    names = {NAME.format(0), "moved.wav", NAME.format(3), "new.wav", "slow.wav"}
    wait_for(lambda: set(held(context.home)) == names)
    tracks = held(context.home)
    assert tracks["moved.wav"].track_id == was
    assert tracks["slow.wav"].duration_s == pytest.approx(5.0)
    wait_for(lambda: held(context.home)[NAME.format(0)].duration_s == pytest.approx(4.0))
    assert not any("failed" in line for line in watch())
    # A whole folder that is renamed.
    (music / "deeper").rename(music / "renamed")
    wait_for(lambda: "/renamed/" in held(context.home)["moved.wav"].source_uri)
    assert held(context.home)["moved.wav"].track_id == was
