"""What a training run found out, as ``report.json`` says it; the page and its plots are drawn from nothing else."""

import msgspec

from tunekin_training.label import Entry

__all__ = ["Curves", "Judged", "MoodReport", "Place", "Report"]


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
    largest_artist, largest_album : float
        Share of its tracks that are by one artist, and on one album; tracks of unknown ones count apart.
    recall : float
        Share of its tracks that models recognise that never heard their artist.
    typical : tuple of str
        Tracks that the final model is surest of.
    """

    id: int
    words: Entry
    tracks: int
    artists: int
    largest_artist: float
    largest_album: float
    recall: float
    typical: tuple[str, ...]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a track is on the first map.

    Attributes
    ----------
    name : str
        What the report calls it.
    x, y : float
        Its place.
    mood : int
        Its mood.
    probability : float
        How sure the final model is of that mood.
    """

    name: str
    x: float
    y: float
    mood: int
    probability: float


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How a model did on artists that it never heard.

    Attributes
    ----------
    confusion : tuple of tuple of int
        Which mood was taken for which; rows are the truth.
    calibration : tuple of tuple of float
        For tenths of certainty that have tracks: how many tracks, how sure the model is, how often it is right.
    """

    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[tuple[float, float, float], ...]


class Curves(msgspec.Struct, frozen=True, kw_only=True):
    """How the network learnt on one fold.

    Attributes
    ----------
    loss, valid_loss, valid_accuracy : tuple of float
        After each pass: on what it learnt from, and on the artists set apart.
    """

    loss: tuple[float, ...]
    valid_loss: tuple[float, ...]
    valid_accuracy: tuple[float, ...]


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
    felt_tracks : int
        Tracks whose emotions listeners told.
    lens_felt : int
        Dimensions of the lens that come from emotions.
    lens_borrowed : bool
        Whether it is that of the shipped model.
    seed : int
        What fixes the run.
    epochs : int
        Passes over the examples.
    divisions : int
        Ways to divide the artists into folds that the metrics are averaged over.
    metrics : dict of str to float
        Those of `tunekin_training.train.measure`, of stability, and of the export.
    inertias : tuple of float
        Share of the tracks' spread that is left inside 1, 2, … groups.
    elbow : int or None
        Where its elbow is; unset where it is not clear.
    stability : tuple of tuple of float
        Adjusted Rand index between the groups of each two seeds.
    judged : dict of str to Judged
        ``dnn`` and ``xgboost``.
    curves : tuple of Curves
        For each fold of the first division.
    learning : dict of str to float
        Accuracy of the network by the share of artists that it learnt from.
    moods : tuple of MoodReport
        By number.
    places : tuple of Place
        Every track.
    """

    tracks: int
    artists: int
    licences: dict[str, int]
    cuts_per_track: int
    felt_tracks: int
    lens_felt: int
    lens_borrowed: bool
    seed: int
    epochs: int
    divisions: int
    metrics: dict[str, float]
    inertias: tuple[float, ...]
    elbow: int | None
    stability: tuple[tuple[float, ...], ...]
    judged: dict[str, Judged]
    curves: tuple[Curves, ...]
    learning: dict[str, float]
    moods: tuple[MoodReport, ...]
    places: tuple[Place, ...]
