"""Time the ranker's search against the subsequence DTW of other libraries, on one thread.

``python -m benchmarks.ranker [--music FOLDER_OR_MANIFEST] [--largest TRACKS] [--songs TRACKS]``. Frames are those of
real music, spliced and varied (`benchmarks.spliced`): of `--music`, else of the folder that ``TUNEKIN_TEST_AUDIO``
names, else of the catalogue that the demo composes. The clips' artists are not in the catalogue.

==================================== ===============================================================================
figure                               meaning
==================================== ===============================================================================
``mcells_WAY``                       million cells (clip frame x track frame) a second, a clip of 64 frames in tracks
                                     of 320: ``float32`` compares in full, ``sketch`` bounds, ``float64`` decides
``ratio_PEER_brute``                 ``mcells_float32`` over the peer's
``certified_p50_ms_SIZE``            median time of proving the five best groups; ``p99`` likewise; after the size
                                     the clip's seconds (6 unless named) or the tracks' (30 unless named)
``shortlist_p50_ms_10k``             the same of comparing 200 proposed tracks
``full_share_SIZE``                  share of the tracks that were compared in full
``ratio_dtaidistance_certified_10k`` time dtaidistance takes over all tracks, over ours
``growth_10k``                       time for the largest catalogue over that for 10,000, of the same clips
``threads_2``                        time of a query of 10,000 tracks over that with two threads; ``threads_2_100k``
                                     the same of the largest catalogue
``processes_2``                      the same of plain arithmetic in one process and in two: what the machine has
``bytes_per_track_30s``              memory of frames, sketches, means and moods of 320 frames
``snapshot_load_s_SIZE``             time to map a kept index of so many tracks, to the first answer from it
``snapshot_save_s_SIZE``             time to keep it
==================================== ===============================================================================

dtaidistance's ``subsequence_alignment`` has squared costs and a penalty, so it is a peer for speed only. What takes it
minutes is measured on a part of the tracks and scaled by cells. All run in this process, by turns.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import librosa
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks import report
from benchmarks.spliced import Music
from tunekin_demo.compose import catalogue, write_catalogue
from tunekin_ranker.adapters.snapshot_files import SnapshotFiles
from tunekin_ranker.crew import Crew
from tunekin_ranker.dtw import Clip, alignment_floors, exact_distances
from tunekin_ranker.index import Index
from tunekin_ranker.packed import pack
from tunekin_ranker.search import search
from tunekin_ranker.sketches import sketch, sketch_floors
from tunekin_ranker.snapshot import Kept, Snapshot, TrackInfo

try:
    from dtaidistance.subsequence.dtw import subsequence_alignment
except ImportError:
    subsequence_alignment = None

try:
    from tslearn.metrics import dtw_subsequence_path
except ImportError:
    dtw_subsequence_path = None

__all__ = ["main", "measure"]

_TRACK_FRAMES, _SONG_FRAMES = 320, 2_584
_CLIP_FRAMES = {3: 32, 6: 64, 15: 161}
_BRUTE_TRACKS, _PEER_TRACKS, _ROUNDS = 2_000, 50, 5
_QUERIES, _SLOW_QUERIES = 100, 20

Figures = dict[str, float | None]


def measure(music: Music, *, largest: int, songs: int) -> Figures:
    """Measure all figures.

    Parameters
    ----------
    music : Music
        What catalogues and clips are made of.
    largest : int
        Tracks of the largest catalogue, in whole thousands: 100,000 need 3 GB, and give the figures ending in ``100k``.
    songs : int
        Whole songs of their catalogue, in whole thousands: 10,000 need 3 GB.

    Returns
    -------
    dict of str to float or None
        Figures by name; None where a peer is absent.
    """
    with threadpool_limits(limits=1):
        figures = _brute(music)
        figures |= _figures(*_certified(music, tracks=1_000, queries=_QUERIES), name="1k")
        middle, of_10k_s = _middle(music)
        figures |= middle
        name = f"{songs // 1_000}k_240s"
        figures |= _figures(*_certified(music, tracks=songs, queries=_SLOW_QUERIES, length=_SONG_FRAMES), name=name)
        index = Index.build(music.tracks(largest, length=_TRACK_FRAMES))
        name = f"{largest // 1_000}k"
        times_s, shares = _searches(index, music.clips(_SLOW_QUERIES, length=_CLIP_FRAMES[6]))
        figures |= _figures(times_s, shares, name=name)
        # The same clips: those of a smaller number are the first of a greater one.
        figures["growth_10k"] = float(np.median(times_s) / np.median(of_10k_s[:_SLOW_QUERIES]))
        figures |= _threads(index, music.clips(_SLOW_QUERIES // 2, length=_CLIP_FRAMES[6]), name=f"threads_2_{name}")
        figures |= _snapshot(index, music.clips(1, length=_CLIP_FRAMES[6])[0], name=name)
    return figures


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and write ``ranker.json``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; that of the process by default.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranker")
    parser.add_argument("--music", type=Path, help="folder or CSV manifest of real music")
    parser.add_argument("--largest", type=int, default=100_000, help="tracks of the largest catalogue")
    parser.add_argument("--songs", type=int, default=10_000, help="whole songs of their catalogue")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        music = Music.hear(options.music or _music(Path(folder)), longest_clip=max(_CLIP_FRAMES.values()))
    figures = measure(music, largest=options.largest, songs=options.songs)
    report.show("ranker", figures)
    print(report.write("ranker", figures))


def _music(folder: Path) -> Path:
    """Find real music, or compose some."""
    named = os.environ.get("TUNEKIN_TEST_AUDIO")
    if named:
        manifest = Path(named) / "manifest.csv"
        return manifest if manifest.exists() else Path(named)
    for _ in write_catalogue(folder, pieces=catalogue()):
        pass
    return folder


def _brute(music: Music) -> Figures:
    """Measure million cells a second of each way to align a clip with every track."""
    n = _CLIP_FRAMES[6]
    tracks = [track.frames for track in music.tracks(_BRUTE_TRACKS, length=_TRACK_FRAMES)]
    [clip] = music.clips(1, length=n)
    packed, rows = pack(tracks, coefficients=tracks[0].shape[1]), np.arange(_BRUTE_TRACKS)
    sketches = sketch(packed, means=np.array([frames.mean(axis=0, dtype=np.float64) for frames in tracks]))
    query = clip.frames
    peers = [np.ascontiguousarray(track, np.float64) for track in tracks[:_PEER_TRACKS]]

    def librosas() -> None:
        for track in peers:
            librosa.sequence.dtw(query.T, track.T, metric="euclidean", subseq=True, backtrack=False)

    ways: dict[str, tuple[int, Callable[[], object]]] = {
        "float32": (_BRUTE_TRACKS, lambda: alignment_floors(clip, packed, rows)),
        "float64": (_BRUTE_TRACKS, lambda: exact_distances(clip, packed, rows)),
        "sketch": (_BRUTE_TRACKS, lambda: sketch_floors(clip, sketches, rows, np.full(rows.size, np.inf))),
        "librosa": (_PEER_TRACKS, librosas),
    }
    if subsequence_alignment is not None:
        ways["dtaidistance"] = (
            _PEER_TRACKS,
            lambda: [subsequence_alignment(query, track, use_c=True).best_match() for track in peers],
        )
    if dtw_subsequence_path is not None:
        ways["tslearn"] = (_PEER_TRACKS, lambda: [dtw_subsequence_path(query, track) for track in peers])
    for _, run in ways.values():
        run()  # compiles
    best_s = dict.fromkeys(ways, np.inf)
    for _ in range(_ROUNDS):
        for name, (_, run) in ways.items():
            best_s[name] = min(best_s[name], _seconds(run))
    speeds: Figures = dict.fromkeys(("float32", "float64", "sketch", "librosa", "dtaidistance", "tslearn"))
    speeds |= {name: count * n * _TRACK_FRAMES / best_s[name] / 1e6 for name, (count, _) in ways.items()}
    ours = speeds["float32"] or 0.0
    return {f"mcells_{name}": speed for name, speed in speeds.items()} | {
        f"ratio_{peer}_brute": ours / speed if (speed := speeds[peer]) else None
        for peer in ("dtaidistance", "librosa", "tslearn")
    }


def _certified(
    music: Music, *, tracks: int, queries: int, length: int = _TRACK_FRAMES
) -> tuple[list[float], list[float]]:
    """Measure certified searches of 6 s in a catalogue."""
    index = Index.build(music.tracks(tracks, length=length))
    return _searches(index, music.clips(queries, length=_CLIP_FRAMES[6]))


def _searches(index: Index, clips: Sequence[Clip]) -> tuple[list[float], list[float]]:
    """Measure certified searches: time of each, and share of the tracks compared in full."""
    search(index, clips[0], k=5)
    times_s, shares = [], []
    for clip in clips:
        started_s = perf_counter()
        found = search(index, clip, k=5)
        times_s.append(perf_counter() - started_s)
        shares.append(found.compared_in_full / found.candidates)
    return times_s, shares


def _figures(times_s: Sequence[float], shares: Sequence[float], *, name: str) -> Figures:
    return {
        f"certified_p50_ms_{name}": float(np.median(times_s)) * 1e3,
        f"certified_p99_ms_{name}": float(np.quantile(times_s, 0.99)) * 1e3,
        f"full_share_{name}": float(np.mean(shares)),
    }


def _middle(music: Music) -> tuple[Figures, list[float]]:
    """Measure all that is asked of 10,000 tracks of 30 s; also return the times of certified searches."""
    index = Index.build(music.tracks(10_000, length=_TRACK_FRAMES))
    figures: Figures = {"bytes_per_track_30s": index.nbytes / len(index)}
    times_s: list[float] = []
    for seconds, n in _CLIP_FRAMES.items():
        found_s, shares = _searches(index, music.clips(_QUERIES, length=n))
        figures |= _figures(found_s, shares, name="10k" if n == _CLIP_FRAMES[6] else f"10k_clip{seconds}s")
        times_s = found_s if n == _CLIP_FRAMES[6] else times_s
    clips = music.clips(_QUERIES, length=_CLIP_FRAMES[6])
    figures["ratio_dtaidistance_certified_10k"] = None
    if subsequence_alignment is not None:
        part = [index.track_at(slot).frames.astype(np.float64, order="C") for slot in range(_PEER_TRACKS)]
        # By turns, the best of each: what else the machine does then counts for neither.
        pairs = []
        for clip in clips[:_SLOW_QUERIES]:
            started_s = perf_counter()
            for track in part:
                subsequence_alignment(clip.frames, track, use_c=True).best_match()
            pairs.append((perf_counter() - started_s, _best(index, clip)))
        peer_s, ours_s = np.min(pairs, axis=0)[0], np.median(pairs, axis=0)[1]
        figures["ratio_dtaidistance_certified_10k"] = float(peer_s * len(index) / _PEER_TRACKS / ours_s)
    figures["shortlist_p50_ms_10k"] = 1e3 * float(
        np.median([_seconds(lambda clip=clip: search(index, clip, k=5, mode="shortlist")) for clip in clips])  # type: ignore[misc]
    )
    return figures | _processes() | _threads(index, clips[:_SLOW_QUERIES], name="threads_2"), times_s


def _threads(index: Index, clips: Sequence[Clip], *, name: str) -> Figures:
    """Measure what a second thread brings; by turns, the best of each."""
    crew = Crew(2)
    one_s, two_s = np.full(len(clips), np.inf), np.full(len(clips), np.inf)
    for _ in range(_ROUNDS):
        for i, clip in enumerate(clips):
            one_s[i] = min(one_s[i], _best(index, clip, rounds=1))
            two_s[i] = min(two_s[i], _best(index, clip, rounds=1, crew=crew))
    crew.close()
    return {name: float(one_s.sum() / two_s.sum())}


def _processes() -> Figures:
    """Measure what the machine has to bring; by turns, the best of each."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_arithmetic, range(2)))
        alone_s = both_s = np.inf
        for _ in range(_ROUNDS):
            alone_s = min(alone_s, _seconds(lambda: pool.submit(_arithmetic, 0).result()))
            both_s = min(both_s, _seconds(lambda: list(pool.map(_arithmetic, range(2)))))
    return {"processes_2": float(2 * alone_s / both_s)}


def _snapshot(index: Index, clip: Clip, *, name: str) -> Figures:
    """Measure keeping an index, and mapping it until it has answered."""
    info = TrackInfo(
        title="a title", artist="an artist", album="an album", duration_s=30.0, probabilities=np.ones(10, np.float32)
    )
    infos = {track_id: info for segment, _ in index.parts for track_id in segment.track_ids}
    snapshot = Snapshot(index=index, infos=infos, moods=(), feature_version="f", model_version="m", catalogue_version=1)
    with tempfile.TemporaryDirectory() as folder:
        files = SnapshotFiles(Path(folder))
        kept = Kept(snapshot=snapshot, updated_ms=dict.fromkeys(infos, 0))
        save_s = _seconds(lambda: files.save(kept))

        def load() -> None:
            found = files.load(feature_version="f", model_version="m")
            assert found is not None  # noqa: S101 (it was just written)
            search(found.snapshot.index, clip, k=5)

        return {f"snapshot_load_s_{name}": _seconds(load), f"snapshot_save_s_{name}": save_s}


def _arithmetic(seed: int) -> float:
    """Add up for a while."""
    total = float(seed)
    for i in range(5_000_000):
        total += i * 0.5
    return total


def _best(index: Index, clip: Clip, *, rounds: int = _ROUNDS, crew: Crew | None = None) -> float:
    """Measure certified searches of a clip: the best time."""
    return min(_seconds(lambda: search(index, clip, k=5, crew=crew)) for _ in range(rounds))


def _seconds(run: Callable[[], object]) -> float:
    """Measure one run."""
    started_s = perf_counter()
    run()
    return perf_counter() - started_s


if __name__ == "__main__":
    main()
