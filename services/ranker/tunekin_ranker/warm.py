"""Run every compiled loop once, so that no clip waits for a compiler."""

import numpy as np

from tunekin.features import FEATURES, FeatureVersion
from tunekin_ranker.dtw import Clip
from tunekin_ranker.index import Index, Track
from tunekin_ranker.search import search
from tunekin_ranker.taste import Song, Taste
from tunekin_ranker.versions import Candidate, are_versions

__all__ = ["warm_up", "warm_up_versions"]

# More than a search compares before it looks at floors, and more frames than a tile has lanes.
_TRACKS, _FRAMES = 80, 100


def warm_up(*, version: FeatureVersion = FEATURES) -> None:
    """Search among noise.

    Numba compiles a loop anew for arrays that must not be written, such as those of a kept snapshot, so there are two
    rounds. What was compiled before, at installation, is only loaded.

    Parameters
    ----------
    version : FeatureVersion
        Supplies ``n_mfcc``.
    """
    noise = np.random.default_rng(0).normal(size=(_TRACKS, _FRAMES, version.n_mfcc)).astype(np.float16)
    views = np.ones(version.views_size, np.float16)
    index = Index.build(Track(track_id=str(number), frames=frames, views=views) for number, frames in enumerate(noise))
    Taste(likes={"another": Song(title="", views=views)}, dislikes={}, version=version).shifts(index)
    clip = Clip(noise[0, 10:])
    search(index, clip, k=1)
    for segment, _ in index.parts:
        for part in (segment.frames, segment.sketches):
            for name in part.__slots__:
                array = getattr(part, name)
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False
    search(index, clip, k=1)


def warm_up_versions(*, version: FeatureVersion = FEATURES) -> None:
    """Tell noise from itself.

    Parameters
    ----------
    version : FeatureVersion
        Supplies ``n_mfcc``.
    """
    noise = np.random.default_rng(0).normal(size=(_FRAMES, version.n_mfcc)).astype(np.float16)
    # As they come from the catalogue.
    noise.flags.writeable = False
    track = Candidate(frames=lambda: noise)
    are_versions(track, track, version=version)
