"""Interchange, group and message: open and close; counts, references, parties.

In: segments. Out: events (opened, message, closed) with findings. Never here: the inside of a message.
"""
