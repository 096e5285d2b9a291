"""What ``make stack`` runs: everything up, kept up, and down again."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installation import clip_of, spread, wait_for


def native(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tunekin_native", *arguments], capture_output=True, text=True, check=False, timeout=200
    )


@pytest.fixture
def folder(tmp_path, test_music):
    """A stack with a little music."""
    music = tmp_path / "my music"
    music.mkdir()
    for song in spread(test_music.files, 6):
        shutil.copy(song, music)
    place = tmp_path / "stack"
    yield place
    native("stop", "--folder", str(place))


def pids(folder: Path) -> dict[str, int]:
    """Process ids of the workers by name, as the log tells them."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", (folder / "supervisor.log").read_text())
    found = re.findall(r"worker\.ready .* pid=(\d+) worker=(\S+)", log)
    found += [(pid, name) for name, pid in re.findall(r"part\.started .* part=(\S+) +pid=(\d+)", log)]
    return {name: int(pid) for pid, name in found}


@pytest.mark.timeout(300)
def test_the_stack_answers_keeps_itself_up_and_keeps_what_it_holds(folder, tmp_path):
    music = tmp_path / "my music"
    done = native("start", "--folder", str(folder), "--music", str(music))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "publish FILE --wait" in done.stdout
    environment = os.environ | dict(
        re.findall(r"export (\w+)='?([^'\n]*)'?", (folder / "env").read_text(encoding="utf-8"))
    )
    tunekin = str(Path(sys.executable).parent / "tunekin")
    clip = tmp_path / "clip.flac"
    clip.write_bytes(clip_of(min(music.iterdir())))

    def answer() -> dict[str, object]:
        publish = [tunekin, "publish", str(clip), "--wait", "--json"]
        said = subprocess.run(publish, env=environment, capture_output=True, check=True)
        return dict(json.loads(said.stdout))

    first = answer()
    assert first["status"] == "answered"
    assert oct((folder / "env").stat().st_mode)[-3:] == "600", "it holds passwords"

    # What ends is started anew.
    before = pids(folder)["rank"]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: pids(folder)["rank"] != before)
    assert answer()["matches"] == first["matches"]

    # Again, it changes nothing; and what it holds stays.
    again = native("start", "--folder", str(folder), "--music", str(music))
    assert again.returncode == 0, again.stdout + again.stderr
    assert "added" not in again.stdout
    assert "stopped" in native("stop", "--folder", str(folder)).stdout
    assert native("stop", "--folder", str(folder)).stdout == "nothing runs\n"
    restarted = native("start", "--folder", str(folder), "--music", str(music))
    assert restarted.returncode == 0, restarted.stdout + restarted.stderr
    assert "added" not in restarted.stdout
    assert answer()["matches"] == first["matches"]


def test_a_folder_of_music_that_is_not_there_is_named(tmp_path):
    done = native("start", "--folder", str(tmp_path / "stack"), "--music", str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "nowhere is no folder" in done.stderr
    assert not (tmp_path / "stack").exists()
