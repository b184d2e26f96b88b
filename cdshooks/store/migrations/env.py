"""Alembic runs this; the connection, its transaction and its lock are those of ``cdshooks.store.migrate``."""

from alembic import context

from cdshooks.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
