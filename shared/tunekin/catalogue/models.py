"""Tables of the catalogue.

Conventions: times of day are milliseconds since 1970 (UTC). Arrays are little-endian bytes, float16 for frames and
float32 for all others. Text is compared by code points, so that ids and the order of pages are the same everywhere.
"""

import hashlib
from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tunekin.catalogue.records import NAME_MAX, SHA256_MAX, VERDICT_MAX, VERSION_MAX

__all__ = [
    "AnswerRow",
    "Base",
    "FeaturesRow",
    "MoodRow",
    "StateRow",
    "TasteRow",
    "TrackMoodRow",
    "TrackRow",
    "clip_key",
]

_Name = String(NAME_MAX)
_Version = String(VERSION_MAX)
_Sha256 = String(SHA256_MAX)
# What MySQL has for these by itself ends at 64 KiB, less than ten minutes of frames or an answer of a hundred matches.
_Frames = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
_Document = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")

_MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class _Tags(TypeDecorator[tuple[str, ...]]):
    """Tags, separated by commas, which no tag holds; nothing where there are none."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return ",".join(value) if value else None

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002
        return tuple(value.split(",")) if value else ()


class Base(DeclarativeBase):
    """Base of every table."""

    # Migrations have to know constraints by name.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    __table_args__: Any = _MYSQL


class TrackRow(Base):
    """A song; see `tunekin.messages.Track`."""

    __tablename__ = "tracks"

    track_id: Mapped[str] = mapped_column(_Name, primary_key=True)
    title: Mapped[str] = mapped_column(_Name)
    artist: Mapped[str] = mapped_column(_Name)
    album: Mapped[str] = mapped_column(_Name)
    duration_s: Mapped[float] = mapped_column(Double)
    isrc: Mapped[str] = mapped_column(_Name)
    musicbrainz_id: Mapped[str] = mapped_column(_Name)
    source_uri: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str] = mapped_column(_Sha256)
    year: Mapped[int] = mapped_column(server_default="0")
    tags: Mapped[tuple[str, ...]] = mapped_column(_Tags, nullable=True)
    added_ms: Mapped[int] = mapped_column(BigInteger)
    updated_ms: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        Index(None, "content_sha256"),
        # The order of pages.
        Index(None, "artist", "title", "track_id"),
        _MYSQL,
    )


class FeaturesRow(Base):
    """A track's features in one feature version."""

    __tablename__ = "track_features"

    track_id: Mapped[str] = mapped_column(ForeignKey(TrackRow.track_id, ondelete="CASCADE"), primary_key=True)
    feature_version: Mapped[str] = mapped_column(_Version, primary_key=True)
    summary: Mapped[bytes] = mapped_column(LargeBinary)
    frames: Mapped[bytes] = mapped_column(_Frames)
    frame_count: Mapped[int]
    n_mfcc: Mapped[int]
    # Feature versions before f2 have none.
    views: Mapped[bytes | None] = mapped_column(LargeBinary)
    # A copy of one number of the summary, which is long.
    tempo_bpm: Mapped[float | None] = mapped_column(Double)


class TrackMoodRow(Base):
    """A track's mood by one mood model: the most probable one, and what the model says of all."""

    __tablename__ = "track_moods"

    track_id: Mapped[str] = mapped_column(ForeignKey(TrackRow.track_id, ondelete="CASCADE"), primary_key=True)
    model_version: Mapped[str] = mapped_column(_Version, primary_key=True)
    mood: Mapped[int]
    probability: Mapped[float] = mapped_column(Double)
    probabilities: Mapped[bytes] = mapped_column(LargeBinary)

    # The most typical tracks of a mood are one end of a range.
    __table_args__ = (Index(None, "model_version", "mood", "probability"), _MYSQL)


class MoodRow(Base):
    """A mood of one mood model, in words."""

    __tablename__ = "moods"

    model_version: Mapped[str] = mapped_column(_Version, primary_key=True)
    mood: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label_ko: Mapped[str] = mapped_column(Text)
    label_en: Mapped[str] = mapped_column(Text)
    description_ko: Mapped[str] = mapped_column(Text)
    description_en: Mapped[str] = mapped_column(Text)


class AnswerRow(Base):
    """An outcome, as the JSON of `tunekin.messages.Answer`."""

    __tablename__ = "recommendations"

    # Publishers name clips, at any length, so the key is the SHA-256 of the name.
    clip_key: Mapped[str] = mapped_column(_Sha256, primary_key=True)
    attempt: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    clip_id: Mapped[str] = mapped_column(_Document)
    answer: Mapped[str] = mapped_column(_Document)
    stored_ms: Mapped[int] = mapped_column(BigInteger)


class TasteRow(Base):
    """What a listener thinks of a track; gone with the track."""

    __tablename__ = "tastes"

    # Who it is stands nowhere: only the SHA-256 of what the listener is known by.
    listener: Mapped[str] = mapped_column(_Sha256, primary_key=True)
    track_id: Mapped[str] = mapped_column(ForeignKey(TrackRow.track_id, ondelete="CASCADE"), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(VERDICT_MAX))
    at_ms: Mapped[int] = mapped_column(BigInteger)

    # What a removed track's row is looked for by.
    __table_args__ = (Index(None, "track_id"), _MYSQL)


class StateRow(Base):
    """The catalogue's version, in the table's only row; its lock is what writers queue at."""

    __tablename__ = "catalogue_state"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    version: Mapped[int] = mapped_column(BigInteger)


def clip_key(clip_id: str) -> str:
    """Key under which the outcomes of a clip are stored.

    Parameters
    ----------
    clip_id : str
        Name of the clip's event.

    Returns
    -------
    str
        Its SHA-256.
    """
    return hashlib.sha256(clip_id.encode()).hexdigest()
