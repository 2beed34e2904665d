"""Runs migrations on the connection that `edi_server.store.migration` hands over; there is no other way in."""

from alembic import context

from edi_server.store.migration import context_options

context.configure(connection=context.config.attributes["connection"], **context_options())
with context.begin_transaction():
    context.run_migrations()
