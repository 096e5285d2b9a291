"""Runs revisions over the connection that `tunekin.catalogue.database` hands in."""

from alembic import context

from tunekin.catalogue.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite alters a table by building it anew, which Alembic does in a batch.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
