"""What happens to sound after it was made: filters, rooms, saturation, echoes.

Signals are mono float arrays of ``n`` samples; every function returns a new float32 array of the same length unless it
says otherwise.
"""

from functools import lru_cache

import numpy as np
import scipy.signal
from numpy.typing import NDArray

__all__ = ["band", "convolve", "diffuse_tail", "drive", "echo", "pump", "tremolo", "wobble"]

# A filter's edge needs some room below half the sample rate.
_HIGHEST_EDGE = 0.45


@lru_cache(maxsize=256)
def _butterworth(
    low_hz: float | None, high_hz: float | None, order: int, sample_rate_hz: int
) -> NDArray[np.float64] | None:
    """Second-order sections of a high-pass, low-pass or band-pass filter, or none where both edges are open."""
    highest_hz = _HIGHEST_EDGE * sample_rate_hz
    if high_hz is not None and high_hz >= highest_hz:
        high_hz = None
    if low_hz is not None:
        low_hz = min(low_hz, highest_hz)
    if low_hz is None and high_hz is None:
        return None
    edges, kind = (
        (high_hz, "lowpass")
        if low_hz is None
        else (low_hz, "highpass")
        if high_hz is None
        else ((low_hz, high_hz), "bandpass")
    )
    sections: NDArray[np.float64] = scipy.signal.butter(order, edges, btype=kind, fs=sample_rate_hz, output="sos")
    return sections


def band(
    y: NDArray[np.floating],
    *,
    sample_rate_hz: int,
    low_hz: float | None = None,
    high_hz: float | None = None,
    order: int = 2,
) -> NDArray[np.float32]:
    """Keep a band of frequencies with a causal Butterworth filter.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    sample_rate_hz : int
        Its sample rate.
    low_hz, high_hz : float, optional
        Where the filter takes 3 dB; an unset edge is open, and so is an upper edge near half the sample rate.
    order : int
        Order of the low-pass prototype; each edge falls by 6 dB an octave for each.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The filtered signal.
    """
    sections = _butterworth(low_hz, high_hz, order, sample_rate_hz)
    if sections is None:
        return np.array(y, dtype=np.float32)
    # In float64: the sections of a narrow low band lose their poles' place in float32.
    return np.asarray(scipy.signal.sosfilt(sections, np.asarray(y, dtype=np.float64)), dtype=np.float32)


def convolve(y: NDArray[np.floating], *, response: NDArray[np.floating]) -> NDArray[np.float32]:
    """Convolve a signal with an impulse response and keep the signal's length.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    response : np.ndarray [shape=(m,)]
        Impulse response.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The first ``n`` samples of the convolution.
    """
    wet = scipy.signal.oaconvolve(np.asarray(y, dtype=np.float32), np.asarray(response, dtype=np.float32))
    return np.asarray(wet[: len(y)], dtype=np.float32)


def diffuse_tail(*, rt60_s: float, sample_rate_hz: int, seed: int) -> NDArray[np.float32]:
    """Make the impulse response of a diffuse room: Gaussian noise that decays by 60 dB in `rt60_s`.

    Parameters
    ----------
    rt60_s : float
        Reverberation time, in seconds.
    sample_rate_hz : int
        Sample rate.
    seed : int
        Which room of that size.

    Returns
    -------
    np.ndarray [shape=(m,), dtype=float32]
        Impulse response of ``1.2 * rt60_s`` seconds, energy 1.

    References
    ----------
    J. A. Moorer, "About this reverberation business", Computer Music Journal 3(2), 1979.
    """
    n = max(1, round(1.2 * rt60_s * sample_rate_hz))
    time_s = np.arange(n) / sample_rate_hz
    noise = np.random.default_rng(seed).standard_normal(n)
    tail = noise * 10.0 ** (-3.0 * time_s / rt60_s)
    return np.asarray(tail / np.sqrt(np.sum(tail**2)), dtype=np.float32)


def drive(y: NDArray[np.floating], *, amount: float) -> NDArray[np.float32]:
    """Saturate softly, with the hyperbolic tangent, relative to the signal's own peak.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    amount : float
        Gain into the saturation; 1 is barely heard, 20 is a distorted guitar.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        Saturated signal with the peak of `y`.
    """
    y = np.asarray(y, dtype=np.float32)
    peak = float(np.max(np.abs(y), initial=0.0))
    if peak == 0.0:
        return y.copy()
    return np.asarray(peak / np.tanh(amount) * np.tanh(amount / peak * y), dtype=np.float32)


def echo(
    y: NDArray[np.floating], *, delay_s: float, feedback: float, sample_rate_hz: int, repeats: int = 4
) -> NDArray[np.float32]:
    """Add echoes, each weaker than the one before.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    delay_s : float
        Time between echoes.
    feedback : float
        Amplitude of each echo relative to the one before, below 1.
    sample_rate_hz : int
        Sample rate.
    repeats : int
        Count of echoes.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The signal with its echoes; what falls behind its end is dropped.
    """
    out = np.array(y, dtype=np.float32)
    for repeat in range(1, repeats + 1):
        delay = round(repeat * delay_s * sample_rate_hz)
        if delay >= len(out):
            break
        out[delay:] += np.float32(feedback**repeat) * np.asarray(y[: len(y) - delay], dtype=np.float32)
    return out


def pump(
    y: NDArray[np.floating], *, beat_s: float, offset_s: float, depth: float, sample_rate_hz: int
) -> NDArray[np.float32]:
    """Duck the signal on every beat, as a compressor keyed by the bass drum does.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    beat_s : float
        Time between beats.
    offset_s : float
        Time of a beat.
    depth : float
        Share of the amplitude that is gone on the beat, 0 to 1.
    sample_rate_hz : int
        Sample rate.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The ducked signal.
    """
    phase = ((np.arange(len(y)) / sample_rate_hz - offset_s) / beat_s) % 1.0
    return np.asarray(y * (1.0 - depth * (1.0 - phase) ** 2), dtype=np.float32)


def tremolo(y: NDArray[np.floating], *, rate_hz: float, depth: float, sample_rate_hz: int) -> NDArray[np.float32]:
    """Vary the amplitude like a sine.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    rate_hz : float
        Frequency of the variation.
    depth : float
        Share of the amplitude that comes and goes, 0 to 1.
    sample_rate_hz : int
        Sample rate.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The varied signal.
    """
    sway = 0.5 + 0.5 * np.cos(2.0 * np.pi * rate_hz / sample_rate_hz * np.arange(len(y)))
    return np.asarray(y * (1.0 - depth * sway), dtype=np.float32)


def wobble(y: NDArray[np.floating], *, rate_hz: float, depth_s: float, sample_rate_hz: int) -> NDArray[np.float32]:
    """Vary the speed a little, as a worn tape does.

    Parameters
    ----------
    y : np.ndarray [shape=(n,)]
        Signal.
    rate_hz : float
        Frequency of the variation.
    depth_s : float
        How far, in seconds, the sound lags and returns.
    sample_rate_hz : int
        Sample rate.

    Returns
    -------
    np.ndarray [shape=(n,), dtype=float32]
        The signal on a worn tape.
    """
    at = np.arange(len(y), dtype=np.float64)
    lag = 0.5 * depth_s * sample_rate_hz * (1.0 - np.cos(2.0 * np.pi * rate_hz / sample_rate_hz * at))
    return np.asarray(np.interp(at - lag, at, y), dtype=np.float32)
