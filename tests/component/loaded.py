"""A small catalogue for the tests of what people touch."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.component.embedded.sounds import write_wav
from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_demo.compose import Piece, catalogue, render, write_catalogue
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find
from tunekin_embedded.track_lane import load


@dataclass(frozen=True)
class Loaded:
    """A catalogue of composed pieces, and one of them as a phone hears it."""

    parts: Parts
    pieces: list[Piece]
    recorded: Path
    home: Path


@contextlib.contextmanager
def loading(folder: Path) -> Iterator[Loaded]:
    """Compose pieces and load them; the folder is gone at the end."""
    pieces = list({piece.artist: piece for piece in catalogue()}.values())[:7]
    music = folder / "my music"
    assert list(write_catalogue(music, pieces=pieces))
    rate = FEATURES.sample_rate_hz
    heard = bad_microphone.cut(render(pieces[3]), start_s=10.0, duration_s=8.0, sample_rate_hz=rate)
    noisy = bad_microphone.add_noise(heard, snr_db=25.0, seed=1)
    recorded = write_wav(noisy, folder / "recorded.wav")
    with Parts(Home(folder / "home").prepare(), settings=EmbeddedSettings.read()) as parts:
        assert {outcome.status for outcome in load(parts, find(music))} == {"added"}
        yield Loaded(parts=parts, pieces=pieces, recorded=recorded, home=folder / "home")
    shutil.rmtree(folder)
