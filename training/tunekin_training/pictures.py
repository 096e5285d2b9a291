"""Pictures of sound, as a network looks at it: mel levels relative to the local peak, in 64 bands and steps of 46 ms.

A picture is 8 bits deep: 0 is the floor, 40 dB below the loudest band within 6 s, and 255 that band itself. So neither
the recording's level nor noise below the floor shows.
"""

import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES, FeatureVersion
from tunekin_featurizer.descriptor import describe
from tunekin_featurizer.featurize import analyse, columns_of
from tunekin_featurizer.mfcc import levels_db, local_peak_db, mel_power, relative_db
from tunekin_featurizer.stft import magnitude
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits
from tunekin_training.collection import Recording
from tunekin_training.damages import cut, damages
from tunekin_training.steps import Arrays
from tunekin_training.views import sounds

__all__ = ["BANDS", "hear_step", "picture"]

# Neighbouring bands, and neighbouring columns, that are averaged.
_BANDS_TOGETHER, _COLUMNS_TOGETHER = 2, 2
BANDS = FEATURES.n_mels // _BANDS_TOGETHER
_DEPTH = 255
# Cuts of a track that are learnt from, for each kind of damage, each at a place of its own.
_EACH = 2


def picture(relative: NDArray[np.float32], *, version: FeatureVersion = FEATURES) -> NDArray[np.uint8]:
    """Draw a sound.

    Parameters
    ----------
    relative : np.ndarray [shape=(n_mels, t), dtype=float32]
        Levels as `tunekin_featurizer.mfcc.relative_db` gives them, of at least two columns.
    version : FeatureVersion
        Supplies ``floor_db``.

    Returns
    -------
    np.ndarray [shape=(BANDS, t // 2), dtype=uint8]
        The picture; a last column without a partner is dropped.

    Examples
    --------
    >>> picture(np.full((128, 5), -20.0, np.float32)).shape
    (64, 2)
    """
    t = relative.shape[1] // _COLUMNS_TOGETHER
    pairs = relative[:, : t * _COLUMNS_TOGETHER].reshape(-1, _BANDS_TOGETHER, t, _COLUMNS_TOGETHER)
    above = pairs.mean(axis=(1, 3)) + version.floor_db
    return np.round(above * (_DEPTH / version.floor_db)).astype(np.uint8)


def hear_step(path: str, content: str, name: str) -> Arrays:  # noqa: ARG001 -- what is kept depends on the bytes
    """Hear one recording; a step of `tunekin_training.steps`.

    Parameters
    ----------
    path : str
        The file.
    content : str
        Hash of its bytes.
    name : str
        What a report calls the recording; decides where it is cut.

    Returns
    -------
    mapping of str to np.ndarray
        ``descriptors`` of what `tunekin_training.views.sounds` gives; pictures ``whole`` and ``asked``, its cuts.
        ``learnt`` are pictures of twenty other cuts, each at a place of its own and damaged in some way.
    """
    recording = Recording(path=Path(path), name=name)
    with SandboxedDecoder(DecodeLimits()) as decoder:
        heard = sounds(recording, decoder)
        chance = np.random.default_rng(zlib.crc32(name.encode()))
        learnt = [damage(cut(heard[0], chance), chance) for damage in damages(decoder) * _EACH]
    analyses = [analyse(one) for one in heard]
    whole, *asked = (picture(one.relative) for one in analyses)
    return {
        "descriptors": np.array([describe(columns_of(one)) for one in analyses]),
        "whole": whole,
        "asked": _of_one_width(asked),
        "learnt": _of_one_width([picture(_relative(one)) for one in learnt]),
    }


def _relative(y: NDArray[np.float32]) -> NDArray[np.float32]:
    levels = levels_db(mel_power(magnitude(y)))
    return relative_db(levels, peak_db=local_peak_db(levels), floor_db=FEATURES.floor_db)


def _of_one_width(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Leave out what codecs added at the end."""
    width = min(one.shape[1] for one in pictures)
    return np.stack([one[:, :width] for one in pictures])
