"""Files of the catalogue: names, tags, sound, and nothing half-written."""

from dataclasses import replace

import mutagen
import numpy as np
import pytest
import soundfile

from tunekin.errors import OptionError
from tunekin_demo.compose import catalogue, file_path, files, render, write_catalogue, write_piece


@pytest.fixture(scope="module")
def short():
    """Pieces of a few seconds, one of them with Korean names."""
    pieces = [replace(piece, duration_s=3.0) for piece in catalogue()[:8]]
    assert any(not piece.artist.isascii() for piece in pieces)
    return pieces


def test_a_file_is_named_by_artist_and_title_in_a_folder_of_the_artist(short, tmp_path):
    path = write_piece(short[0], folder=tmp_path)
    assert path == tmp_path / "Marrow & Thyme" / "Marrow & Thyme - The Butter Dish Waltz.flac"
    assert path.is_file()


def test_a_name_keeps_nothing_that_a_file_system_may_refuse(short):
    piece = replace(short[0], artist="A/B: C?", title='..\\"Why"...')
    assert str(file_path(piece)) == "A_B_ C_/A_B_ C_ - .._" + "_Why_.flac"


def test_a_file_carries_title_artist_album_and_style(short, tmp_path):
    for piece in short:
        tags = mutagen.File(write_piece(piece, folder=tmp_path)).tags
        assert (tags["title"], tags["artist"], tags["album"], tags["genre"]) == (
            [piece.title],
            [piece.artist],
            [piece.album],
            [piece.style],
        )


@pytest.mark.parametrize("sample_rate_hz", [22_050, 44_100])
def test_a_file_holds_the_sound_of_its_piece_in_16_bits(short, tmp_path, sample_rate_hz):
    path = write_piece(short[0], folder=tmp_path, sample_rate_hz=sample_rate_hz)
    info = soundfile.info(path)
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("FLAC", "PCM_16", 1, sample_rate_hz)
    written, _ = soundfile.read(path, dtype="float32")
    np.testing.assert_allclose(written, render(short[0], sample_rate_hz=sample_rate_hz), atol=1e-4)


def test_writing_a_piece_again_gives_the_same_bytes(short, tmp_path):
    first = write_piece(short[1], folder=tmp_path / "a").read_bytes()
    assert write_piece(short[1], folder=tmp_path / "b").read_bytes() == first


@pytest.mark.parametrize("workers", [1, 2])
def test_a_catalogue_is_written_in_order_whatever_the_count_of_workers(short, tmp_path, workers):
    paths = list(write_catalogue(tmp_path, pieces=short, workers=workers))
    assert paths == [tmp_path / file_path(piece) for piece in short]
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == sorted(paths)


def test_nothing_is_written_before_it_is_asked_for(short, tmp_path):
    paths = write_catalogue(tmp_path, pieces=short, workers=1)
    assert list(tmp_path.iterdir()) == []
    next(paths)
    assert len(list(tmp_path.rglob("*.flac"))) == 1


def test_a_write_that_fails_leaves_no_file_and_keeps_the_old_one(short, tmp_path, monkeypatch):
    before = write_piece(short[0], folder=tmp_path).read_bytes()

    def fail(sound, path, **_):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(files, "_encode", fail)
    with pytest.raises(OSError, match="disk full"):
        write_piece(short[0], folder=tmp_path)
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [before]


def test_less_than_one_worker_is_refused(short, tmp_path):
    with pytest.raises(OptionError, match="workers is 0"):
        list(write_catalogue(tmp_path, pieces=short, workers=0))
