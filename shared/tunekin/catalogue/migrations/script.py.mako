"""${message}."""

import sqlalchemy as sa
from alembic import op
${imports or ""}
revision = "${up_revision}"
down_revision = "${down_revision}"


def upgrade() -> None:
    ${upgrades or "pass"}
