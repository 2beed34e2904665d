"""What nobody sends a message about: certificates that end or are switched, and receipts that do not come."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from edi_server.engine.as2_agreed import OwnAgreed
from edi_server.engine.as2_alarms import CAUSES, Alarm, alarm_of, own_gap, partner_gap
from edi_server.engine.notices import US, Notices
from edi_server.partners import Partner
from edi_server.transports.as2.certificates import fingerprint, name_of
from edi_server.transports.as2.sending import Sending, Sendings
from edi_server.transports.as2.transport import Line
from edi_server.transports.durable_file import write_durably

log = logging.getLogger(__name__)

MISSED = "as2-receipt-missing"


class Told(msgspec.Struct, kw_only=True):
    """What was told before, by partner or `US`: so that a case that a person closed stays closed until it is worse."""

    #: `Alarm.key`, "" for none.
    alarms: dict[str, str] = {}
    #: What we signed with, or encrypted for the partner with, in words.
    used: dict[str, str] = {}


class Watch:
    """Looks at all partners; `file` keeps what was told. Used from two threads, one for each kind of look."""

    def __init__(self, file: Path, notices: Notices, sendings: Sendings) -> None:
        self._file = file
        self._notices = notices
        self._sendings = sendings
        #: Partners who have a receipt overdue; None before the first look.
        self._late: set[str] | None = None

    def look_at_certificates(
        self, partners: Iterable[Partner], lines: Mapping[str, Line], own: Sequence[OwnAgreed], now: datetime
    ) -> None:
        """Tell what is new since the last look. `own` has the key that signs first."""
        before, told = self._read(), Told()
        for about, alarm, used in _found(partners, lines, own, now):
            told.alarms[about], told.used[about] = alarm.key if alarm else "", used
            if before.alarms.get(about) != told.alarms[about]:
                self._tell_alarm(about, alarm)
            if used and before.used.get(about, used) != used:
                self._notices.tell(about, "as2-certificate-switched", f"From now on {used}.", is_serious=False)
        if told != before:
            write_durably(self._file, msgspec.json.encode(told))

    def _tell_alarm(self, about: str, alarm: Alarm | None) -> None:
        for cause in CAUSES:
            if alarm is None or cause != alarm.cause:
                self._notices.settle(about, cause, "It is told anew as the day comes nearer, or there is one now.")
        if alarm is not None:
            self._notices.tell(about, alarm.cause, alarm.sentence, thing=alarm.key)

    def _read(self) -> Told:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Told)
        except FileNotFoundError:
            return Told()
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s cannot be read, so everything is told anew: %s", self._file, error)
            return Told()

    def look_for_receipts(self, partners: Iterable[Partner], lines: Mapping[str, Line], now: datetime) -> None:
        """A case for each partner whose receipts are overdue, until they came."""
        overdue: dict[str, list[Sending]] = {}
        for one in self._sendings.waiting():
            line = lines.get(one.mailbox)
            if line is not None and now.timestamp() - one.waiting_since > line.receipt_within:
                overdue.setdefault(one.mailbox, []).append(one)
        late = set()
        for partner in partners:
            missing = overdue.get(partner.mailbox, [])
            if missing:
                late.add(partner.name)
                self._tell_missing(partner.name, missing, lines[partner.mailbox].receipt_within)
            elif self._late is None or partner.name in self._late:
                self._notices.settle(partner.name, MISSED, "The receipts that were missing have come.")
        self._late = late

    def _tell_missing(self, name: str, missing: Sequence[Sending], within: float) -> None:
        for one in missing:
            if not one.is_missed:
                sentence = f"The receipt for {one.message_id} did not come within {_span(within)}; ask them for it."
                self._notices.tell(name, MISSED, sentence, thing=one.message_id)
                self._sendings.mark_missed(one)


def _span(seconds: float) -> str:
    amount, unit = (seconds / 3600, "hour") if seconds >= 3600 else (seconds / 60, "minute")
    return f"{amount:.3g} {unit}{'' if amount == 1 else 's'}"


def _found(
    partners: Iterable[Partner], lines: Mapping[str, Line], own: Sequence[OwnAgreed], now: datetime
) -> Iterator[tuple[str, Alarm | None, str]]:
    """About whom, the alarm that is due, and which certificate is used."""
    if own:
        gap, signing = own_gap(own, now), own[0].key.certificate
        yield US, alarm_of(gap, now) if gap else None, f"we sign with {name_of(signing)} ({fingerprint(signing)[:23]}…)"
    for partner in partners:
        line = lines.get(partner.mailbox)
        if line is None:
            continue
        keys, terms = line.relation.keys, line.relation.terms
        gap, encrypting = partner_gap(keys, terms, now), keys.encrypting(now)
        used = f"we encrypt for them with {name_of(encrypting)} ({fingerprint(encrypting)[:23]}…)" if encrypting else ""
        yield partner.name, alarm_of(gap, now) if gap else None, used
