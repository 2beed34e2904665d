"""A plant with a history, made by the engine's own steps without a daemon, to be looked at and acted upon."""

import shutil
from datetime import timedelta
from pathlib import Path

from edi_server.config import Configuration
from edi_server.delivery.outbox import deliver
from edi_server.engine.corridor import Corridor
from edi_server.engine.inbound import iter_outbound, open_transmission
from edi_server.engine.outbound import advise_deliveries
from edi_server.engine.posting import Posting, is_waiting
from edi_server.erp.sandbox import Sandbox
from edi_server.samples import SAMPLES
from edi_server.store import Transmission

ROOT = Path(__file__).parents[1]


class Told:
    """Takes the place of the engine's submitter and remembers what it was told."""

    def __init__(self):
        self.work = []

    def submit(self, queue, workflow, workflow_id, partition, argument):
        assert queue.split()[0] == workflow
        self.work.append((workflow, workflow_id, partition, dict(argument)))

    def close(self):
        pass


def make_plant(folder: Path) -> Path:
    """All samples received and posted, one delivery advised, acknowledgments delivered; the configuration file."""
    shutil.copytree(ROOT / "partners", folder / "partners")
    file = folder / "edi-server.toml"
    file.write_text("")
    with Sandbox(folder / "var" / "sandbox.sqlite") as sandbox:
        corridor = Corridor(Configuration.load(file, {}), sandbox_url=sandbox.url)
        corridor.prepare_mailboxes()
        for sample in SAMPLES:
            receive(corridor, sample.mailbox, sample.name, sample.content)
        sandbox.validate_delivery("4500012345")
        for transmission_id, _ in advise_deliveries(corridor, "nordmarkt/despatch-out"):
            send_off(corridor, transmission_id)
        corridor.store.close()
    return file


def receive(corridor: Corridor, mailbox: str, name: str, content: bytes) -> str:
    """What the daemon does with one file; the transmission."""
    partner = corridor.book.partner_of_mailbox(mailbox)
    archived = corridor.store.archive.put(content)
    transmission = Transmission(
        direction="inbound",
        partner=partner and partner.name,
        mailbox=mailbox,
        transport="folder",
        name=name,
        size=archived.size,
        content_hash=archived.hash,
    )
    with corridor.store.begin() as work:
        work.transmissions.take(transmission)
    follow_up(corridor, transmission.id)
    return transmission.id


def follow_up(corridor: Corridor, transmission_id: str) -> None:
    """Open, post, answer."""
    open_transmission(corridor, transmission_id)
    with corridor.store.read() as work:
        documents = [one.id for one in work.documents.of(transmission=transmission_id) if is_waiting(one)]
        answers = list(iter_outbound(work, transmission_id))
    Posting(corridor).post(documents)
    for answer in answers:
        send_off(corridor, answer)


def send_off(corridor: Corridor, transmission_id: str) -> None:
    """Deliver a staged transmission."""
    deliver(corridor.store, corridor.transport("folder"), transmission_id, expected_within=lambda _: timedelta(hours=4))
