"""Music that is easy to tell apart, without any sound."""

import numpy as np

from tunekin.features import FEATURES
from tunekin_training.corpus import Corpus


def corpus(*, kinds: int = 3, tracks: int = 90, cuts: int = 2, spread: float = 0.3, seed: int = 0) -> Corpus:
    """Tracks of several kinds in turn, two tracks an artist; a cut is its track and a little chance."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(0, 2, (kinds, FEATURES.summary_size))
    kind = np.arange(tracks) % kinds
    summaries = centres[kind] + chance.normal(0, spread, (tracks, FEATURES.summary_size))
    # As far from each other as Hz and shares are.
    units = np.geomspace(0.01, 1_000, FEATURES.summary_size)
    noisy = summaries[:, np.newaxis] + chance.normal(0, spread, (3, tracks, cuts, FEATURES.summary_size))
    asked = {"clean": noisy[1], "phone15": noisy[2]} if cuts else {}
    return Corpus(
        names=tuple(f"track {i}" for i in range(tracks)),
        artists=tuple(f"artist {i // 2}" for i in range(tracks)),
        albums=tuple(f"album {i // 4}" for i in range(tracks)),
        licences=("CC0",) * tracks,
        summaries=(summaries * units).astype(np.float32),
        cuts=(noisy[0] * units).astype(np.float32),
        asked_cuts={name: (heard * units).astype(np.float32) for name, heard in asked.items()},
        emotion_names=(),
        emotions=np.zeros((tracks, 0)),
    )


def emotional(music: Corpus, *, kinds: int = 3, seed: int = 0) -> Corpus:
    """The same music, with a feeling for each kind of track."""
    chance = np.random.default_rng(seed)
    felt = np.eye(kinds)[np.arange(len(music.names)) % kinds] + chance.normal(0, 0.1, (len(music.names), kinds))
    return changed(music, emotion_names=tuple(f"feeling {i}" for i in range(kinds)), emotions=felt)


def changed(music: Corpus, **changes: object) -> Corpus:
    """The same music but for some of what is known of it."""
    known = {name: getattr(music, name) for name in music.__dataclass_fields__}
    return Corpus(**(known | changes))
