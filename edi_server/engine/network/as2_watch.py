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
_NO_ALARM = "It is told anew as the day comes nearer, there is one now, or none is needed any more."


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

    def look_at_certificates(
        self, partners: Iterable[Partner], lines: Mapping[str, Line], own: Sequence[OwnAgreed], now: datetime
    ) -> None:
        """Tell what is new since the last look. `own` has the key that signs first."""
        partners, before, told = list(partners), self._read(), Told()
        found = list(_found(partners, lines, own, now))
        # Of whom AS2 does not work now, a case of its own tells; what is known of their certificates stays.
        unknown = {one.name for one in partners if one.mailbox not in lines}
        for cause in CAUSES:
            held = {about for about, alarm, _ in found if alarm and alarm.cause == cause}
            self._notices.settle_others(cause, held | unknown, _NO_ALARM)
        for about, alarm, used in found:
            told.alarms[about] = self._tell_alarm(about, alarm, before.alarms.get(about, ""))
            told.used[about] = used
            if used and before.used.get(about, used) != used:
                self._notices.tell(about, "as2-certificate-switched", f"From now on {used}.", is_serious=False)
        for about in unknown & before.alarms.keys():
            told.alarms[about], told.used[about] = before.alarms[about], before.used.get(about, "")
        if told != before:
            write_durably(self._file, msgspec.json.encode(told))

    def _tell_alarm(self, about: str, alarm: Alarm | None, before: str) -> str:
        """Tell what is new; the `Alarm.key` that was told last. What was left out as a repetition was not told."""
        if alarm is None or alarm.key == before:
            return alarm.key if alarm else ""
        is_told = self._notices.tell(about, alarm.cause, alarm.sentence, thing=alarm.key)
        return alarm.key if is_told else before

    def _read(self) -> Told:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Told)
        except FileNotFoundError:
            return Told()
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("%s cannot be read, so everything is told anew: %s", self._file, error)
            return Told()

    def look_for_receipts(self, partners: Iterable[Partner], lines: Mapping[str, Line], now: datetime) -> None:
        """A case for each partner whose receipts are overdue, until none is."""
        overdue: dict[str, list[Sending]] = {}
        for one in self._sendings.waiting():
            line = lines.get(one.mailbox)
            # What is missing stays so while AS2 with them does not work.
            if one.is_missed or (line is not None and now.timestamp() - one.waiting_since > line.receipt_within):
                overdue.setdefault(one.mailbox, []).append(one)
        late = set()
        for partner in partners:
            for one in overdue.get(partner.mailbox, []):
                late.add(partner.name)
                if not one.is_missed:
                    self._tell_missing(partner.name, one, lines[partner.mailbox].receipt_within)
        self._notices.settle_others(MISSED, late, "None is missing any more.")

    def _tell_missing(self, name: str, one: Sending, within: float) -> None:
        sentence = f"The receipt for {one.message_id} did not come within {_span(within)}; ask them for it."
        if self._notices.tell(name, MISSED, sentence, thing=one.message_id):
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
