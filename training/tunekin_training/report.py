"""What a training run found out, as ``report.json`` says it."""

import msgspec

from tunekin_training.label import Entry

__all__ = ["MoodReport", "Report"]


class MoodReport(msgspec.Struct, frozen=True, kw_only=True):
    """What training found out about a mood.

    Attributes
    ----------
    id : int
        Its number.
    words : Entry
        Label, description and mean evidence.
    tracks : int
        How many it has.
    artists : int
        How many artists they are by.
    recall : float
        Share of its tracks that models recognise that never heard their artist.
    typical : tuple of str
        Tracks that the final model is surest of.
    """

    id: int
    words: Entry
    tracks: int
    artists: int
    recall: float
    typical: tuple[str, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What training found out.

    Attributes
    ----------
    tracks, artists : int
        How many; a track of an unknown artist has an artist of its own.
    licences : dict of str to int
        Tracks by licence, the most frequent first.
    cuts_per_track : int
        Short cuts that were learnt from beside the track.
    seed : int
        What fixes the run.
    epochs : int
        Passes over the examples.
    divisions : int
        Ways to divide the artists into folds that the metrics are averaged over.
    metrics : dict of str to float
        Those of `tunekin_training.train.measure`; ``ari_seeds``, the adjusted Rand index between the groups of several
        seeds; ``onnx_max_difference``, the largest between ONNX Runtime and torch.
    moods : tuple of MoodReport
        By number.
    """

    tracks: int
    artists: int
    licences: dict[str, int]
    cuts_per_track: int
    seed: int
    epochs: int
    divisions: int
    metrics: dict[str, float]
    moods: tuple[MoodReport, ...]
