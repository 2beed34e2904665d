"""Control numbers: no gap, no repeat, whatever happens around them."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edi_server.errors import StoreError
from edi_server.store import Store

SCOPE = "nordmarkt/desadv-out/interchange"


def test_they_count_from_low_and_begin_anew_after_high(store: Store) -> None:
    with store.begin() as work:
        numbers = [work.control_numbers.next_control_number(SCOPE, low=7, high=9) for _ in range(7)]
        assert numbers == [7, 8, 9, 7, 8, 9, 7]
        state = work.control_numbers.find(SCOPE)
    assert state
    assert (state.last, state.rounds) == (7, 2)


def test_without_rollover_the_end_is_an_error_and_nothing_moves(store: Store) -> None:
    with store.begin() as work:
        assert work.control_numbers.next_control_numbers(SCOPE, 2, high=2, rollover=False) == [1, 2]
        for _ in range(2):
            with pytest.raises(StoreError, match="used up") as raised:
                work.control_numbers.next_control_number(SCOPE, high=2, rollover=False)
            assert raised.value.permanent
    with store.begin() as work:
        assert work.control_numbers.next_control_number(SCOPE, high=3, rollover=False) == 3, "a longer range goes on"


@pytest.mark.parametrize(("low", "high", "expected"), [(100, 199, 100), (1, 4, 1), (1, 6, 6), (5, 9, 6)])
def test_a_changed_range_goes_on_if_it_can_and_else_begins_at_low(
    store: Store, low: int, high: int, expected: int
) -> None:
    with store.begin() as work:
        work.control_numbers.next_control_numbers(SCOPE, 5, high=99)
        assert work.control_numbers.next_control_number(SCOPE, low=low, high=high, rollover=low == 1) == expected


def test_scopes_count_apart(store: Store) -> None:
    with store.begin() as work:
        assert work.control_numbers.next_control_number("a", high=9) == 1
        assert work.control_numbers.next_control_number("b", high=9) == 1
        assert [one.scope for one in work.control_numbers.all()] == ["a", "b"]


def test_an_empty_range_is_a_mistake_of_the_caller(store: Store) -> None:
    with pytest.raises(ValueError, match="no number from 5 to 4"), store.begin() as work:
        work.control_numbers.next_control_number(SCOPE, low=5, high=4)


def test_large_numbers_fit(store: Store) -> None:
    with store.begin() as work:
        high = 99_999_999_999_999
        assert work.control_numbers.next_control_numbers(SCOPE, 3, low=high - 1, high=high) == [
            high - 1,
            high,
            high - 1,
        ]


def test_threads_with_random_rollbacks_leave_no_gap_and_no_repeat(store: Store) -> None:
    kept: list[int] = []
    lock = threading.Lock()

    class ChangedMindError(Exception):
        pass

    def change_mind(dice: random.Random) -> None:
        if dice.random() < 0.4:
            raise ChangedMindError

    def work_hard(seed: int) -> None:
        dice = random.Random(seed)
        done = 0
        while done < 25:
            try:
                with store.begin() as work:
                    numbers = work.control_numbers.next_control_numbers(SCOPE, dice.randint(1, 3), high=999_999)
                    change_mind(dice)
            except ChangedMindError:
                continue
            with lock:
                kept.extend(numbers)
            done += 1

    threads = [threading.Thread(target=work_hard, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) >= 100
    assert sorted(kept) == list(range(1, len(kept) + 1))


WORKER = """
import os, random, signal, sys
from pathlib import Path
from edi_server.store import Store, Transmission

url, folder, seed = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
dice = random.Random(seed)
store = Store.open(url, folder / "archive", migrate=False)
for turn in range(40):
    with store.begin() as work:
        number = work.control_numbers.next_control_number("scope", high=999999)
        work.transmissions.stage(Transmission(
            direction="outbound", mailbox="m", transport="folder", name=str(number), size=0, content_hash="0" * 64
        ))
        if seed == 0 and turn == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        if dice.random() < 0.2:
            work.connection.rollback()
"""


def test_processes_one_of_which_is_killed_leave_no_gap_and_no_repeat(
    store: Store, database_url: str, tmp_path: Path
) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WORKER, database_url, str(tmp_path), str(seed)]) for seed in range(3)
    ]
    assert [process.wait(timeout=120) for process in started] == [-9, 0, 0]
    with store.begin() as work:
        names = [int(one.name) for one in work.transmissions.newest(direction="outbound", limit=1000)]
        assert len(names) > 50
        assert sorted(names) == list(range(1, len(names) + 1))
        assert work.control_numbers.next_control_number("scope", high=999_999) == len(names) + 1
