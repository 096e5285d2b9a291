"""What may be asked of the catalogue; an account that may only read is enough."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Row, Select, and_, func, or_, select

from tunekin.catalogue import sources
from tunekin.catalogue.database import reading
from tunekin.catalogue.models import AnswerRow, FeaturesRow, MoodRow, StateRow, TrackMoodRow, TrackRow, clip_key
from tunekin.catalogue.records import (
    IndexRow,
    IndexSnapshot,
    Mood,
    Source,
    StoredFeatures,
    Summaries,
    TrackName,
    TrackViews,
    TypicalTrack,
)
from tunekin.features import frames_from_bytes, views_from_bytes
from tunekin.messages import Answer, Label, Track

__all__ = [
    "CatalogueReader",
    "IndexRow",
    "IndexSnapshot",
    "Mood",
    "StoredFeatures",
    "Summaries",
    "TrackViews",
    "TypicalTrack",
]

_TRACK_COLUMNS = tuple(getattr(TrackRow, name) for name in Track.__struct_fields__)
# Ids in one query: far below what any of the databases takes, far above what a round trip costs.
_IDS = 500
# Four a number.
_summary_bytes = func.length(FeaturesRow.summary)
_answers = msgspec.json.Decoder(Answer)


def _all(_track_id: str) -> bool:
    """Leave nothing out."""
    return True


class CatalogueReader:
    """Reads the catalogue. Every method sees one state of it, and may be called from any thread.

    Each raises `tunekin.errors.DependencyError` where the database can't be reached.

    Parameters
    ----------
    engine : Engine
        See `tunekin.catalogue.database.open_engine`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def version(self) -> int:
        """Say which state the catalogue is in; each change makes the number greater.

        Returns
        -------
        int
            0 for a new catalogue.
        """
        with reading(self._engine) as connection:
            return _version(connection)

    def count(self) -> int:
        """Count the tracks.

        Returns
        -------
        int
            Tracks of the catalogue, with or without features.
        """
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(TrackRow)).scalar_one()

    # --- tracks ---

    def track(self, track_id: str) -> Track | None:
        """Look a track up.

        Parameters
        ----------
        track_id : str
            Its id.

        Returns
        -------
        Track or None
            None where the catalogue does not hold it.
        """
        return self.tracks([track_id]).get(track_id)

    def tracks(self, track_ids: Iterable[str]) -> dict[str, Track]:
        """Look tracks up.

        Parameters
        ----------
        track_ids : iterable of str
            Their ids.

        Returns
        -------
        dict of str to Track
            By id; without those that the catalogue does not hold.
        """
        query = select(*_TRACK_COLUMNS)
        with reading(self._engine) as connection:
            return {track.track_id: track for track in map(_track, _rows(connection, query, track_ids))}

    def tracks_known_as(self, name: str) -> list[Track]:
        """Look tracks up by what others call them; looks at every track.

        Parameters
        ----------
        name : str
            Id of a MusicBrainz recording, or the id that a Subsonic server gave a song that comes from it.

        Returns
        -------
        list of Track
            By track id; several recordings may have one id, and several servers may use it.
        """
        if not name:
            return []
        column = TrackRow.source_uri
        at_a_server = and_(column.startswith(sources.SCHEME), column.contains(sources.song("/", name), autoescape=True))
        query = (
            select(*_TRACK_COLUMNS).where(or_(TrackRow.musicbrainz_id == name, at_a_server)).order_by(TrackRow.track_id)
        )
        with reading(self._engine) as connection:
            found = [_track(row) for row in connection.execute(query)]
        # SQLite takes `a` and `A` for the same letter here.
        return [track for track in found if name in {track.musicbrainz_id, sources.song_id(track.source_uri)}]

    def tracks_from(self, prefix: str) -> list[Track]:
        """List the tracks whose sound comes from one place.

        Parameters
        ----------
        prefix : str
            What their source URIs begin with.

        Returns
        -------
        list of Track
            By track id.
        """
        query = (
            select(*_TRACK_COLUMNS)
            .where(TrackRow.source_uri.startswith(prefix, autoescape=True))
            .order_by(TrackRow.track_id)
        )
        with reading(self._engine) as connection:
            found = [_track(row) for row in connection.execute(query)]
        return [track for track in found if track.source_uri.startswith(prefix)]

    def tracks_by(self, artist: str, *, album: str | None = None, limit: int) -> list[Track]:
        """List an artist's tracks.

        Parameters
        ----------
        artist : str
            As the catalogue has the name.
        album : str or None
            Which album's; all of them unless it is given.
        limit : int
            Most tracks.

        Returns
        -------
        list of Track
            By title, then id.
        """
        query = (
            select(*_TRACK_COLUMNS)
            .where(TrackRow.artist == artist)
            .order_by(TrackRow.title, TrackRow.track_id)
            .limit(limit)
        )
        if album is not None:
            query = query.where(TrackRow.album == album)
        with reading(self._engine) as connection:
            return [_track(row) for row in connection.execute(query)]

    def list_tracks(self, *, limit: int, after: Track | None, offset: int = 0) -> list[Track]:
        """Take a page of all tracks, by artist, then title, then id.

        Parameters
        ----------
        limit : int
            Length of the page.
        after : Track or None
            Last track of the page before; None for the first page.
        offset : int
            Tracks to pass over; pages by it shift with what is added or removed meanwhile.

        Returns
        -------
        list of Track
            Empty after the last page. What is added or removed meanwhile shifts no page.
        """
        query = select(*_TRACK_COLUMNS).order_by(TrackRow.artist, TrackRow.title, TrackRow.track_id).limit(limit)
        if offset:
            query = query.offset(offset)
        if after is not None:
            query = query.where(
                # Implied by the rest; it is what the index can start from.
                TrackRow.artist >= after.artist,
                or_(
                    TrackRow.artist > after.artist,
                    TrackRow.title > after.title,
                    and_(TrackRow.title == after.title, TrackRow.track_id > after.track_id),
                ),
            )
        with reading(self._engine) as connection:
            return [_track(row) for row in connection.execute(query)]

    def names(self) -> list[TrackName]:
        """Say what every track is called.

        Returns
        -------
        list of TrackName
            By track id.
        """
        query = select(TrackRow.track_id, TrackRow.title, TrackRow.artist, TrackRow.album).order_by(TrackRow.track_id)
        with reading(self._engine) as connection:
            return [TrackName(*row) for row in connection.execute(query)]

    def sources(self) -> list[Source]:
        """Say what every track was made of.

        Returns
        -------
        list of Source
            By track id.
        """
        query = select(TrackRow.track_id, TrackRow.source_uri, TrackRow.content_sha256, TrackRow.updated_ms)
        with reading(self._engine) as connection:
            return [Source(*row) for row in connection.execute(query.order_by(TrackRow.track_id))]

    def contents(self, feature_version: str, *, summary_size: int) -> dict[str, str]:
        """Say which track each sound file belongs to that the catalogue has features of.

        Parameters
        ----------
        feature_version : str
            Which features: a file that only another version has heard is still to be heard.
        summary_size : int
            Numbers of its summaries; what is `outdated` is still to be heard, too.

        Returns
        -------
        dict of str to str
            Track id by hash of the file's bytes; the first by id where there are several.
        """
        query = (
            select(TrackRow.content_sha256, func.min(TrackRow.track_id))
            .join(FeaturesRow, FeaturesRow.track_id == TrackRow.track_id)
            .where(
                TrackRow.content_sha256 != "",
                FeaturesRow.feature_version == feature_version,
                _summary_bytes == 4 * summary_size,
            )
            .group_by(TrackRow.content_sha256)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def outdated(self, feature_version: str, *, summary_size: int) -> list[str]:
        """Name the tracks whose summary has another length than those of its feature version have.

        Summaries of ``f2`` got more numbers while it kept its name; what was heard before has to be heard again.

        Parameters
        ----------
        feature_version : str
            The version.
        summary_size : int
            Numbers of its summaries.

        Returns
        -------
        list of str
            Their ids, in order.
        """
        query = (
            select(FeaturesRow.track_id)
            .where(FeaturesRow.feature_version == feature_version, _summary_bytes != 4 * summary_size)
            .order_by(FeaturesRow.track_id)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    # --- features ---

    @contextlib.contextmanager
    def index_snapshot(
        self, *, feature_version: str, model_version: str, holds: Callable[[str], bool] = _all, batch: int = 256
    ) -> Iterator[IndexSnapshot]:
        """Read all that a search index holds; memory is bounded by the batch, and by the ids.

        Parameters
        ----------
        feature_version : str
            Feature version of the frames; tracks without it are left out.
        model_version : str
            Mood model of the moods.
        holds : callable
            Whether the index is to hold a track, by its id; all by default. Nothing else is read of the others.
        batch : int
            Rows in one batch; a song of four minutes has 100 kB of frames.

        Yields
        ------
        IndexSnapshot
            To be consumed inside the ``with`` block, which holds a transaction.
        """
        heard = (
            select(FeaturesRow.track_id)
            .where(FeaturesRow.feature_version == feature_version)
            .order_by(FeaturesRow.track_id)
        )
        query = _index_query(feature_version, model_version)
        with reading(self._engine) as connection:
            version = _version(connection)
            track_ids = [track_id for track_id in connection.execute(heard).scalars() if holds(track_id)]
            yield IndexSnapshot(
                catalogue_version=version,
                count=len(track_ids),
                batches=(
                    [_index_row(row) for row in connection.execute(query.where(TrackRow.track_id.in_(some)))]
                    for some in _parts(track_ids, size=batch)
                ),
            )

    def index_updates(self, *, feature_version: str) -> tuple[int, dict[str, int]]:
        """Say when each track that a search index holds was last taken up, to find what has changed since.

        Parameters
        ----------
        feature_version : str
            As in `index_snapshot`.

        Returns
        -------
        catalogue_version : int
            The state of the catalogue.
        updated_ms : dict of str to int
            As in `IndexRow`, by track id.
        """
        query = select(TrackRow.track_id, TrackRow.updated_ms).join(
            FeaturesRow,
            and_(FeaturesRow.track_id == TrackRow.track_id, FeaturesRow.feature_version == feature_version),
        )
        with reading(self._engine) as connection:
            version = _version(connection)
            return version, {row.track_id: row.updated_ms for row in connection.execute(query)}

    def index_rows(self, track_ids: Iterable[str], *, feature_version: str, model_version: str) -> list[IndexRow]:
        """Read what a search index holds of some tracks.

        Parameters
        ----------
        track_ids : iterable of str
            The tracks.
        feature_version, model_version : str
            As in `index_snapshot`.

        Returns
        -------
        list of IndexRow
            Without the tracks that are gone, or lack these features.
        """
        query = _index_query(feature_version, model_version)
        with reading(self._engine) as connection:
            return [_index_row(row) for row in _rows(connection, query, track_ids)]

    def views(self, feature_version: str) -> tuple[list[str], NDArray[np.float16]]:
        """Read the views of all tracks.

        Parameters
        ----------
        feature_version : str
            Their feature version.

        Returns
        -------
        track_ids : list of str [n]
            Every track that has views of this version, in order of the ids.
        views : np.ndarray [shape=(n, views_size), dtype=float16]
            Views of each; read-only, of shape (0, 0) where there is none.
        """
        query = (
            select(FeaturesRow.track_id, FeaturesRow.views)
            .where(FeaturesRow.feature_version == feature_version, FeaturesRow.views.is_not(None))
            .order_by(FeaturesRow.track_id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        matrix = np.frombuffer(b"".join(row.views for row in rows), dtype="<f2")
        return [row.track_id for row in rows], matrix.reshape(len(rows), matrix.size // max(len(rows), 1))

    def views_of(self, track_ids: Iterable[str], *, feature_version: str) -> list[TrackViews]:
        """Read the views of some tracks.

        Parameters
        ----------
        track_ids : iterable of str
            The tracks.
        feature_version : str
            Feature version of the views.

        Returns
        -------
        list of TrackViews
            Without the tracks that are gone, or lack these features.
        """
        query = (
            select(TrackRow.track_id, TrackRow.title, FeaturesRow.views, TrackRow.isrc, TrackRow.musicbrainz_id)
            .join(FeaturesRow, FeaturesRow.track_id == TrackRow.track_id)
            .where(FeaturesRow.feature_version == feature_version, FeaturesRow.views.is_not(None))
        )
        with reading(self._engine) as connection:
            return [
                TrackViews(row.track_id, row.title, views_from_bytes(row.views), row.isrc, row.musicbrainz_id)
                for row in _rows(connection, query, track_ids)
            ]

    def stored(self, track_ids: Iterable[str], *, feature_version: str) -> Iterator[StoredFeatures]:
        """Read the features of some tracks.

        Parameters
        ----------
        track_ids : iterable of str
            The tracks.
        feature_version : str
            Their feature version.

        Yields
        ------
        StoredFeatures
            By track id; without the tracks that are gone, or lack these features.
        """
        query = _stored_query(feature_version)
        for some in _parts(track_ids, size=64):
            with reading(self._engine) as connection:
                rows = connection.execute(query.where(TrackRow.track_id.in_(some))).all()
            yield from map(_stored, rows)

    def summaries(self, feature_version: str, *, summary_size: int) -> Summaries:
        """Read the summaries of all tracks, for training.

        Parameters
        ----------
        feature_version : str
            Their feature version.
        summary_size : int
            Numbers of each.

        Returns
        -------
        Summaries
            Of every track that has this version; without those that are `outdated`.
        """
        query = (
            select(TrackRow.track_id, TrackRow.title, TrackRow.artist, TrackRow.album, FeaturesRow.summary)
            .join(FeaturesRow, FeaturesRow.track_id == TrackRow.track_id)
            .where(FeaturesRow.feature_version == feature_version, _summary_bytes == 4 * summary_size)
            .order_by(TrackRow.track_id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        matrix = np.frombuffer(b"".join(row.summary for row in rows), dtype="<f4")
        return Summaries(
            track_ids=tuple(row.track_id for row in rows),
            titles=tuple(row.title for row in rows),
            artists=tuple(row.artist for row in rows),
            albums=tuple(row.album for row in rows),
            matrix=matrix.reshape(len(rows), summary_size),
        )

    # --- moods ---

    def model_versions(self) -> dict[str, int]:
        """List the mood models that the catalogue knows.

        Returns
        -------
        dict of str to int
            How many tracks each has judged, by version, in order.
        """
        judged = (
            select(TrackMoodRow.model_version, func.count().label("tracks"))
            .group_by(TrackMoodRow.model_version)
            .subquery()
        )
        query = (
            select(MoodRow.model_version, func.coalesce(func.max(judged.c.tracks), 0))
            .outerjoin(judged, judged.c.model_version == MoodRow.model_version)
            .group_by(MoodRow.model_version)
            .order_by(MoodRow.model_version)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def probabilities(self, model_version: str) -> dict[str, NDArray[np.float32]]:
        """Read what a mood model says of all tracks.

        Parameters
        ----------
        model_version : str
            The model.

        Returns
        -------
        dict of str to np.ndarray [shape=(moods,), dtype=float32]
            Probability of each mood, by track id; read-only. Without the tracks that it has not judged.
        """
        query = select(TrackMoodRow.track_id, TrackMoodRow.probabilities).where(
            TrackMoodRow.model_version == model_version
        )
        with reading(self._engine) as connection:
            return {row[0]: np.frombuffer(row[1], dtype="<f4") for row in connection.execute(query)}

    def unjudged(self, *, feature_version: str, model_version: str, batch: int = 64) -> Iterator[StoredFeatures]:
        """Read the features of tracks that a mood model has not judged.

        Parameters
        ----------
        feature_version : str
            Their feature version; tracks without it are left out.
        model_version : str
            The model.
        batch : int
            Tracks that are read at once; a song of four minutes has 100 kB of frames.

        Yields
        ------
        StoredFeatures
            By track id. What changes meanwhile may or may not be among them.
        """
        judged = (TrackMoodRow.track_id == TrackRow.track_id) & (TrackMoodRow.model_version == model_version)
        unjudged = _stored_query(feature_version).outerjoin(TrackMoodRow, judged)
        page = unjudged.where(TrackMoodRow.track_id.is_(None)).limit(batch)
        query = page
        while True:
            # A transaction for each batch: whoever consumes them may write to the catalogue.
            with reading(self._engine) as connection:
                rows = connection.execute(query).all()
            if not rows:
                return
            yield from map(_stored, rows)
            query = page.where(TrackRow.track_id > rows[-1].track_id)

    def moods(self, model_version: str) -> list[Mood]:
        """List the moods of a model.

        Parameters
        ----------
        model_version : str
            The model.

        Returns
        -------
        list of Mood
            By number; empty where the catalogue does not know the model.
        """
        tracks = (
            select(func.count())
            .where(TrackMoodRow.model_version == MoodRow.model_version, TrackMoodRow.mood == MoodRow.mood)
            .correlate(MoodRow)
            .scalar_subquery()
        )
        query = (
            select(*MoodRow.__table__.columns, tracks.label("tracks"))
            .where(MoodRow.model_version == model_version)
            .order_by(MoodRow.mood)
        )
        with reading(self._engine) as connection:
            return [
                Mood(
                    id=row.mood,
                    label=Label(ko=row.label_ko, en=row.label_en),
                    description=Label(ko=row.description_ko, en=row.description_en),
                    tracks=row.tracks,
                )
                for row in connection.execute(query)
            ]

    def tracks_of_mood(self, model_version: str, mood: int, *, limit: int) -> list[TypicalTrack]:
        """List tracks of a mood.

        Parameters
        ----------
        model_version : str
            The model.
        mood : int
            Number of the mood.
        limit : int
            The most tracks wanted.

        Returns
        -------
        list of TypicalTrack
            Most typical first; equally typical ones by id.
        """
        query = (
            select(*_TRACK_COLUMNS, TrackMoodRow.probability)
            .join(TrackMoodRow, TrackMoodRow.track_id == TrackRow.track_id)
            .where(TrackMoodRow.model_version == model_version, TrackMoodRow.mood == mood)
            .order_by(TrackMoodRow.probability.desc(), TrackRow.track_id)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return [TypicalTrack(track=_track(row), probability=row.probability) for row in connection.execute(query)]

    # --- answers ---

    def answer(self, clip_id: str) -> Answer | None:
        """Look the answer to a clip up.

        Parameters
        ----------
        clip_id : str
            Name of the clip's event.

        Returns
        -------
        Answer or None
            Of the highest attempt; None where there is none yet.
        """
        query = (
            select(AnswerRow.answer)
            .where(AnswerRow.clip_key == clip_key(clip_id))
            .order_by(AnswerRow.attempt.desc())
            .limit(1)
        )
        with reading(self._engine) as connection:
            document = connection.execute(query).scalar_one_or_none()
        return None if document is None else _answers.decode(document)


def _version(connection: Connection) -> int:
    return connection.execute(select(StateRow.version)).scalar_one()


def _rows(connection: Connection, query: Select[*tuple[Any, ...]], track_ids: Iterable[str]) -> Iterator[Row[Any]]:
    """Rows of a query over tracks that belong to some of them."""
    for some in _parts(track_ids):
        yield from connection.execute(query.where(TrackRow.track_id.in_(some)))


def _parts(track_ids: Iterable[str], *, size: int = _IDS) -> Iterator[list[str]]:
    """Different ids in lists that fit into a query."""
    ordered = sorted(set(track_ids))
    return (ordered[i : i + size] for i in range(0, len(ordered), size))


def _track(row: Sequence[Any]) -> Track:
    """Track of a row that begins with its columns."""
    return Track(**dict(zip(Track.__struct_fields__, row, strict=False)))


def _stored_query(feature_version: str) -> Select[Any]:
    return (
        select(*_TRACK_COLUMNS, FeaturesRow.summary, FeaturesRow.frames, FeaturesRow.views)
        .join(FeaturesRow, FeaturesRow.track_id == TrackRow.track_id)
        .where(FeaturesRow.feature_version == feature_version)
        .order_by(TrackRow.track_id)
    )


def _stored(row: Row[Any]) -> StoredFeatures:
    summary = np.frombuffer(row.summary, dtype="<f4")
    return StoredFeatures(track=_track(row), summary=tuple(summary.tolist()), frames=row.frames, views=row.views or b"")


def _index_query(feature_version: str, model_version: str) -> Select[Any]:
    return (
        select(
            *_TRACK_COLUMNS,
            TrackRow.updated_ms,
            TrackMoodRow.mood,
            TrackMoodRow.probabilities,
            FeaturesRow.frames,
            FeaturesRow.n_mfcc,
            FeaturesRow.views,
            FeaturesRow.tempo_bpm,
        )
        .join(
            FeaturesRow,
            and_(FeaturesRow.track_id == TrackRow.track_id, FeaturesRow.feature_version == feature_version),
        )
        .outerjoin(
            TrackMoodRow,
            and_(TrackMoodRow.track_id == TrackRow.track_id, TrackMoodRow.model_version == model_version),
        )
        .order_by(TrackRow.track_id)
    )


def _index_row(row: Row[Any]) -> IndexRow:
    return IndexRow(
        track=_track(row),
        mood=row.mood,
        probabilities=np.frombuffer(row.probabilities or b"", dtype="<f4"),
        frames=frames_from_bytes(row.frames, n_mfcc=row.n_mfcc),
        updated_ms=row.updated_ms,
        views=views_from_bytes(row.views or b""),
        tempo_bpm=row.tempo_bpm,
    )
