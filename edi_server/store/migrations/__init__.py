"""Migrations of the store's tables (Alembic); run by `edi_server.store.migration`."""
