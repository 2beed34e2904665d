"""The valid word next to a wrong one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LEAST = 0.5


def nearest_of(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that was probably meant: the most alike, and of those the one that begins alike."""
    scored = [(_alike(word, one), _same_start(word, one), one) for one in valid]
    best = max(scored, key=lambda score: score[:2], default=(0.0, 0, ""))
    return best[2] if best[0] >= _LEAST else None


def _same_start(word: str, other: str) -> int:
    return next((n for n, (one, two) in enumerate(zip(word, other, strict=False)) if one != two), len(word))


def _alike(word: str, other: str) -> float:
    return difflib.SequenceMatcher(None, word.lower(), other.lower()).ratio()
