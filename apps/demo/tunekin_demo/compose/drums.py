"""Drums: each stroke a short sound of noise, sweeps and resonances.

A stroke's `tuning` is a factor on its pitches, so that every piece has a kit of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunekin_demo.compose.effects import band

__all__ = ["DRUMS", "Stroke"]

Floats = NDArray[np.float32]


class Stroke(Protocol):
    """Makes the sound of one drum."""

    def __call__(self, *, sample_rate_hz: int, tuning: float) -> Floats:
        """Make the sound of one stroke.

        Parameters
        ----------
        sample_rate_hz : int
            Sample rate.
        tuning : float
            Factor on its pitches; 1 is usual.

        Returns
        -------
        np.ndarray [shape=(n,), dtype=float32]
            The stroke, peak 1.
        """
        ...  # pragma: no cover


# Any number; a kit is told apart by its tuning.
_NOISE_SEED = 48


def _time_s(length_s: float, sample_rate_hz: int) -> NDArray[np.float64]:
    return np.arange(max(1, round(length_s * sample_rate_hz))) / sample_rate_hz


def _finish(y: NDArray[np.floating]) -> Floats:
    """Peak 1, and a last moment that fades to zero."""
    fade = np.minimum(1.0, np.arange(len(y), 0, -1) / max(1.0, 0.1 * len(y)))
    y = y * fade
    return np.asarray(y / max(1e-9, float(np.max(np.abs(y)))), dtype=np.float32)


def _drum(
    *,
    high_hz: float,
    low_hz: float,
    fall_s: float,
    decay_s: float,
    click: float = 0.0,
    square: float = 0.0,
) -> Stroke:
    """Make a membrane: a tone that falls from one pitch to another, with some noise of the stick."""

    def stroke(*, sample_rate_hz: int, tuning: float) -> Floats:
        time_s = _time_s(5.0 * decay_s, sample_rate_hz)
        hz = tuning * (low_hz + (high_hz - low_hz) * np.exp(-time_s / fall_s))
        tone = np.sin(2.0 * np.pi * np.cumsum(hz) / sample_rate_hz)
        tone = (1.0 - square) * tone + square * np.sign(tone)
        noise = np.random.default_rng(_NOISE_SEED).standard_normal(len(time_s))
        stick = click * band(noise, low_hz=1_500.0, sample_rate_hz=sample_rate_hz) * np.exp(-time_s / 0.004)
        return _finish(tone * np.exp(-time_s / decay_s) + stick)

    return stroke


def _noise(
    *,
    low_hz: float,
    high_hz: float,
    decay_s: float,
    attack_s: float = 0.0005,
    tone_hz: float | None = None,
    bursts: int = 1,
) -> Stroke:
    """Make a rattle: noise in a band, with a tone below it or in several quick bursts."""

    def stroke(*, sample_rate_hz: int, tuning: float) -> Floats:
        time_s = _time_s(5.0 * decay_s, sample_rate_hz)
        white = np.random.default_rng(_NOISE_SEED + 1).standard_normal(len(time_s))
        noise = band(white, low_hz=low_hz * tuning, high_hz=high_hz * tuning, sample_rate_hz=sample_rate_hz)
        # Hands of a clap fall some 12 ms apart; each takes over from the one before.
        since_s = np.where(time_s < 0.012 * (bursts - 1), time_s % 0.012, time_s - 0.012 * (bursts - 1))
        sound = noise * np.minimum(1.0, since_s / attack_s) * np.exp(-since_s / decay_s)
        if tone_hz is not None:
            body = np.sin(2.0 * np.pi * tuning * tone_hz * time_s) * np.exp(-time_s / (0.6 * decay_s))
            sound = sound / np.max(np.abs(sound)) + 0.8 * body
        return _finish(sound)

    return stroke


def _metal(*, base_hz: float, low_hz: float, decay_s: float) -> Stroke:
    """Make a cymbal: six square waves of no common fundamental, with noise, above `low_hz`."""

    def stroke(*, sample_rate_hz: int, tuning: float) -> Floats:
        time_s = _time_s(5.0 * decay_s, sample_rate_hz)
        ratios = np.array([[1.0], [1.342], [1.2312], [1.6532], [1.9523], [2.1523]])
        metal = np.sum(np.sign(np.sin(2.0 * np.pi * tuning * base_hz * ratios * time_s)), axis=0)
        noise = np.random.default_rng(_NOISE_SEED + 2).standard_normal(len(time_s))
        ring = band(metal + 2.0 * noise, low_hz=low_hz * tuning, sample_rate_hz=sample_rate_hz, order=4)
        return _finish(ring * np.exp(-time_s / decay_s))

    return stroke


DRUMS: Mapping[str, Stroke] = MappingProxyType(
    {
        "kick": _drum(high_hz=160.0, low_hz=52.0, fall_s=0.03, decay_s=0.10, click=0.3),
        "house kick": _drum(high_hz=220.0, low_hz=48.0, fall_s=0.035, decay_s=0.14, click=0.2),
        "soft kick": _drum(high_hz=95.0, low_hz=55.0, fall_s=0.03, decay_s=0.09, click=0.05),
        "surdo": _drum(high_hz=80.0, low_hz=62.0, fall_s=0.05, decay_s=0.16, click=0.03),
        "tom": _drum(high_hz=190.0, low_hz=110.0, fall_s=0.06, decay_s=0.14, click=0.1),
        "chip kick": _drum(high_hz=380.0, low_hz=45.0, fall_s=0.025, decay_s=0.07, square=0.6),
        "rim": _drum(high_hz=1_750.0, low_hz=1_700.0, fall_s=0.01, decay_s=0.012, click=0.8),
        "block": _drum(high_hz=900.0, low_hz=880.0, fall_s=0.01, decay_s=0.03, click=0.2),
        "snare": _noise(low_hz=700.0, high_hz=8_000.0, decay_s=0.09, tone_hz=185.0),
        "big snare": _noise(low_hz=500.0, high_hz=7_500.0, decay_s=0.16, tone_hz=165.0),
        "dusty snare": _noise(low_hz=500.0, high_hz=4_500.0, decay_s=0.08, tone_hz=200.0),
        "chip snare": _noise(low_hz=1_500.0, high_hz=9_500.0, decay_s=0.05),
        "clap": _noise(low_hz=900.0, high_hz=5_000.0, decay_s=0.06, bursts=3),
        "brush": _noise(low_hz=1_800.0, high_hz=7_500.0, decay_s=0.07, attack_s=0.02),
        "shaker": _noise(low_hz=4_500.0, high_hz=9_500.0, decay_s=0.03, attack_s=0.015),
        "chip hat": _noise(low_hz=6_000.0, high_hz=9_800.0, decay_s=0.012),
        "hat": _metal(base_hz=540.0, low_hz=6_500.0, decay_s=0.025),
        "open hat": _metal(base_hz=540.0, low_hz=6_000.0, decay_s=0.12),
        "ride": _metal(base_hz=430.0, low_hz=4_500.0, decay_s=0.18),
        "crash": _metal(base_hz=410.0, low_hz=3_500.0, decay_s=0.45),
        # A sweep of noise that swells into the next section.
        "riser": lambda *, sample_rate_hz, tuning: _riser(sample_rate_hz=sample_rate_hz, tuning=tuning),
    }
)


def _riser(*, sample_rate_hz: int, tuning: float) -> Floats:
    """Noise that swells for a bar or so."""
    time_s = _time_s(1.8, sample_rate_hz)
    white = np.random.default_rng(_NOISE_SEED + 3).standard_normal(len(time_s))
    noise = band(white, low_hz=1_200.0 * tuning, high_hz=7_000.0, sample_rate_hz=sample_rate_hz)
    return _finish(noise * (time_s / time_s[-1]) ** 2)
