"""Trying AS2 with a partner, step by step: certificates of both sides, our listener, their station."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from edi_server.config import Configuration
from edi_server.engine.as2_agreed import in_order, line_of, read_own
from edi_server.engine.as2_alarms import Gap, alarm_of, own_gap, partner_gap
from edi_server.engine.network.trying import try_listener
from edi_server.partners import Partner
from edi_server.transports.as2.certificates import described
from edi_server.transports.as2.terms import is_valid
from edi_server.transports.loop import Loop
from edi_server.transports.probing import Step, probe


def try_as2(partner: Partner, configuration: Configuration, loop: Loop) -> Iterator[Step]:
    """See `Trial`. No message is sent."""
    now = datetime.now(UTC)
    own = in_order(read_own(configuration), now)
    if own:
        yield Step("our certificate", own[0].signs(now), described(own[0].key.certificate, now))
        yield from _lacking("our certificates", own_gap(own, now), now)
    else:
        yield Step("our certificate", False, "transports.as2.keys is empty")
    line = line_of(partner, tuple(one.key for one in own), configuration)
    keys = line.relation.keys
    gap = partner_gap(keys, line.relation.terms, now)
    for one in keys.partner:
        # One that ended does no harm where another one has taken its place.
        is_good = is_valid(one.certificate, now) or not (gap and gap.is_now)
        yield Step("their certificate", is_good, described(one.certificate, now))
    yield from _lacking("their certificates", gap, now)
    assert partner.as2 is not None
    if partner.as2.url and partner.as2.encrypt != "no" and not keys.partner:
        yield Step("their certificates", False, "there is none to encrypt for them with")
    if configuration.settings.transports.as2.listen:
        yield from try_listener(configuration.settings.transports.as2.listen, "transports.as2.listen", loop)
    if partner.as2.url:
        yield from loop.run(probe(partner.as2.url, tls=line.tls), 120)


def _lacking(name: str, gap: Gap | None, now: datetime) -> Iterator[Step]:
    """What is missing, or will be before long."""
    alarm = alarm_of(gap, now) if gap else None
    if gap is not None and alarm is not None:
        yield Step(name, not gap.is_now, alarm.sentence, warns=not gap.is_now)
