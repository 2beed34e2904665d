"""Database, archive, control numbers, timeline."""
