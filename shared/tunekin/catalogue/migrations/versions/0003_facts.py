"""Keep what songs are filtered by: year, tags, and the tempo that their summaries hold."""

import struct

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# Where the summaries of f1 and f2 have the tempo, as little-endian float32.
_TEMPO = slice(4 * 74, 4 * 75)
_ROWS = 1_000


def upgrade() -> None:
    op.add_column("tracks", sa.Column("year", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("tracks", sa.Column("tags", sa.Text(), nullable=True))
    op.add_column("track_features", sa.Column("tempo_bpm", sa.Double(), nullable=True))

    features = sa.table(
        "track_features",
        *(sa.column(name) for name in ("track_id", "feature_version", "summary", "tempo_bpm")),
    )
    page = (
        sa.select(features.c.track_id, features.c.feature_version, features.c.summary)
        .order_by(features.c.track_id, features.c.feature_version)
        .limit(_ROWS)
    )
    fill = (
        sa.update(features)
        .where(features.c.track_id == sa.bindparam("id"), features.c.feature_version == sa.bindparam("version"))
        .values(tempo_bpm=sa.bindparam("tempo"))
    )
    connection, query = op.get_bind(), page
    while rows := connection.execute(query).all():
        tempi = [
            {"id": row.track_id, "version": row.feature_version, "tempo": struct.unpack("<f", row.summary[_TEMPO])[0]}
            for row in rows
            if len(row.summary) >= _TEMPO.stop
        ]
        if tempi:
            connection.execute(fill, tempi)
        last = rows[-1]
        query = page.where(
            sa.or_(
                features.c.track_id > last.track_id,
                sa.and_(features.c.track_id == last.track_id, features.c.feature_version > last.feature_version),
            )
        )
