"""When remote mailboxes are looked at, and when somebody is told that one cannot be."""

import datetime as dt

import pytest

from edi_server.engine.network.polling import AWAY, REFUSED, Poll, Times
from edi_server.errors import TransportError

NOON = dt.datetime(2026, 10, 24, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


class Place:
    """A mailbox whose looks succeed or fail as a test wants."""

    def __init__(self, folder, times, now=NOON):
        self.now, self.looks, self.told, self.settled, self.forgotten = now, [], [], [], 0
        self.error, self.soon = None, None
        self.folder, self.times = folder, times
        self.restart()

    def restart(self):
        self.poll = Poll(
            self.times,
            collect=self.collect,
            forget=self.forget,
            tell=self.tell,
            settle=self.settle,
            looked=self.folder / "looked",
            clock=lambda: self.now,
        )

    def tell(self, cause, sentence):
        self.told.append((cause, sentence))

    def settle(self, cause):
        self.settled.append(cause)

    def forget(self):
        self.forgotten += 1

    def collect(self):
        self.looks.append(self.now)
        if self.error:
            raise self.error
        soon, self.soon = self.soon, None
        return soon

    def pass_time(self, span):
        """Call as often as the daemon does: when it was said, and not more than a minute apart."""
        end = self.now + span
        wait = 0.0
        while self.now < end:
            wait = self.poll.look()
            self.now += dt.timedelta(seconds=min(max(wait, 0.01), 60))
        return [f"{look:%d %H:%M}" for look in self.looks]


def test_it_is_looked_at_every_so_many_seconds_and_sooner_where_something_waits(tmp_path):
    place = Place(tmp_path, Times(every_seconds=600))
    assert place.pass_time(HOUR / 2) == ["24 12:00", "24 12:10", "24 12:20"]
    place.looks, place.soon = [], 30.0
    place.pass_time(HOUR / 6)
    assert [(look - NOON).total_seconds() for look in place.looks] == [1800, 1830]


@pytest.mark.parametrize(
    ("start", "utc"),
    [
        # Summer time ends on the 25th of October 2026, and begins on the 28th of March 2027.
        (NOON, "2026-10-25 05:00"),
        (dt.datetime(2027, 3, 27, 12, tzinfo=dt.UTC), "2027-03-28 04:00"),
    ],
)
def test_the_clock_of_the_partner_counts_on_days_when_it_is_set(tmp_path, start, utc):
    place = Place(tmp_path, Times(every_seconds=60, cron="0 6 * * *", zone="Europe/Berlin"), now=start)
    place.pass_time(30 * HOUR)
    assert [f"{look:%Y-%m-%d %H:%M}" for look in place.looks[1:]] == [utc]


def test_a_schedule_of_once_a_week_is_kept(tmp_path):
    place = Place(tmp_path, Times(every_seconds=60, cron="0 6 * * MON"))
    assert place.pass_time(24 * 10 * HOUR) == ["24 12:00", "26 06:00", "02 06:00"]


def test_after_a_restart_only_what_was_missed_is_made_up_for(tmp_path):
    place = Place(tmp_path, Times(every_seconds=60, cron="0 6 * * *"))
    place.pass_time(HOUR)
    place.looks = []
    place.restart()
    assert place.pass_time(HOUR) == []
    place.now += 24 * HOUR
    place.restart()
    assert place.pass_time(HOUR) == ["25 14:00"]


def test_a_server_that_is_away_is_tried_again_soon_and_told_after_a_while_and_settled_when_it_is_back(tmp_path):
    place = Place(tmp_path, Times(every_seconds=60, cron="0 6 * * *"))
    place.error = TransportError("north.example: it refuses connections")
    place.pass_time(HOUR / 6)
    assert place.told == []
    looks = place.pass_time(HOUR)
    assert looks[:5] == ["24 12:00", "24 12:01", "24 12:03", "24 12:07", "24 12:15"]
    assert {cause for cause, _ in place.told} == {AWAY}
    assert "since 2026-10-24 12:00 UTC: north.example" in place.told[0][1]
    place.error, place.settled = None, []
    place.pass_time(HOUR)
    assert AWAY in place.settled
    assert place.forgotten == 0


def test_a_short_pause_of_theirs_is_told_to_nobody(tmp_path):
    place = Place(tmp_path, Times(every_seconds=60))
    place.error = TransportError("north.example: it refuses connections")
    place.pass_time(HOUR / 12)
    place.error = None
    place.pass_time(HOUR)
    place.error = TransportError("north.example: it refuses connections")
    place.pass_time(HOUR / 12)
    assert place.told == []


def test_a_refusal_is_told_at_once_not_repeated_often_and_settled_though_another_process_told_it(tmp_path):
    place = Place(tmp_path, Times(every_seconds=10))
    place.error = TransportError("north.example does not let us in", permanent=True)
    assert place.pass_time(HOUR / 2) == ["24 12:00", "24 12:15"]
    assert [cause for cause, _ in place.told] == [REFUSED] * 2
    assert place.forgotten == 2
    place.error = None
    place.restart()
    place.pass_time(HOUR / 60)
    assert REFUSED in place.settled


def test_what_cannot_be_remembered_is_looked_at(tmp_path):
    place = Place(tmp_path, Times(every_seconds=60, cron="0 6 * * *"))
    (tmp_path / "looked").write_text("yesterday")
    place.restart()
    assert place.pass_time(HOUR) == ["24 12:00"]
