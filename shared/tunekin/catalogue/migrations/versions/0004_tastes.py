"""Keep what listeners like and dislike."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "tastes",
        sa.Column("listener", sa.String(64), nullable=False),
        sa.Column("track_id", sa.String(255), nullable=False),
        sa.Column("verdict", sa.String(8), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("listener", "track_id", name="pk_tastes"),
        sa.ForeignKeyConstraint(
            ["track_id"], ["tracks.track_id"], name="fk_tastes_track_id_tracks", ondelete="CASCADE"
        ),
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_bin",
    )
    op.create_index("ix_tastes_track_id", "tastes", ["track_id"])
