"""Findings → CONTRL; and received acknowledgments matched to what we sent.

Never here: how an acknowledgment travels, or what the ERP thinks of a document.
"""
