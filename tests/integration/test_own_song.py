"""A recording of a song in the catalogue finds that song, and the moment in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from tests.conftest import Music
from tunekin.features import FEATURES
from tunekin.messages import Answer, ClipOptions, Match, Track
from tunekin_demo import bad_microphone
from tunekin_embedded.clip_lane import ClipLane
from tunekin_embedded.home import Home
from tunekin_embedded.parts import Parts
from tunekin_embedded.settings import EmbeddedSettings
from tunekin_embedded.sound_files import find, local_path
from tunekin_embedded.track_lane import load

RATE = FEATURES.sample_rate_hz
CUTS = 100
CLIP_S = 6.0
# Of 100. Music repeats itself, composed music to the note and in two tempi: there a recording often fits another
# moment, or the other version, as well as its own. Measured were 9, of which 7 are such moments.
MOST_MISSED_REAL, MOST_MISSED_COMPOSED = 12, 15


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory, test_music: Music) -> Iterator[Parts]:
    """A catalogue of all the music that tests may hear."""
    with Parts(Home(tmp_path_factory.mktemp("home")).prepare(), settings=EmbeddedSettings.read()) as parts:
        failed = [outcome for outcome in load(parts, find(test_music.folder)) if outcome.status == "failed"]
        assert failed == []
        yield parts


@dataclass(frozen=True)
class Cut:
    """A recorded moment of a song, and what came of it."""

    song: Track
    start_s: float
    answer: Answer

    @property
    def found(self) -> Match | None:
        """What the listener takes for the song."""
        return self.answer.identified or next(iter(self.answer.matches), None)

    def is_found(self, *, within_s: float) -> bool:
        """Whether the song is found at its moment."""
        if self.found is None:
            return False
        same = self.found.track_id == self.song.track_id
        return same and abs(self.found.track_span_s[0] - self.start_s) <= within_s


def record(parts: Parts, lane: ClipLane, song: Track, chance: np.random.Generator) -> Cut:
    """Cut 6 s out of a song, add noise 20 dB below the music, change the gain, and encode at 64 kbit/s."""
    pcm = parts.decoder.decode(local_path(song.source_uri).read_bytes())
    start_s = chance.uniform(0.0, pcm.duration_s - CLIP_S)
    heard = bad_microphone.cut(pcm.signal, start_s=start_s, duration_s=CLIP_S, sample_rate_hz=RATE)
    noisy = bad_microphone.add_noise(heard, snr_db=20.0, seed=int(chance.integers(2**31)))
    # What is too loud for the converter is cut off, as in every recorder.
    played = np.clip(bad_microphone.gain(noisy, gain_db=chance.uniform(-20.0, 6.0)), -1.0, 1.0)
    data = bad_microphone.encode(played, sample_rate_hz=RATE, codec="mp3", bitrate_bps=64_000)
    return Cut(song, start_s, lane.answer(data, options=ClipOptions()))


@pytest.mark.timeout(600)
def test_noisy_recordings_at_any_level_find_their_song_and_moment(parts: Parts, test_music: Music) -> None:
    chance = np.random.default_rng(20_261_122)
    songs = [song for song in parts.reader.list_tracks(limit=10_000, after=None) if song.duration_s > CLIP_S]
    lane = ClipLane(parts)
    chosen = chance.choice(len(songs), CUTS, replace=len(songs) < CUTS)
    cuts = [record(parts, lane, songs[number], chance) for number in chosen]
    lane.close()
    missed = [
        f"{cut.song.artist}: {cut.song.title} at {cut.start_s:.1f} s, found {cut.found}"
        for cut in cuts
        if not cut.is_found(within_s=0.5)
    ]
    most_missed = MOST_MISSED_REAL if test_music.is_real else MOST_MISSED_COMPOSED
    assert len(missed) <= most_missed, "\n".join(missed)
    assert all(cut.answer.search is not None and cut.answer.search.proven for cut in cuts)
