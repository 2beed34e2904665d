"""The states are the same in the code, in the database and in docs/states.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import CheckConstraint

from edi_server.errors import StoreError
from edi_server.store import states
from edi_server.store.states import LIFECYCLES, Lifecycle
from edi_server.store.tables import METADATA

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
TABLES = {
    "transmission": "transmissions",
    "interchange": "interchanges",
    "message": "messages",
    "document": "documents",
    "case": "cases",
    "posting": "postings",
    "dead_letter": "dead_letters",
}


def word(cell: str) -> str | None:
    return None if cell == "—" else cell.strip("`")


def words(line: str) -> tuple[str | None, ...]:
    return tuple(word(cell) for cell in line.partition(": ")[2].split(" · "))


def read_page() -> dict[str, Lifecycle]:
    found: dict[str, Lifecycle] = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        listed = next(line for line in text.splitlines() if line.startswith("States: "))
        first = next(line for line in text.splitlines() if line.startswith("Begins as: "))
        moves: dict[str | None, dict[str, str]] = {}
        for then, after, who in re.findall(r"^\| (—|`.+?`) \| (`.+?`) \| (.+?) \|$", text, re.MULTILINE):
            moves.setdefault(word(then), {})[str(word(after))] = who
        found[name] = Lifecycle(
            name=name, states=tuple(str(one) for one in words(listed)), first=words(first), moves=moves
        )
    return found


def test_the_page_says_what_the_code_says() -> None:
    assert read_page() == LIFECYCLES


def test_every_column_of_states_is_held_to_them_by_the_database() -> None:
    for name, lifecycle in LIFECYCLES.items():
        row, column = name.split(".")
        table = METADATA.tables[TABLES[row]]
        (check,) = (
            constraint
            for constraint in table.constraints
            if isinstance(constraint, CheckConstraint) and constraint.name == f"ck_{table.name}_{column}"
        )
        assert tuple(re.findall(r"'(.+?)'", str(check.sqltext))) == lifecycle.states
        assert table.c[column].nullable == (None in lifecycle.first), name


def test_no_column_of_states_is_forgotten() -> None:
    named = {f"{TABLES[name.split('.')[0]]}.{name.split('.')[1]}" for name in LIFECYCLES}
    fixed = {"direction", "subject_kind", "outcome"}
    checked = {
        f"{table.name}.{str(constraint.name).removeprefix(f'ck_{table.name}_')}"
        for table in METADATA.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    assert {name for name in checked if name.split(".")[1] not in fixed} == named


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_every_state_is_known_reached_and_left_in_words(lifecycle: Lifecycle) -> None:
    reached = {then for moves in lifecycle.moves.values() for then in moves} | set(lifecycle.first)
    assert reached - {None} == set(lifecycle.states)
    assert set(lifecycle.moves) <= {*lifecycle.states, None}
    assert all(then != now for now, moves in lifecycle.moves.items() for then in moves)
    assert all(who for moves in lifecycle.moves.values() for who in moves.values())


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=LIFECYCLES)
def test_only_listed_moves_are_allowed(lifecycle: Lifecycle) -> None:
    for now in (None, *lifecycle.states):
        for then in lifecycle.states:
            if then == now or then in lifecycle.moves.get(now, {}):
                lifecycle.check(now, then)
                continue
            with pytest.raises(StoreError, match="cannot go from") as raised:
                lifecycle.check(now, then)
            assert raised.value.permanent


def test_a_result_is_decided_once_and_an_outcome_may_be_corrected() -> None:
    with pytest.raises(StoreError):
        states.INTERCHANGE_RESULT.check("accepted", "duplicate")
    states.DOCUMENT_ACKNOWLEDGMENT.check("accepted", "rejected")
    states.DOCUMENT_ACKNOWLEDGMENT.check("overdue", "accepted")
