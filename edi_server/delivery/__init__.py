"""Outbox → transport, receipts, overdue acknowledgments."""
