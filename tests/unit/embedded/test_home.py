"""The folder that holds all state."""

import os
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from tunekin.blobs import FsspecBlobStore
from tunekin.errors import SettingsError
from tunekin_embedded.home import Home


def test_the_folder_is_made_and_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home(Path("a/b")).prepare().folder == tmp_path / "a" / "b"
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="can't be written"):
        Home(tmp_path / "file" / "home").prepare()


@pytest.mark.parametrize("name", ["plain", "a b", "what?", "50%", "#1", "음악"])
def test_any_folder_can_hold_the_catalogue(name: str) -> None:
    assert make_url(Home(Path("/m") / name).catalogue_url).database == f"/m/{name}/catalogue.sqlite"


def test_blobs_go_with_the_program_that_made_them(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    with home.blobs() as mine, home.blobs() as others:
        assert mine != others
        FsspecBlobStore(mine).put(b"sound")
        assert len(list(tmp_path.rglob("blobs-*/*"))) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_program_left_behind_is_removed_a_day_later(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    for name, age_s in (("blobs-old", 90_000.0), ("blobs-new", 60.0)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "blob").write_bytes(b"sound")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    with home.blobs():
        assert not (tmp_path / "blobs-old").exists()
        assert (tmp_path / "blobs-new" / "blob").exists()
