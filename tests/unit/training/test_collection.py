"""The trainer's own music: found in folders and manifests, read at the rate that features need."""

import numpy as np
import pytest
import soundfile

from tunekin.errors import SettingsError
from tunekin_training.collection import Recording, find, read


def tone(path, *, rate_hz=22_050, channels=1, duration_s=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(rate_hz * duration_s)) / rate_hz
    soundfile.write(path, np.stack([0.5 * np.sin(2 * np.pi * 440 * t)] * channels, axis=1), rate_hz)


def test_a_folder_gives_its_sound_files_and_takes_its_folders_for_artists(tmp_path):
    for name in ("b/album/2.wav", "a/1.flac", "loose.ogg"):
        tone(tmp_path / name)
    (tmp_path / "a" / "cover.jpg").touch()
    found = find(tmp_path)
    assert [(one.name, one.artist) for one in found] == [("a/1.flac", "a"), ("b/album/2.wav", "b"), ("loose.ogg", "")]
    assert [one.path for one in found] == [tmp_path / "a/1.flac", tmp_path / "b/album/2.wav", tmp_path / "loose.ogg"]


def test_a_manifest_says_who_plays_and_what_was_felt(tmp_path):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "file,artist,title,licence,emotion_power,emotion_joy\n"
        "x/1.ogg,아이유,Good Day,CC0,0.25,1\n"
        "x/2.ogg,Unknown artist,,,,\n",
        encoding="utf-8-sig",
    )
    first, second = find(manifest)
    assert first == Recording(
        path=tmp_path / "x/1.ogg",
        name="아이유 - Good Day",
        artist="아이유",
        licence="CC0",
        emotions={"power": 0.25, "joy": 1.0},
    )
    assert second == Recording(path=tmp_path / "x/2.ogg", name="x/2.ogg")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\na.ogg\n", "line 2 of .* names no file"),
        ("file,emotion_power\na.ogg,much\n", "line 2 of .*'much'"),
        ("file,emotion_power\na.ogg,0.5\nb.ogg,nan\n", "line 3 of .*nan"),
        ("file\n", "no music"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused_by_its_line(tmp_path, text, message):
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(text)
    with pytest.raises(SettingsError, match=message):
        find(manifest)


def test_a_manifest_that_is_none_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        find(tmp_path / "absent.csv")
    (tmp_path / "sound.ogg").write_bytes(b"OggS\xff\xfe\x80")
    with pytest.raises(SettingsError, match="can't be read"):
        find(tmp_path / "sound.ogg")


def test_a_folder_without_music_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="there is no music in"):
        find(tmp_path)


@pytest.mark.parametrize(("rate_hz", "channels"), [(22_050, 1), (44_100, 2), (48_000, 1)])
def test_sound_is_read_as_mono_at_the_rate_of_the_features(tmp_path, rate_hz, channels):
    tone(tmp_path / "a.wav", rate_hz=rate_hz, channels=channels)
    y = read(Recording(path=tmp_path / "a.wav", name="a"))
    assert y.dtype == np.float32
    assert len(y) == 11_025
    middle = slice(2_000, -2_000)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(11_025) / 22_050)
    np.testing.assert_allclose(y[middle], wanted[middle], atol=1e-3)


def test_what_is_no_sound_is_an_error_of_the_file(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"no sound")
    with pytest.raises(OSError, match=r"a\.wav"):
        read(Recording(path=tmp_path / "a.wav", name="a"))
