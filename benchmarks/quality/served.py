"""Ask the ranker, as a clip on its way does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.quality.pieces import Piece
from tunekin.features import FEATURES, frames_to_bytes, views_to_bytes
from tunekin.messages import Classified, ClipOptions, ClipSubject, Known, Match
from tunekin_classifier.adapters.onnx_model import OnnxMoodModel
from tunekin_classifier.settings import ClassifierSettings
from tunekin_featurizer.featurize import FeatureSet
from tunekin_ranker.index import Index, Track
from tunekin_ranker.rank import look, rank
from tunekin_ranker.snapshot import Snapshot, TrackInfo
from tunekin_training.collection import Recording

__all__ = ["Catalogue", "Found"]

# More than any list of five loses to the clip's own artist and its own song.
_ASKED = 100


@dataclass(frozen=True, kw_only=True)
class Found:
    """An answer, by the numbers of the tracks.

    Attributes
    ----------
    identified : int or None
        The track that the clip is said to be.
    matches : tuple of int
        All matches, best first.
    start_s : float
        Where in the first of them all the clip begins.
    """

    identified: int | None
    matches: tuple[int, ...]
    start_s: float

    @property
    def first(self) -> int:
        """The track that comes first."""
        return self.matches[0] if self.identified is None else self.identified


class Catalogue:
    """Some of the pieces as a catalogue to search.

    Parameters
    ----------
    pieces : sequence of Piece
        The catalogue.
    recordings : sequence of Recording
        All recordings of the manifest, by the numbers of the pieces.
    """

    def __init__(self, pieces: Sequence[Piece], recordings: Sequence[Recording]) -> None:
        self._model = OnnxMoodModel(ClassifierSettings().model)
        probabilities = self._model.probabilities(np.array([piece.whole.summary for piece in pieces]))
        index = Index.build(
            Track(
                track_id=_name(piece.number),
                frames=piece.whole.frames,
                views=piece.whole.views,
                group=recordings[piece.number].artist.casefold() or None,
                mood=int(of_moods.argmax()),
            )
            for piece, of_moods in zip(pieces, probabilities, strict=True)
        )
        manifest = self._model.manifest
        self._snapshot = Snapshot(
            index=index,
            infos={
                _name(piece.number): TrackInfo(
                    title="",
                    artist=recordings[piece.number].artist,
                    album="",
                    duration_s=piece.duration_s,
                    probabilities=of_moods,
                )
                for piece, of_moods in zip(pieces, probabilities, strict=True)
            },
            moods=tuple(mood.label for mood in manifest.moods),
            feature_version=FEATURES.name,
            model_version=manifest.version,
            catalogue_version=1,
        )

    def ask(
        self,
        features: FeatureSet,
        *,
        absent: int | None = None,
        options: ClipOptions | None = None,
        shortlist_size: int = 200,
    ) -> Found:
        """Ask for a clip.

        Parameters
        ----------
        features : FeatureSet
            Of the clip.
        absent : int, optional
            Number of a track to leave out of the catalogue.
        options : ClipOptions, optional
            What to ask for; long lists by default.
        shortlist_size : int
            Tracks that a shortlist has.

        Returns
        -------
        Found
            What the ranker answers.
        """
        options = options or ClipOptions(k=_ASKED)
        subject = ClipSubject(clip_id="#", key="", options=options, duration_s=len(features.frames) * FEATURES.frame_s)
        message = Classified(
            subject=subject,
            feature_version=FEATURES.name,
            frames=frames_to_bytes(features.frames),
            summary=tuple(features.summary.tolist()),
            views=views_to_bytes(features.views),
            model_version=self._model.manifest.version,
            probabilities=tuple(self._model.probabilities(features.summary[None])[0].tolist()),
            known=None if absent is None else Known(exclude=(_name(absent),)),
        )
        answer = rank(
            lambda asked: look(asked, self._snapshot, version=FEATURES, shortlist_size=shortlist_size), message
        )
        best = answer.identified or answer.matches[0]
        return Found(
            identified=None if answer.identified is None else _number(answer.identified),
            matches=tuple(_number(match) for match in answer.matches),
            start_s=best.track_span_s[0],
        )


def _name(number: int) -> str:
    # Of one width, so that ids sort as numbers do.
    return f"{number:08d}"


def _number(match: Match) -> int:
    return int(match.track_id)
