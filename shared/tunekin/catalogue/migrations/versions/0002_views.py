"""Keep views beside a track's frames."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("track_features", sa.Column("views", sa.LargeBinary(), nullable=True))
