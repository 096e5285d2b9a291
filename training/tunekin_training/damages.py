"""Kinds of damage to cuts that views are learned from: what the way into a phone does, as strongly as chance has it."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder

__all__ = ["CUT_S", "Damage", "cut", "damages"]

CUT_S = 6.0
_RATE = FEATURES.sample_rate_hz

_Signal: TypeAlias = NDArray[np.float32]
Damage: TypeAlias = Callable[[_Signal, np.random.Generator], _Signal]


def cut(y: _Signal, chance: np.random.Generator) -> _Signal:
    """Take a cut of 6 s at a random place, or all of what is shorter.

    Parameters
    ----------
    y : np.ndarray [shape=(n,), dtype=float32]
        Signal at the feature version's sample rate.
    chance : np.random.Generator
        Says where.

    Returns
    -------
    np.ndarray [shape=(m,), dtype=float32]
        The cut.
    """
    length_s = y.size / _RATE
    duration_s = min(CUT_S, length_s)
    start_s = chance.uniform(0.0, length_s - duration_s)
    return bad_microphone.cut(y, start_s=start_s, duration_s=duration_s, sample_rate_hz=_RATE)


def damages(decoder: SandboxedDecoder) -> tuple[Damage, ...]:
    """List kinds of damage: none, noise of three kinds, a telephone, a room, a noisy room, two codecs, clipping.

    Parameters
    ----------
    decoder : SandboxedDecoder
        Decodes what codecs made.

    Returns
    -------
    tuple of callable
        Each takes a cut and chance, and gives what is heard of it, of the same length but for codecs.
    """

    def noise(y: _Signal, chance: np.random.Generator, *, low: float, high: float, white: bool) -> _Signal:
        return bad_microphone.add_noise(
            y,
            snr_db=chance.uniform(low, high),
            colour="white" if white else "pink",
            seed=int(chance.integers(2**31)),
        )

    def phone(y: _Signal, chance: np.random.Generator) -> _Signal:
        return noise(bad_microphone.telephone_band(y, sample_rate_hz=_RATE), chance, low=8.0, high=25.0, white=True)

    def room(y: _Signal, chance: np.random.Generator) -> _Signal:
        return bad_microphone.room(
            bad_microphone.small_speaker(y, sample_rate_hz=_RATE),
            sample_rate_hz=_RATE,
            rt60_s=chance.uniform(0.3, 0.9),
            direct_to_reverberant_db=chance.uniform(0.0, 8.0),
            seed=int(chance.integers(2**31)),
        )

    def codec(name: bad_microphone.Codec, low: int, high: int) -> Damage:
        def damaged(y: _Signal, chance: np.random.Generator) -> _Signal:
            played = np.clip(bad_microphone.gain(y, gain_db=chance.uniform(-20.0, 6.0)), -1.0, 1.0)
            bitrate_bps = 1000 * int(chance.integers(low, high))
            data = bad_microphone.encode(played, sample_rate_hz=_RATE, codec=name, bitrate_bps=bitrate_bps)
            return decoder.decode(data).signal

        return damaged

    def clipped(y: _Signal, chance: np.random.Generator) -> _Signal:
        peak = max(float(np.abs(y).max()), float(np.finfo(np.float32).tiny))
        loud = bad_microphone.gain(y / np.float32(peak), gain_db=chance.uniform(3.0, 15.0))
        return np.clip(loud, np.float32(-1.0), np.float32(1.0))

    return (
        lambda y, _: y,
        lambda y, chance: noise(y, chance, low=15.0, high=25.0, white=True),
        lambda y, chance: noise(y, chance, low=3.0, high=12.0, white=True),
        lambda y, chance: noise(y, chance, low=5.0, high=20.0, white=False),
        phone,
        room,
        lambda y, chance: noise(room(y, chance), chance, low=8.0, high=20.0, white=False),
        codec("mp3", 16, 48),
        codec("opus", 12, 32),
        clipped,
    )
