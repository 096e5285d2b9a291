"""Make the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

# A revision never changes, so it repeats what the models said when it was written.
_MYSQL = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    name, version, sha256 = sa.String(255), sa.String(64), sa.String(64)
    medium_blob = sa.LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
    medium_text = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql")

    op.create_table(
        "tracks",
        sa.Column("track_id", name, nullable=False),
        sa.Column("title", name, nullable=False),
        sa.Column("artist", name, nullable=False),
        sa.Column("album", name, nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=False),
        sa.Column("isrc", name, nullable=False),
        sa.Column("musicbrainz_id", name, nullable=False),
        sa.Column("source_uri", sa.Text(), nullable=False),
        sa.Column("content_sha256", sha256, nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("track_id", name="pk_tracks"),
        **_MYSQL,
    )
    op.create_index("ix_tracks_content_sha256", "tracks", ["content_sha256"])
    op.create_index("ix_tracks_artist_title_track_id", "tracks", ["artist", "title", "track_id"])

    op.create_table(
        "track_features",
        sa.Column("track_id", name, nullable=False),
        sa.Column("feature_version", version, nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=False),
        sa.Column("frames", medium_blob, nullable=False),
        sa.Column("frame_count", sa.Integer(), nullable=False),
        sa.Column("n_mfcc", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("track_id", "feature_version", name="pk_track_features"),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name="fk_track_features_track_id_tracks", ondelete="CASCADE"
        ),
        **_MYSQL,
    )

    op.create_table(
        "track_moods",
        sa.Column("track_id", name, nullable=False),
        sa.Column("model_version", version, nullable=False),
        sa.Column("mood", sa.Integer(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("probabilities", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("track_id", "model_version", name="pk_track_moods"),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name="fk_track_moods_track_id_tracks", ondelete="CASCADE"
        ),
        **_MYSQL,
    )
    op.create_index(
        "ix_track_moods_model_version_mood_probability", "track_moods", ["model_version", "mood", "probability"]
    )

    op.create_table(
        "moods",
        sa.Column("model_version", version, nullable=False),
        sa.Column("mood", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label_ko", sa.Text(), nullable=False),
        sa.Column("label_en", sa.Text(), nullable=False),
        sa.Column("description_ko", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model_version", "mood", name="pk_moods"),
        **_MYSQL,
    )

    op.create_table(
        "recommendations",
        sa.Column("clip_key", sha256, nullable=False),
        sa.Column("attempt", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("clip_id", medium_text, nullable=False),
        sa.Column("answer", medium_text, nullable=False),
        sa.Column("stored_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("clip_key", "attempt", name="pk_recommendations"),
        **_MYSQL,
    )

    state = op.create_table(
        "catalogue_state",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_state"),
        **_MYSQL,
    )
    op.bulk_insert(state, [{"id": 1, "version": 0}])
