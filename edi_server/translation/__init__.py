"""Profiles: load, inherit, check, compile, run both ways, explain.

In: a message's tree (or a canonical document) and a profile. Out: a canonical document (or segments) and findings.
Never here: envelopes, partners, look-ups in other systems.
"""
