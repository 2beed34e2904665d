"""Each transport with what a partner does at its other end, all alike for the suite."""

from pathlib import Path

from network_places import SSHD, As2Partner, Hook, SftpKey, SshServer, free_port, now
from rooms.test_as2_core import THEM, US

from edi_server.transports import Claim, FolderTransport
from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.station import Relation, Station
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.as2.transport import As2Transport, Line
from edi_server.transports.drop import DropTransport
from edi_server.transports.http_front import Front
from edi_server.transports.sftp_account.account import Account, AccountKey
from edi_server.transports.sftp_account.accounts import AccountsTransport
from edi_server.transports.sftp_account.endpoint import Endpoint
from edi_server.transports.sftp_account.host_keys import load_host_keys
from edi_server.transports.sftp_account.tree import Tree
from edi_server.transports.sftp_mailbox.listed import Pull
from edi_server.transports.sftp_mailbox.mailbox import Remote, RemoteMailbox
from edi_server.transports.sftp_mailbox.pushing import Push
from edi_server.transports.spool import Spool
from edi_server.transports.staging import Staging
from edi_server.transports.webhook import Webhook, Webhooks


class FolderPlace:
    """Mailboxes in folders."""

    mailboxes = ("north", "south")
    #: The partner's file names stay what they are and are never replaced.
    has_names = True
    #: A hand-over that is repeated tells the proof of the first time.
    keeps_proofs = False

    def __init__(self, root: Path, loop: object = None) -> None:  # noqa: ARG002 — all places are made alike
        self.root = root
        self.now = 0.0
        self.restart()
        self.folder.prepare(["north", "south"])

    def restart(self) -> None:
        """A new process: nothing is remembered."""
        self.folder = self.transport = FolderTransport(
            self.root / "inbox", self.root / "outbox", quiet_seconds=3.0, clock=lambda: self.now
        )

    def drop(self, mailbox: str, name: str, content: bytes) -> Path:
        path = self.root / "inbox" / mailbox / name
        path.write_bytes(content)
        return path

    def settle(self) -> list[Claim]:
        """Look, let the quiet time pass, look again."""
        first = self.transport.collect().claims
        self.now += 3.0
        return [*first, *self.transport.collect().claims]

    def lying(self, mailbox: str) -> dict[str, bytes]:
        """What a partner sees."""
        folder = self.root / "outbox" / mailbox
        return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}

    def take_away(self, mailbox: str, name: str) -> None:
        """The partner has it, and it is no longer there."""
        (self.root / "outbox" / mailbox / name).unlink()

    def close(self) -> None:
        """Nothing is left running."""


class AccountsPlace:
    """Accounts on our SFTP endpoint, used by paramiko."""

    mailboxes = ("north", "south")
    has_names = True
    keeps_proofs = False

    def __init__(self, root, loop):
        self.root, self.loop = root, loop
        self.key = SftpKey(root)
        (self.spool_folder, self.trees) = (root / "sftp" / "spool", {})
        self.restart()
        host_keys = load_host_keys([str(root / "host_ed25519")])
        self.endpoint = Endpoint(trees=lambda: self.trees, host_keys=host_keys)
        self.port = loop.run(self.endpoint.listen("127.0.0.1", 0), 10)

    def restart(self):
        self.spool = Spool(self.spool_folder)
        self.spool.prepare()
        for name in self.mailboxes:
            account = Account(name=name, mailbox=name, keys=(AccountKey(key=self.key.public),))
            root = self.root / "sftp" / "accounts" / name
            self.trees[name] = Tree(account, root, self.spool, collected=lambda file, name=name: self._read(name, file))
            self.trees[name].prepare()
        self.transport = AccountsTransport(
            spool=self.spool, folder=self.root / "sftp", trees=lambda: list(self.trees.values())
        )

    def _read(self, name, file):
        self.transport.note_collected(self.trees[name], file)

    def drop(self, mailbox, name, content):
        with self.key.log_in(self.port, mailbox) as client, client.open(f"/in/{name}", "w") as file:
            file.write(content)

    def settle(self):
        return list(self.transport.collect().claims)

    def lying(self, mailbox):
        found = {}
        with self.key.log_in(self.port, mailbox) as client:
            for name in client.listdir("/out"):
                if name != "archive":
                    with client.open(f"/out/{name}") as file:
                        found[name] = file.read()
        return found

    def take_away(self, mailbox, name):
        with self.key.log_in(self.port, mailbox) as client:
            client.remove(f"/out/{name}")

    def close(self):
        self.loop.run(self.endpoint.close(), 20)


class RemotePlace:
    """A mailbox on OpenSSH's server."""

    mailboxes = ("north",)
    has_names = True
    keeps_proofs = True

    def __init__(self, root, loop):
        self.root, self.loop, self.now = root, loop, 0.0
        self.server = SshServer(root / "server")
        self.restart()

    def restart(self):
        remote = Remote(
            mailbox="north",
            place=self.server.place(),
            pull=Pull(mailbox="north", host="127.0.0.1", inbox=f"{self.server.folder}/in", quiet_seconds=3.0),
            push=Push(outbox=f"{self.server.folder}/out"),
        )
        self.transport = RemoteMailbox(remote, self.root / "ours", self.loop, clock=lambda: self.now)
        self.transport.prepare()

    def drop(self, mailbox, name, content):  # noqa: ARG002 — there is one
        path = self.server.folder / "in" / name
        if path.exists():
            # Ours to delete at the next look; the partner writes after that.
            self.settle()
        path.write_bytes(content)

    def settle(self):
        first = self.transport.collect().claims
        self.now += 3.0
        return [*first, *self.transport.collect().claims]

    def lying(self, mailbox):  # noqa: ARG002 — there is one
        folder = self.server.folder / "out"
        return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}

    def take_away(self, mailbox, name):  # noqa: ARG002 — there is one
        (self.server.folder / "out" / name).unlink()

    def close(self):
        self.server.stop()


class As2Place:
    """Two partners with AS2 stations of their own, and ours."""

    mailboxes = ("north", "south")
    has_names = False
    keeps_proofs = True

    def __init__(self, root, loop):
        self.root, self.loop = root, loop
        port = free_port()
        self.partners = {
            name: As2Partner(
                root / name, loop, own=THEM, other=US, name=name, our_name="us", our_url=f"http://127.0.0.1:{port}/as2"
            )
            for name in self.mailboxes
        }
        self.restart()
        self.front = Front({"/as2": lambda request: self.station.receive(request.headers, request.body)})
        loop.run(self.front.listen("127.0.0.1", port), 10)
        self.sent = 0

    def restart(self):
        folder = self.root / "ours"
        parts = {
            "spool": Spool(folder / "spool"),
            "letters": Letters(folder / "letters"),
            "sendings": Sendings(folder / "sent"),
            "clock": now,
        }
        parts["spool"].prepare()
        keys = Keys((US,), (PartnerCertificate(THEM.certificate),))
        lines = {
            name: Line(
                relation=Relation(
                    mailbox=name, terms=Terms(own_name="us", partner_name=name, url=partner.url), keys=keys
                )
            )
            for name, partner in self.partners.items()
        }
        self.station = Station(relations=lambda: [line.relation for line in lines.values()], **parts)
        self.transport = As2Transport(loop=self.loop, lines=lambda: lines, **parts)

    def drop(self, mailbox, name, content):
        self.sent += 1
        self.partners[mailbox].send(content, transmission_id=f"p{self.sent}", name=name)

    def settle(self):
        return list(self.transport.collect().claims)

    def lying(self, mailbox):
        return self.partners[mailbox].taken()

    def take_away(self, mailbox, name):
        spool = self.partners[mailbox].spool
        for claim in spool.claimed():
            if claim.name == name:
                spool.release(claim)

    def close(self):
        self.loop.run(self.front.close(), 20)
        for partner in self.partners.values():
            partner.close()


class DropPlace:
    """The HTTP drop's spool, and two webhooks."""

    mailboxes = ("north", "south")
    has_names = False
    keeps_proofs = True

    def __init__(self, root, loop):
        self.root, self.loop, self.dropped = root, loop, 0
        self.hooks = {name: Hook(loop) for name in self.mailboxes}
        self.gone = set()
        self.restart()

    def restart(self):
        self.spool = Spool(self.root / "spool")
        self.spool.prepare()
        hooks = {name: Webhook(mailbox=name, url=hook.url) for name, hook in self.hooks.items()}
        webhooks = Webhooks(Staging(self.root), self.loop, hooks.get)
        self.transport = DropTransport(spool=self.spool, webhooks=webhooks)

    def drop(self, mailbox, name, content):
        self.dropped += 1
        self.spool.take(content, mailbox=mailbox, key=f"drop:{self.dropped}", name=name)

    def settle(self):
        return list(self.transport.collect().claims)

    def lying(self, mailbox):
        posts = self.hooks[mailbox].posts
        return {
            post.headers["x-file-name"]: post.body for post in posts if post.headers["x-file-name"] not in self.gone
        }

    def take_away(self, mailbox, name):
        self.gone.add(name)
        self.hooks[mailbox].posts.clear()
        self.gone.clear()

    def close(self):
        for hook in self.hooks.values():
            hook.close()


#: Why a place cannot be had here, "" where it can.
PLACES = {
    "folder": (FolderPlace, ""),
    "sftp_account": (AccountsPlace, ""),
    "sftp_mailbox": (RemotePlace, "" if Path(SSHD).exists() else "sshd is missing"),
    "as2": (As2Place, ""),
    "drop": (DropPlace, ""),
}
