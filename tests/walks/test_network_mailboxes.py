"""A mailbox on a partner's own server: what comes, what leaves, and what somebody is told of it."""

import json
from contextlib import contextmanager

import asyncssh
import pytest
from network_places import SshServer, needs_sshd
from walks.test_network import ORDER

from edi_server.store import Subject

pytestmark = needs_sshd


class Theirs:
    """A plant that polls Nordmarkt's server and delivers there."""

    def __init__(self, plant, server):
        self.plant, self.server = plant, server

    @property
    def file(self):
        return self.plant.folder / "partners" / "nordmarkt.toml"

    def table(self, *host_keys, **more):
        keys = ", ".join(f'"{key}"' for key in host_keys or (self.server.host_key_text,))
        said = "".join(f"{name} = {value}\n" for name, value in more.items())
        return (
            f'[sftp_mailbox]\nhost = "127.0.0.1"\nport = {self.server.port}\nuser = "{self.server.user}"\n'
            f'host_keys = [{keys}]\nprivate_key = {{ secret = "THEIR_KEY" }}\ninbox = "{self.server.folder}/in"\n'
            f'outbox = "{self.server.folder}/out"\nquiet_seconds = 0.3\nevery_seconds = 1\n{said}'
        )

    def agree(self, *host_keys, **more):
        text = self.file.read_text().partition("[sftp_mailbox]")[0]
        self.file.write_text(text + self.table(*host_keys, **more))

    def transmissions(self, direction):
        with self.plant.store.read() as work:
            return list(reversed(work.transmissions.newest(direction=direction)))

    def cases(self):
        with self.plant.store.read() as work:
            return {case.reason: case for case in work.cases.about(Subject("partner", "nordmarkt"))}

    def until(self, condition):
        self.plant.until(condition)


@pytest.fixture
def start(running_plant, tmp_path):
    servers = []

    @contextmanager
    def starting(*host_keys, **more):
        server = SshServer(tmp_path / "their server")
        servers.append(server)
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        (secrets / "THEIR_KEY").write_text(server.user_key_text)
        theirs = Theirs(None, server)

        def prepare(folder):
            with (folder / "partners" / "nordmarkt.toml").open("a") as file:
                file.write(theirs.table(*host_keys, **more))

        environ = {"EDI_SERVER_SECRETS_DIR": str(secrets)}
        folder = tmp_path / "a plant"
        with running_plant(folder, f"sqlite:///{folder}/var/edi.sqlite", prepare=prepare, **environ) as plant:
            theirs.plant = plant
            yield theirs

    yield starting
    for server in servers:
        server.stop()


def test_an_order_is_collected_and_its_contrl_delivered_with_proof(start):
    with start() as theirs:
        theirs.server.drop("order.edi", ORDER)
        theirs.until(lambda: [name for name in theirs.server.names("out") if name.startswith("CONTRL")])
        theirs.until(lambda: not theirs.server.names("in"))
        theirs.plant.settle()
        assert len(theirs.plant.sandbox.orders()) == 1
        [came], [contrl] = theirs.transmissions("inbound"), theirs.transmissions("outbound")
        assert (came.transport, came.detail["host"]) == ("sftp_mailbox", "127.0.0.1")
        assert (contrl.transport, contrl.delivery) == ("sftp_mailbox", "delivered")
        with theirs.plant.store.archive.open(contrl.proof_hash) as proof:
            assert json.loads(proof.read())["size"] == contrl.size
        assert theirs.cases() == {}


def test_another_host_key_stops_is_told_with_both_fingerprints_and_settled_when_it_is_agreed_beside_the_old_one(start):
    old = asyncssh.generate_private_key("ssh-ed25519")
    old_text = old.export_public_key().decode().strip()
    with start(old_text) as theirs:
        theirs.server.drop("order.edi", ORDER)
        theirs.until(lambda: "sftp-mailbox-refused" in theirs.cases())
        case = theirs.cases()["sftp-mailbox-refused"]
        assert old.get_fingerprint() in case.sentence
        assert theirs.server.host_key.get_fingerprint() in case.sentence
        assert theirs.server.names("in") == ["order.edi"]
        theirs.agree(old_text, theirs.server.host_key_text)
        theirs.until(theirs.plant.sandbox.orders)
        theirs.until(lambda: theirs.cases()["sftp-mailbox-refused"].state == "fixed")


def test_a_file_that_is_not_taken_there_is_a_case_about_the_partner(start):
    with start(largest_file=10) as theirs:
        theirs.server.drop("order.edi", ORDER)
        theirs.until(lambda: "transport.too-large" in theirs.cases())
        sentence = theirs.cases()["transport.too-large"].sentence
        assert "order.edi in mailbox nordmarkt" in sentence
        assert "10 are agreed at most" in sentence
        theirs.agree(largest_file=1_000_000)
        theirs.until(theirs.plant.sandbox.orders)
