"""Time the featurizer against the librosa calls that it replaces and against bliss-audio, and judge its tempi.

``python -m benchmarks.featurizer [FILES...]`` takes sound files: the first 30 s of each for what is compared with
librosa, all of it for what is compared with bliss-audio. Without files it composes its own music: excerpts, and whole
songs of 4 min as stereo MP3 at 44,100 Hz. Every pair of figures comes from one run, on the same input, by turns.

*Naive* is every librosa call on the signal, one after another, each making its own spectrogram: centroid, rolloff,
zero-crossing rate, chroma, beat tracking, HPSS of an STFT (without the transforms back) and 20 MFCC. Both sides run on
one thread and are measured in processor time, the best of their rounds, so that a busy machine tells little.

Figures of all cores are wall time: ours in as many worker processes as cores, each with its own sandboxed decoder, as a
bulk load has them; bliss-audio with as many threads. Its ratios are medians of neighbouring rounds.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import librosa
import numpy as np
import soundfile
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks import bliss, report, tempo
from tunekin.features import FEATURES
from tunekin.process_pool import ONE_THREAD, process_pool
from tunekin_demo.compose import catalogue, render
from tunekin_featurizer.featurize import featurize
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits

__all__ = ["main", "measure"]

SAMPLE_RATE_HZ = FEATURES.sample_rate_hz
_CLIP_S, _TRACK_S, _LONG_S = 6.0, 30.0, 600.0

# The naive side takes seconds a round, and the best of three settles its figure within a few per cent.
_ROUNDS = 3
# Our side takes milliseconds, so one interruption would count for much: more of its rounds a turn.
_OURS_A_ROUND = 5
# Rounds of all cores, each with our turn and bliss-audio's.
_TURNS = 5
# Tracks that each core gets, where nothing is decoded.
_TRACKS_A_CORE = 16

_SONGS, _SONG_S, _SONG_RATE_HZ = 6, 240.0, 44_100
_CLICKS = 24

_FIRST_CLIP = """
import numpy as np
from tunekin_featurizer.featurize import featurize
featurize(np.random.default_rng(0).normal(0, 0.1, 132_300).astype(np.float32))
"""

# The process that takes tracks: what it holds is the message, and what comes of it.
_LONG_SONG = """
from pathlib import Path
import numpy as np
from tunekin.messages import Audio, Track, TrackSubject
from tunekin_featurizer.service import service
minutes = (np.random.default_rng(i).normal(0, 3_000, 60 * 22_050).astype("<i2").tobytes() for i in range(10))
pcm = b"".join(minutes)
handle = service(topics=("tracks.audio",)).handle
def peak_kb():
    # Not `getrusage`, whose peak begins with the parent's.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before_kb = peak_kb()
list(handle(Audio(subject=TrackSubject(track=Track(track_id="0")), pcm=pcm, sample_rate_hz=22_050)))
print(before_kb, peak_kb())
"""


def measure(files: Sequence[Path], *, folder: Path) -> dict[str, float | None]:
    """Measure all figures.

    Parameters
    ----------
    files : sequence of Path
        Sound files of 30 s and more; none to compose some.
    folder : Path
        Scratch folder for what is composed, and for samples.

    Returns
    -------
    dict of str to float or None
        ``ratio_naive_6s``, ``ratio_naive_30s``
            Naive time ÷ ours, one thread.
        ``realtime_one_core``, ``realtime_all_cores``
            Seconds of a 30 s track done in a second, without decoding.
        ``growth_6s_10min``
            Time for a second of sound in 10 min of it ÷ the same in 6 s of it; 1 is linear.
        ``realtime_files``, ``ratio_bliss``
            Seconds of whole files done in a second on all cores, decoding included, and bliss-audio's time ÷ ours.
        ``ratio_bliss_samples``
            The same without decoding.
        ``tempo_accuracy1``, ``tempo_accuracy2``, ``tempo_accuracy1_librosa``, ``tempo_accuracy2_librosa``
            Shares of the tempi found, of pieces that nothing was learnt from and of metronomes.
        ``cold_start_s``
            From the start of a process to the end of its first call, compiled code in its cache.
        ``peak_mb_10min``
            Most memory that a process has had after a message with a song of 10 min.
    """
    songs = list(files) or list(_whole_songs(folder))
    signals = [librosa.load(path, sr=SAMPLE_RATE_HZ, mono=True, duration=_TRACK_S)[0] for path in songs]
    return {
        **_against_naive(signals),
        **_all_cores(signals, songs, folder=folder),
        **_tempi(),
        "cold_start_s": _cold_start_s(),
        "peak_mb_10min": _peak_mb(),
    }


def main(arguments: Sequence[str]) -> None:
    """Measure, print the table and write ``featurizer.json``.

    Parameters
    ----------
    arguments : sequence of str
        Sound files; none to compose some.
    """
    with tempfile.TemporaryDirectory() as folder:
        figures = measure([Path(path).resolve() for path in arguments], folder=Path(folder))
    report.show("featurizer", figures)
    print(report.write("featurizer", figures))


def _naive(y: NDArray[np.float32]) -> None:
    """Everything that the featurizer computes, as one writes it first."""
    librosa.feature.spectral_centroid(y=y, sr=SAMPLE_RATE_HZ)
    librosa.feature.spectral_rolloff(y=y, sr=SAMPLE_RATE_HZ)
    librosa.feature.zero_crossing_rate(y)
    librosa.feature.chroma_stft(y=y, sr=SAMPLE_RATE_HZ)
    librosa.beat.beat_track(y=y, sr=SAMPLE_RATE_HZ)
    librosa.decompose.hpss(librosa.stft(y))
    librosa.feature.mfcc(y=y, sr=SAMPLE_RATE_HZ, n_mfcc=20)


def _against_naive(signals: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """Figures of one thread."""
    figures = {}
    with threadpool_limits(limits=1):
        for name, duration_s in (("6s", _CLIP_S), ("30s", _TRACK_S)):
            cuts = [np.resize(y, round(duration_s * SAMPLE_RATE_HZ)) for y in signals]
            naive_s, ours_s = _by_turns(cuts)
            figures[f"ratio_naive_{name}"] = naive_s / ours_s
            figures["realtime_one_core"] = duration_s * len(cuts) / ours_s
        long = np.resize(np.concatenate(signals), round(_LONG_S * SAMPLE_RATE_HZ))
        clip = long[: round(_CLIP_S * SAMPLE_RATE_HZ)]
        rounds = [(_seconds(featurize, [clip] * 20) / 20, _seconds(featurize, [long])) for _ in range(_ROUNDS)]
        clip_s, long_s = (min(times) for times in zip(*rounds, strict=True))
        figures["growth_6s_10min"] = long_s / _LONG_S / (clip_s / _CLIP_S)
    return figures


def _by_turns(cuts: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Best times of both sides for all cuts, in seconds."""
    # Imports and compilation are the cold start's.
    _naive(cuts[0])
    featurize(cuts[0])
    naive_s, ours_s = np.inf, np.inf
    for _ in range(_ROUNDS):
        naive_s = min(naive_s, _seconds(_naive, cuts))
        ours_s = min(ours_s, *(_seconds(featurize, cuts) for _ in range(_OURS_A_ROUND)))
    return naive_s, ours_s


def _seconds(function: Callable[[NDArray[np.float32]], object], cuts: Sequence[NDArray[np.float32]]) -> float:
    """Processor time that `function` takes for all cuts."""
    started = process_time()
    for cut in cuts:
        function(cut)
    return process_time() - started


def _all_cores(
    signals: Sequence[NDArray[np.float32]], songs: Sequence[Path], *, folder: Path
) -> dict[str, float | None]:
    """Figures of all cores, ours and bliss-audio's by turns."""
    cores = len(os.sched_getaffinity(0))
    tracks = [
        np.resize(signals[i % len(signals)], round(_TRACK_S * SAMPLE_RATE_HZ)) for i in range(cores * _TRACKS_A_CORE)
    ]
    samples = []
    for i, y in enumerate(tracks):
        samples.append(folder / f"{i}.f32")
        y.tofile(samples[-1])
    program = bliss.built()
    songs_s = sum(soundfile.info(path).duration for path in songs)
    tracks_s = _TRACK_S * len(tracks)
    with process_pool(cores, initializer=_begin) as pool:

        def ours(function: Callable[[Path], None], paths: Sequence[Path]) -> float:
            started = perf_counter()
            list(pool.map(function, paths))
            return perf_counter() - started

        # Each process starts with its first task.
        ours(_featurize_samples, samples)
        ours(_featurize_file, list(songs) * cores)
        turns = []
        for _ in range(_TURNS):
            turn = [ours(_featurize_samples, samples), ours(_featurize_file, songs)]
            if program is not None:
                turn += [
                    bliss.seconds(program, "samples", samples, threads=cores),
                    bliss.seconds(program, "files", songs, threads=cores),
                ]
            turns.append(turn)
    return {
        "realtime_all_cores": tracks_s / min(turn[0] for turn in turns),
        "realtime_files": songs_s / min(turn[1] for turn in turns),
        "ratio_bliss": None if program is None else median(turn[3] / turn[1] for turn in turns),
        "ratio_bliss_samples": None if program is None else median(turn[2] / turn[0] for turn in turns),
    }


_decoder: SandboxedDecoder


def _begin() -> None:
    """Begin a worker process, which has a decoder."""
    global _decoder  # noqa: PLW0603, a process of the pool has nowhere else to keep it
    _decoder = SandboxedDecoder(DecodeLimits()).__enter__()


def _featurize_samples(path: Path) -> None:
    featurize(np.fromfile(path, dtype=np.float32))


def _featurize_file(path: Path) -> None:
    featurize(_decoder.decode(path.read_bytes()).signal)


def _tempi() -> dict[str, float | None]:
    """Shares of tempi found, ours and librosa's."""
    known = [*tempo.composed(seed=tempo.HELD_OUT_SEED), *tempo.clicks(count=_CLICKS, seed=tempo.HELD_OUT_SEED)]
    known_bpm = [sound.bpm for sound in known]
    ours = [tempo.estimate(sound.y) for sound in known]
    theirs = [float(np.squeeze(librosa.beat.beat_track(y=sound.y, sr=SAMPLE_RATE_HZ)[0])) for sound in known]
    ours_1, ours_2 = tempo.accuracy(ours, known_bpm)
    # Where it hears no beat, librosa says 0.
    theirs_1, theirs_2 = tempo.accuracy(theirs, known_bpm)
    return {
        "tempo_accuracy1": ours_1,
        "tempo_accuracy2": ours_2,
        "tempo_accuracy1_librosa": theirs_1,
        "tempo_accuracy2_librosa": theirs_2,
    }


def _cold_start_s() -> float:
    """Time from the start of a new process to the end of its first call."""

    def run() -> float:
        started = perf_counter()
        subprocess.run([sys.executable, "-c", _FIRST_CLIP], check=True)
        return perf_counter() - started

    # The first fills the cache of compiled code, which an installation does once.
    return min(run() for _ in range(5))


def _peak_mb() -> float:
    """Most memory of a process that takes a long song, in MB."""
    # One thread, as workers and the processes of a bulk load have.
    environment = os.environ | ONE_THREAD
    done = subprocess.run(
        [sys.executable, "-c", _LONG_SONG], check=True, capture_output=True, text=True, env=environment
    )
    before_kb, peak_kb = map(int, done.stdout.split())
    print(f"of the peak, {before_kb / 1_000:.0f} MB are libraries and the message")
    return peak_kb / 1_000


def _whole_songs(folder: Path) -> Sequence[Path]:
    """Compose songs: pieces of one style joined, in stereo, as MP3."""
    by_style = sorted(catalogue(seed=tempo.HELD_OUT_SEED), key=lambda piece: piece.style)
    pieces = iter(by_style)
    paths = []
    for i in range(_SONGS):
        parts: list[NDArray[np.float32]] = []
        while sum(map(len, parts)) < _SONG_S * _SONG_RATE_HZ:
            parts += [render(piece, sample_rate_hz=_SONG_RATE_HZ) for piece in islice(pieces, 1)]
        left = np.concatenate(parts)[: round(_SONG_S * _SONG_RATE_HZ)]
        # Both channels differ, as in a room.
        right = np.roll(left, 30) + 0.1 * np.roll(left, 2_000)
        paths.append(folder / f"{i}.mp3")
        soundfile.write(paths[-1], 0.8 * np.column_stack((left, right)), _SONG_RATE_HZ, format="MP3")
    return paths


if __name__ == "__main__":
    main(sys.argv[1:])
