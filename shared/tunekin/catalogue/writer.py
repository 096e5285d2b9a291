"""What may be done to the catalogue; one role does it."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
import numpy as np
from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tunekin.catalogue.database import reading, writing
from tunekin.catalogue.models import (
    AnswerRow,
    FeaturesRow,
    MoodRow,
    StateRow,
    TrackMoodRow,
    TrackRow,
    clip_key,
)
from tunekin.catalogue.records import Entry, MoodInWords, Removed, Written
from tunekin.features import FEATURES
from tunekin.messages import Answer
from tunekin.ports import Clock

__all__ = ["CatalogueWriter", "Written"]

_answers = msgspec.json.Encoder()
# Takes some tenths of a second.
_FORGOTTEN_AT_ONCE = 2_000


class CatalogueWriter:
    """Writes the catalogue, one transaction a call; may be called from any thread and process.

    Each method raises `tunekin.errors.DependencyError` where the database can't be reached; then nothing is written, or
    all of it, and writing it once more does no harm.

    Parameters
    ----------
    engine : Engine
        See `tunekin.catalogue.database.open_engine`.
    clock : Clock
        Time of day in seconds.
    """

    def __init__(self, engine: Engine, *, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def upsert(self, entries: Sequence[Entry]) -> list[Written]:
        """Store tracks with their features and moods, all or none.

        Features of other versions stay, unless the track's content is another than before. That another track has the
        same content is no obstacle; ask `tunekin.catalogue.reader.CatalogueReader.contents` before.

        Parameters
        ----------
        entries : sequence of Entry
            What to store; of several entries for one track the last one stands.

        Returns
        -------
        list of Written
            What came of each, with a version of its own.
        """
        if not entries:
            return []
        with writing(self._engine) as connection:
            version = _next_version(connection, changes=len(entries))
            held = _contents(connection, [entry.track.track_id for entry in entries])
            _write_tracks(connection, entries, held=held, now_ms=self._now_ms())
            _write_features(connection, entries)
            _write_moods(connection, entries)
        first = {entry.track.track_id: i for i, entry in reversed(list(enumerate(entries)))}
        return [
            Written(
                catalogue_version=version - len(entries) + 1 + i,
                added=entry.track.track_id not in held and first[entry.track.track_id] == i,
            )
            for i, entry in enumerate(entries)
        ]

    def remove(self, track_id: str) -> Removed:
        """Remove a track with its features and moods.

        Parameters
        ----------
        track_id : str
            The track.

        Returns
        -------
        Removed
            Removing what the catalogue does not hold changes nothing.
        """
        with writing(self._engine) as connection:
            # Writers queue here first, so that no two wait for each other.
            version = _next_version(connection, changes=0)
            held = connection.execute(delete(TrackRow).where(TrackRow.track_id == track_id)).rowcount > 0
            if held:
                version = _next_version(connection)
        return Removed(catalogue_version=version, held=held)

    def put_moods(self, model_version: str, moods: Iterable[MoodInWords]) -> None:
        """Store the moods of a model in words; a change of the catalogue only where the words change.

        Parameters
        ----------
        model_version : str
            The model.
        moods : iterable of MoodInWords
            All its moods.
        """
        wanted = {
            (model_version, mood.id, mood.label.ko, mood.label.en, mood.description.ko, mood.description.en)
            for mood in moods
        }
        columns = MoodRow.__table__.columns
        with reading(self._engine) as connection:
            held = connection.execute(select(*columns).where(MoodRow.model_version == model_version))
            if {tuple(row) for row in held} == wanted:
                return
        with writing(self._engine) as connection:
            _next_version(connection)
            connection.execute(delete(MoodRow).where(MoodRow.model_version == model_version))
            if wanted:
                connection.execute(insert(MoodRow), [dict(zip(columns.keys(), row, strict=True)) for row in wanted])

    def forget_moods(self, *, keep: Collection[str]) -> int:
        """Take away the moods of models that nothing is answered by any more, in words and of tracks.

        No change of the catalogue: no answer depends on them. A transaction takes some thousand tracks at most, so that
        other writers wait for little.

        Parameters
        ----------
        keep : collection of str
            Models whose moods stay; at least one.

        Returns
        -------
        int
            How many moods of tracks are gone.

        Raises
        ------
        ValueError
            Nothing is to stay.
        """
        if not keep:
            raise ValueError("keep is empty, but must name the model in use")
        forgotten = 0
        old = select(TrackMoodRow.track_id, TrackMoodRow.model_version).where(TrackMoodRow.model_version.not_in(keep))
        statement = delete(TrackMoodRow).where(
            TrackMoodRow.track_id == bindparam("old_id"), TrackMoodRow.model_version == bindparam("old_version")
        )
        while True:
            with writing(self._engine) as connection:
                rows = connection.execute(old.limit(_FORGOTTEN_AT_ONCE)).all()
                if not rows:
                    connection.execute(delete(MoodRow).where(MoodRow.model_version.not_in(keep)))
                    return forgotten
                keys = [{"old_id": row.track_id, "old_version": row.model_version} for row in rows]
                connection.execute(statement, keys)
            forgotten += len(rows)

    def put_answer(self, answer: Answer) -> None:
        """Store an outcome, unless one of its attempt is stored already.

        Parameters
        ----------
        answer : Answer
            The outcome.
        """
        row = {
            "clip_key": clip_key(answer.clip_id),
            "attempt": answer.attempt,
            "clip_id": answer.clip_id,
            "answer": _answers.encode(answer).decode(),
            "stored_ms": self._now_ms(),
        }
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(AnswerRow), row)
        except IntegrityError:
            # Delivered once more; the first one stands.
            return

    def _now_ms(self) -> int:
        return round(self._clock() * 1000)


def _next_version(connection: Connection, *, changes: int = 1) -> int:
    """Count changes; until they are committed, every other writer waits here, before it has seen anything."""
    connection.execute(update(StateRow).values(version=StateRow.version + changes))
    return connection.execute(select(StateRow.version)).scalar_one()


def _contents(connection: Connection, track_ids: list[str]) -> dict[str, str]:
    """Content hash of each of these tracks that the catalogue holds."""
    query = select(TrackRow.track_id, TrackRow.content_sha256).where(TrackRow.track_id.in_(track_ids))
    return {row.track_id: row.content_sha256 for row in connection.execute(query)}


def _write_tracks(connection: Connection, entries: Sequence[Entry], *, held: dict[str, str], now_ms: int) -> None:
    tracks = {entry.track.track_id: entry.track for entry in entries}
    # What other versions heard was other sound; by these tables they would go on telling of it.
    changed = [track_id for track_id, sha256 in held.items() if tracks[track_id].content_sha256 != sha256]
    if changed:
        connection.execute(delete(FeaturesRow).where(FeaturesRow.track_id.in_(changed)))
        connection.execute(delete(TrackMoodRow).where(TrackMoodRow.track_id.in_(changed)))
    rows = [msgspec.structs.asdict(track) | {"updated_ms": now_ms} for track in tracks.values()]
    if old := [row | {"old_id": row["track_id"]} for row in rows if row["track_id"] in held]:
        names = [name for name in old[0] if name not in {"old_id", "track_id"}]
        statement = update(TrackRow).where(TrackRow.track_id == bindparam("old_id"))
        connection.execute(statement.values({name: bindparam(name) for name in names}), old)
    if new := [row | {"added_ms": now_ms} for row in rows if row["track_id"] not in held]:
        connection.execute(insert(TrackRow), new)


def _write_features(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = {
        (entry.track.track_id, entry.feature_version): {
            "summary": np.asarray(entry.summary, "<f4").tobytes(),
            "frames": entry.frames,
            "frame_count": entry.frame_count,
            "n_mfcc": entry.n_mfcc,
            "views": entry.views,
            "tempo_bpm": FEATURES.tempo_bpm(entry.summary),
        }
        for entry in entries
    }
    connection.execute(
        delete(FeaturesRow).where(
            FeaturesRow.track_id == bindparam("old_id"), FeaturesRow.feature_version == bindparam("old_version")
        ),
        [{"old_id": track_id, "old_version": version} for track_id, version in rows],
    )
    connection.execute(
        insert(FeaturesRow),
        [{"track_id": track_id, "feature_version": version} | row for (track_id, version), row in rows.items()],
    )


def _write_moods(connection: Connection, entries: Sequence[Entry]) -> None:
    rows = {
        (entry.track.track_id, entry.model_version): np.asarray(entry.probabilities, "<f4")
        for entry in entries
        if len(entry.probabilities)
    }
    if not rows:
        return
    connection.execute(
        delete(TrackMoodRow).where(
            TrackMoodRow.track_id == bindparam("old_id"), TrackMoodRow.model_version == bindparam("old_version")
        ),
        [{"old_id": track_id, "old_version": version} for track_id, version in rows],
    )
    connection.execute(
        insert(TrackMoodRow),
        [
            {
                "track_id": track_id,
                "model_version": version,
                "mood": int(probabilities.argmax()),
                "probability": float(probabilities.max()),
                "probabilities": probabilities.tobytes(),
            }
            for (track_id, version), probabilities in rows.items()
        ],
    )
