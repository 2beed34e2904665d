"""Bytes ⇄ segments. Knows separators, release characters and character sets; nothing of envelopes or business.

In: a stream of bytes. Out: blocks of segments in *normal form*, and back. Never here: what a segment means.
"""
