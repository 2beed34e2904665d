"""What an account has with us that is not in the store yet: one running total, however many files grow at a time."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping


class Held:
    """Sizes of things by what names them. Used from any thread."""

    def __init__(self) -> None:
        self._sizes: dict[Hashable, int] = {}
        self._total = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._sizes)

    def reset(self, sizes: Mapping[Hashable, int]) -> None:
        """Count anew."""
        with self._lock:
            self._sizes = dict(sizes)
            self._total = sum(sizes.values())

    def let(self, thing: Hashable, size: int, most: int) -> bool:
        """Let a thing have a size if all things together are no more than `most` then; False, and nothing changed."""
        with self._lock:
            before = self._sizes.get(thing, 0)
            if size > before and self._total - before + size > most:
                return False
            self._sizes[thing] = size
            self._total += size - before
            return True

    def add(self, thing: Hashable, most: int) -> bool:
        """Let one more thing in, of no size yet, if that is no more than `most` things."""
        with self._lock:
            if thing not in self._sizes and len(self._sizes) >= most:
                return False
            self._sizes.setdefault(thing, 0)
            return True

    def set(self, thing: Hashable, size: int) -> None:
        """What a thing has, whatever was allowed: it is there."""
        with self._lock:
            self._total += size - self._sizes.get(thing, 0)
            self._sizes[thing] = size

    def move(self, thing: Hashable, other: Hashable) -> None:
        """It is called otherwise now, and is in place of what was called so."""
        with self._lock:
            size = self._sizes.pop(thing, 0)
            self._total -= self._sizes.get(other, 0)
            self._sizes[other] = size

    def drop(self, thing: Hashable) -> None:
        """It is gone."""
        with self._lock:
            self._total -= self._sizes.pop(thing, 0)
