"""Measure how recordings find their own song, on any music that a manifest lists.

``python -m benchmarks.quality --manifest FILE.csv`` reads the columns ``file`` and ``artist``. From every track one
clip of 6 s is cut, damaged in several ways, and searched for among all tracks, exactly as the ranker does.

===================================  ==================================================================
figure                               meaning
===================================  ==================================================================
``own_song_hit1_CONDITION``          share of clips whose own song comes first
``identified_CONDITION``             share of clips that are said to be that very song, rightly
``moment_error_s``                   median distance of the moment named from the true one, of clean clips
``moment_within_half_s_CONDITION``   share of clips whose song comes first with its moment within 0.5 s
``false_identified``                 share of clean clips, their own song taken out, that are said to be
                                     some song of another known artist; copies under two names count as false
===================================  ==================================================================

Conditions: ``clean``; ``noise20``, white noise 20 dB below the music; ``quiet20``, the same 20 dB softer;
``reencoded``, MP3 at 64 kbit/s with gain between -20 and +6 dB and that noise; ``room``, RT60 0.6 s by a small speaker;
``phone15``, telephone band with noise at 15 dB.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track as progress_bar

from benchmarks import report
from tunekin.features import FEATURES
from tunekin_demo import bad_microphone
from tunekin_featurizer.featurize import featurize
from tunekin_ingest.adapters.sandboxed_decoder import SandboxedDecoder
from tunekin_ingest.audio import DecodeLimits
from tunekin_ranker.dtw import Clip
from tunekin_ranker.identify import CEILING, REFERENCE_PLACE, tell_apart
from tunekin_ranker.index import Index, Track
from tunekin_ranker.search import Hit, search
from tunekin_training.collection import find, read

__all__ = ["main"]

RATE = FEATURES.sample_rate_hz
_CLIP_S = 6.0
_MOMENT_S = 0.5
_SEED = 20_261_122
Signal = NDArray[np.float32]
Damage = Callable[[Signal, int], Signal]


@dataclass(frozen=True)
class _Piece:
    """A track of the manifest with the clip cut out of it."""

    name: str
    artist: str | None
    start_s: float
    clip: Signal


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--manifest", type=Path, required=True, help="CSV with the columns file and artist")
    options = parser.parse_args()
    chance = np.random.default_rng(_SEED)
    pieces: list[_Piece] = []
    tracks: list[Track] = []
    for recording in progress_bar(find(options.manifest), description="listening"):
        signal = read(recording)
        name, artist = str(recording.path), recording.artist or None
        length_s = signal.size / RATE
        start_s = chance.uniform(0.0, max(length_s - _CLIP_S, 0.0))
        clip = bad_microphone.cut(signal, start_s=start_s, duration_s=min(_CLIP_S, length_s), sample_rate_hz=RATE)
        pieces.append(_Piece(name, artist, start_s, clip))
        tracks.append(Track(track_id=name, frames=featurize(signal).frames, group=artist))
    index = Index.build(tracks)
    with SandboxedDecoder(DecodeLimits()) as decoder:
        figures = _figures(index, pieces, _conditions(decoder))
    report.show(f"{len(pieces)} tracks of {options.manifest.name}", figures)
    report.write("quality", figures)


def _conditions(decoder: SandboxedDecoder) -> dict[str, Damage]:
    def noise20(clip: Signal, seed: int) -> Signal:
        return bad_microphone.add_noise(clip, snr_db=20.0, seed=seed)

    def reencoded(clip: Signal, seed: int) -> Signal:
        gain_db = np.random.default_rng(seed).uniform(-20.0, 6.0)
        played = np.clip(bad_microphone.gain(noise20(clip, seed), gain_db=gain_db), -1.0, 1.0)
        data = bad_microphone.encode(played, sample_rate_hz=RATE, codec="mp3", bitrate_bps=64_000)
        return decoder.decode(data).samples.astype(np.float32) / np.float32(32_768)

    def room(clip: Signal, seed: int) -> Signal:
        spoken = bad_microphone.small_speaker(clip, sample_rate_hz=RATE)
        return bad_microphone.room(spoken, sample_rate_hz=RATE, rt60_s=0.6, seed=seed)

    def phone15(clip: Signal, seed: int) -> Signal:
        return bad_microphone.add_noise(
            bad_microphone.telephone_band(clip, sample_rate_hz=RATE), snr_db=15.0, seed=seed
        )

    return {
        "clean": lambda clip, _: clip,
        "noise20": noise20,
        "quiet20": lambda clip, seed: bad_microphone.gain(noise20(clip, seed), gain_db=-20.0),
        "reencoded": reencoded,
        "room": room,
        "phone15": phone15,
    }


def _figures(index: Index, pieces: list[_Piece], conditions: dict[str, Damage]) -> dict[str, float | None]:
    figures: dict[str, float | None] = {}
    for condition, damage in conditions.items():
        first, identified, at_moment, errors_s = [], [], [], []
        for seed, piece in enumerate(progress_bar(pieces, description=condition)):
            recordings, matches = _search(index, damage(piece.clip, seed))
            best = (*recordings, *matches)[0]
            error_s = abs(best.start * FEATURES.frame_s - piece.start_s)
            first.append(best.track_id == piece.name)
            identified.append(bool(recordings) and first[-1])
            at_moment.append(first[-1] and error_s <= _MOMENT_S)
            if first[-1]:
                errors_s.append(error_s)
        figures[f"own_song_hit1_{condition}"] = float(np.mean(first))
        figures[f"identified_{condition}"] = float(np.mean(identified))
        figures[f"moment_within_half_s_{condition}"] = float(np.mean(at_moment))
        if condition == "clean":
            figures["moment_error_s"] = float(np.median(errors_s)) if errors_s else None
    artist_of = {piece.name: piece.artist for piece in pieces}
    known = [piece for piece in pieces if piece.artist is not None]
    false = []
    for piece in progress_bar(known, description="strangers"):
        recordings, _ = _search(index, piece.clip, exclude=piece.name)
        strangers = [hit for hit in recordings if artist_of[hit.track_id] not in {None, piece.artist}]
        false.append(bool(strangers))
    figures["false_identified"] = float(np.mean(false)) if false else None
    return figures


def _search(index: Index, clip: Signal, *, exclude: str | None = None) -> tuple[tuple[Hit, ...], tuple[Hit, ...]]:
    found = search(
        index,
        Clip(featurize(clip).frames),
        k=REFERENCE_PLACE + 1,
        identity_distance=CEILING,
        exclude=() if exclude is None else (exclude,),
    )
    return tell_apart(found.identical, found.hits, k=REFERENCE_PLACE + 1, group_of=index.group_of)


if __name__ == "__main__":
    main()
