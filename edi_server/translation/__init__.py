"""Profiles: load, inherit, check, compile, run both ways, explain.

In: a message's tree (or a canonical document) and a profile. Out: a canonical document (or segments) and findings.
Never here: envelopes, partners, look-ups in other systems.
"""

from edi_server.translation.check import check_profile
from edi_server.translation.coverage import Coverage, NotCarried
from edi_server.translation.load import builtin_root, load_profile, profile_names
from edi_server.translation.profile import Profile, ProfileProblem
from edi_server.translation.translator import Explained, Reading, Translator, Writing, translator_for

__all__ = [
    "Coverage",
    "Explained",
    "NotCarried",
    "Profile",
    "ProfileProblem",
    "Reading",
    "Translator",
    "Writing",
    "builtin_root",
    "check_profile",
    "load_profile",
    "profile_names",
    "translator_for",
]
