"""Control numbers without gap or repeat."""

from __future__ import annotations

from sqlalchemy import Connection, case, select

from edi_server.errors import StoreError
from edi_server.store.records import ControlNumber
from edi_server.store.rows import every, first, upsert
from edi_server.store.tables import control_numbers


class ControlNumbers:
    """One row per range. The row stays locked until the unit of work ends, so take numbers late and commit soon."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def next_control_number(self, scope: str, *, low: int = 1, high: int, rollover: bool = True) -> int:
        """The next number of the range `low` to `high`, both included; rolled back with the unit of work.

        After `high` comes `low` again; with `rollover=False` StoreError (permanent) instead. A row outside the range
        (the agreement was changed) begins at `low`. Raises ValueError if the range is empty.
        """
        return self.next_control_numbers(scope, 1, low=low, high=high, rollover=rollover)[0]

    def next_control_numbers(
        self, scope: str, count: int, *, low: int = 1, high: int, rollover: bool = True
    ) -> list[int]:
        """As `next_control_number`, several at once, such as one per message."""
        if not 0 <= low <= high:
            message = f"{scope}: there is no number from {low} to {high}"
            raise ValueError(message)
        return [self._take(scope, low, high, rollover) for _ in range(count)]

    def _take(self, scope: str, low: int, high: int, rollover: bool) -> int:
        # One statement: on both databases it locks the row (or the place of the new row) and sees the latest commit.
        last = control_numbers.c.last
        used_up = last == high
        begins_anew = (last >= high) | (last < low)
        statement = (
            upsert(self._connection, control_numbers)
            .values(scope=scope, last=low, rounds=0)
            .on_conflict_do_update(
                index_elements=["scope"],
                set_={
                    "last": case((begins_anew, low), else_=last + 1),
                    "rounds": case((used_up, control_numbers.c.rounds + 1), else_=control_numbers.c.rounds),
                },
                where=None if rollover else ~used_up,
            )
            .returning(last)
        )
        number = self._connection.execute(statement).scalar()
        if number is None:
            raise range_used_up(scope, low, high)
        return int(number)

    def find(self, scope: str) -> ControlNumber | None:
        """How far a range is, or None if it was never used."""
        query = select(control_numbers).where(control_numbers.c.scope == scope)
        return first(self._connection, query, ControlNumber)

    def all(self) -> list[ControlNumber]:
        """Every range, by scope."""
        return every(self._connection, select(control_numbers).order_by(control_numbers.c.scope), ControlNumber)


def range_used_up(scope: str, low: int, high: int) -> StoreError:
    """What is raised where a range shall not begin again."""
    message = f"The control numbers of {scope} from {low} to {high} are used up; agree on a new range."
    return StoreError(message, permanent=True)
