"""How databases are opened, and what text and times they take."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, select, text

from edi_server.errors import ConfigurationError, StoreError
from edi_server.findings import Finding, Place
from edi_server.store import DeadLetter, Store, Transmission, Work, new_id, records, tables
from edi_server.store.columns import KEY_LENGTH
from edi_server.store.database import connect, read_url


def transmission(**fields: object) -> Transmission:
    known = {"direction": "inbound", "mailbox": "nordmarkt", "transport": "folder", "name": "a.edi", "size": 1}
    return Transmission(**(known | {"content_hash": "0" * 64} | fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["postgresql://u:p@h/n", "postgres://u:p@h/n", "postgresql+psycopg://u:p@h/n"])
def test_postgresql_goes_through_psycopg_3(given: str) -> None:
    assert read_url(given).render_as_string(hide_password=False) == "postgresql+psycopg://u:p@h/n"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://h/n", "not supported"),
        ("sqlite://", "forgets everything"),
        ("sqlite:///:memory:", "forgets everything"),
        ("sqlite:///file:x?mode=memory&uri=true", "forgets everything"),
        ("var/edi.db", "no database URL"),
        ("", "no database URL"),
    ],
)
def test_any_other_url_is_an_error_that_says_what_to_write(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_url(url)


def test_sqlite_commits_survive_a_power_cut(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'a b.db'}")
    for _ in range(2):
        with engine.connect() as one, engine.connect() as other:
            for connection in (one, other):
                pragmas = {
                    name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                }
                assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}
                connection.rollback()
    engine.dispose()


def test_two_first_starts_at_once_both_get_wal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    modes: list[object] = []

    def start() -> None:
        engine = connect(url)
        with engine.connect() as connection:
            modes.append(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        engine.dispose()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert modes == ["wal"] * 8


def test_a_database_that_is_away_is_a_passing_error_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Store.open(f"postgresql://nobody@/none?host={tmp_path}", tmp_path / "archive")
    assert not raised.value.permanent
    assert "\n" not in str(raised.value)


def test_a_password_is_not_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as raised:
        Store.open(f"postgresql://nobody:geheim@/none?host={tmp_path}", tmp_path / "archive")
    assert "geheim" not in str(raised.value)


def test_writing_without_migration_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another version"):
        Store.open(empty_database_url, tmp_path / "archive", migrate=False)
    Store.open(empty_database_url, tmp_path / "archive").close()
    Store.open(empty_database_url, tmp_path / "archive", migrate=False).close()


def test_a_lost_connection_is_a_passing_error_and_the_next_one_is_new(postgresql_url: str, tmp_path: Path) -> None:
    def break_down(work: Work) -> None:
        killer = create_engine(read_url(postgresql_url))
        with killer.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": work.connection.scalar(_PID)})
        killer.dispose()
        work.transmissions.newest()

    with Store.open(postgresql_url, tmp_path / "archive") as store:
        with pytest.raises(StoreError) as raised, store.begin() as work:
            break_down(work)
        assert not raised.value.permanent
        with store.begin() as work:
            assert work.transmissions.newest() == []


_PID = text("SELECT pg_backend_pid()")


def test_a_deadlock_is_a_passing_error_for_one_and_no_error_for_the_other(postgresql_url: str, tmp_path: Path) -> None:
    errors: list[StoreError] = []
    together = threading.Barrier(2)

    def lock(first: str, second: str) -> None:
        try:
            with store.begin() as work:
                work.control_numbers.next_control_number(first, high=9)
                together.wait()
                work.control_numbers.next_control_number(second, high=9)
        except StoreError as error:
            errors.append(error)

    with Store.open(postgresql_url, tmp_path / "archive") as store:
        threads = [threading.Thread(target=lock, args=names) for names in (("a", "b"), ("b", "a"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with store.read() as work:
            assert [one.last for one in work.control_numbers.all()] == [1, 1]
    assert [error.permanent for error in errors] == [False]


def test_what_raises_is_rolled_back(store: Store) -> None:
    one = transmission()

    def break_down() -> None:
        with store.begin() as work:
            work.transmissions.take(one)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_down()
    with store.read() as work:
        assert work.transmissions.find(one.id) is None
        assert work.timeline.of(one.subject) == []


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read"), store.read() as work:
        work.transmissions.take(transmission())
    with store.begin() as work:
        assert work.transmissions.take(transmission()).is_new, "and the connection it used can write again"


def test_a_reader_sees_one_state_and_is_not_held_up_by_a_writer(store: Store) -> None:
    with store.begin() as writing:
        writing.transmissions.take(transmission())
        with store.read() as reading:
            assert reading.transmissions.newest() == []
    with store.read() as reading:
        assert len(reading.transmissions.newest()) == 1
        with store.begin() as writing:
            writing.transmissions.take(transmission())
        assert len(reading.transmissions.newest()) == 1, "still what was there when it began"


def test_writers_wait_for_one_another(store: Store) -> None:
    began = threading.Event()

    def slow() -> None:
        with store.begin() as work:
            work.watermarks.advance("orders", datetime(2026, 1, 1, tzinfo=UTC))
            began.set()
            time.sleep(0.3)

    thread = threading.Thread(target=slow)
    thread.start()
    began.wait()
    with store.begin() as work:
        work.watermarks.advance("orders", datetime(2026, 1, 2, tzinfo=UTC))
    thread.join()
    with store.read() as work:
        assert work.watermarks.reached("orders") == datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("name", ["a\0b", "half \ud800 pair", "Grüße, 発注 📦", "", "'; DROP TABLE documents; --"])
def test_any_text_of_a_partner_can_be_stored(store: Store, name: str) -> None:
    finding = Finding(code="x.y", severity="error", sentence=name, place=Place(tag=name), found=name)
    one = transmission(name=name, partner=name, findings=(finding,))
    with store.begin() as work:
        assert work.transmissions.take(one).is_new
        back = work.transmissions.get(one.id)
        assert [found.id for found in work.transmissions.newest(partner=name)] == [one.id]
    assert back.name == name.replace("\0", "␀").replace("\ud800", "\ufffd\ufffd\ufffd")
    assert back.findings[0].found == back.name
    assert back.findings[0].place.tag == back.name


def test_text_too_long_for_an_index_stays_distinct_and_can_be_found(store: Store) -> None:
    lengths = [KEY_LENGTH - 1, KEY_LENGTH, KEY_LENGTH + 1, 100_000]
    keys = ["".join(chr(0x4E00 + (i * 7919 + n) % 20_000) for i in range(n)) for n in lengths]
    with store.begin() as work:
        for number, key in enumerate([*keys, keys[-1] + "x"]):
            assert work.ledger.claim_key(key, "hash", str(number)).outcome == "new"
        for number, key in enumerate(keys):
            found = work.ledger.find(key)
            assert found
            assert found.document_id == str(number)
            assert (found.key == key) == (len(key) <= KEY_LENGTH)


def test_times_come_back_in_utc_and_sort(store: Store) -> None:
    kathmandu = timezone(timedelta(hours=5, minutes=45))
    moment = datetime(2026, 11, 23, 1, 2, 3, 456_789, kathmandu)
    one = transmission(created_at=moment)
    with store.begin() as work:
        work.transmissions.take(one)
        back = work.transmissions.get(one.id).created_at
    assert back == moment
    assert back.tzinfo is UTC


def test_a_time_without_zone_is_refused(store: Store) -> None:
    naive = datetime(2026, 11, 23)  # noqa: DTZ001 — on purpose
    with pytest.raises(StoreError, match="no time zone") as raised, store.begin() as work:
        work.watermarks.advance("orders", naive)
    assert raised.value.permanent


def test_a_word_that_is_no_state_is_refused_by_the_database(store: Store) -> None:
    with pytest.raises(StoreError) as raised, store.begin() as work:
        work.transmissions.take(transmission(result="lost"))
    assert raised.value.permanent


def test_foreign_keys_hold(store: Store) -> None:
    with pytest.raises(StoreError) as raised, store.begin() as work:
        work.transmissions.take(transmission(parent_id=new_id()))
    assert raised.value.permanent


def test_every_record_has_the_columns_of_its_table() -> None:
    named = {
        "transmissions": records.Transmission,
        "interchanges": records.Interchange,
        "messages": records.Message,
        "documents": records.Document,
        "postings": records.Posting,
        "events": records.Event,
        "acknowledgments": records.Acknowledgment,
        "cases": records.Case,
        "dead_letters": records.DeadLetter,
        "delivery_attempts": records.DeliveryAttempt,
        "control_numbers": records.ControlNumber,
        "watermarks": records.Watermark,
    }
    assert set(named) == set(tables.METADATA.tables)
    for name, record in named.items():
        columns = {column.name for column in tables.METADATA.tables[name].columns} - {"once"}
        assert {field.name for field in msgspec.structs.fields(record)} == columns, name


def test_any_json_comes_back(store: Store) -> None:
    given = {"path": "inbox/a b.edi", "list": [1, None, "ü\0"], "deep": {"x": 1.5}}
    with store.begin() as work:
        letter = work.dead_letters.park(
            DeadLetter(
                workflow_id="w", workflow_kind="receive", workflow_input=given, error="", permanent=True, attempts=1
            )
        )
    assert letter.workflow_input == {"path": "inbox/a b.edi", "list": [1, None, "ü␀"], "deep": {"x": 1.5}}


def test_ids_sort_in_the_order_of_their_making_and_do_not_run_ahead_of_the_clock() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    ahead = int(ids[-1].replace("-", "")[:12], 16) - time.time() * 1000
    assert ahead < 50, "milliseconds"
    assert {one[14] for one in ids} == {"7"}
    assert {one[19] for one in ids} <= set("89ab")


def test_ids_of_many_threads_are_distinct() -> None:
    made: list[list[str]] = []
    threads = [threading.Thread(target=lambda: made.append([new_id() for _ in range(3_000)])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(ids == sorted(ids) for ids in made)
    assert len({one for ids in made for one in ids}) == 12_000


def test_a_transaction_that_somebody_else_began_can_be_joined(store: Store) -> None:
    one = transmission()
    with store.engine.begin() as connection:
        Work(connection).transmissions.take(one)
        connection.rollback()
    with store.read() as work:
        assert work.transmissions.find(one.id) is None


def test_plain_sql_sees_what_it_expects(store: Store, database_url: str) -> None:
    with store.begin() as work:
        work.transmissions.take(transmission())
    engine = create_engine(read_url(database_url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT result FROM transmissions")).scalar() is None
        assert connection.execute(select(tables.transmissions.c.attempts)).scalar() == 0
    engine.dispose()
