"""What a message may look like: structure, repetitions, formats, code lists, conditions.

In: a message (segments in normal form). Out: its tree and findings. Never here: partners, profiles, business sense.
The standards' tables are data in `data/`, written by our own converter, tested against independent directories.
"""
