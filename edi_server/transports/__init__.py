"""Bytes from and to partners. Knows no EDI."""
