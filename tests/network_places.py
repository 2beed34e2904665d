"""The partner's end of each transport, for tests of the whole and of the contract."""

import datetime as dt
import getpass
import os
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncssh
import msgspec
import paramiko
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edi_server.transports.as2.letters import Letters
from edi_server.transports.as2.sending import Sendings
from edi_server.transports.as2.station import Relation, Station
from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
from edi_server.transports.as2.transport import As2Transport, Line
from edi_server.transports.http_front import Front, Reply
from edi_server.transports.sftp_mailbox.remote import Place
from edi_server.transports.spool import Spool

SSHD = "/usr/sbin/sshd"


def now():
    return dt.datetime.now(dt.UTC)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def write_own_key(folder, own, name="own"):
    """Certificate and key of a company as PEM files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.pem").write_bytes(own.certificate.public_bytes(Encoding.PEM))
    key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / f"{name}.key").write_bytes(key)


class As2Partner:
    """A partner's AS2 station: takes what we send, sends what the test wants."""

    def __init__(self, folder, loop, *, own, other, name="BOREALIS", our_name="LINDHOF", our_url=""):
        self.loop, self.url = loop, ""
        self.spool, self.letters = Spool(folder / "spool"), Letters(folder / "letters")
        self.sendings = Sendings(folder / "sent")
        self.spool.prepare()
        self.keys = Keys((own,), (PartnerCertificate(other.certificate),))
        self.terms = Terms(own_name=name, partner_name=our_name, url=our_url)
        self.station = Station(
            spool=self.spool,
            letters=self.letters,
            sendings=self.sendings,
            relations=lambda: [self._line().relation],
            clock=now,
        )
        self.transport = As2Transport(
            spool=self.spool,
            letters=self.letters,
            sendings=self.sendings,
            loop=loop,
            lines=lambda: {"us": self._line()},
            clock=now,
        )
        self.requests = []
        #: Answered instead of the station's reply, once each.
        self.instead = []
        self.front = Front({"/as2": self._take})
        self.url = f"http://127.0.0.1:{loop.run(self.front.listen('127.0.0.1', 0), 10)}/as2"

    def _line(self):
        relation = Relation(mailbox="us", terms=self.terms, keys=self.keys)
        return Line(relation=relation, own_url=self.url, seconds=20)

    def _take(self, request):
        self.requests.append(request)
        if self.instead:
            return self.instead.pop(0)
        return self.station.receive(request.headers, request.body, address=request.address)

    def agree(self, **changes):
        self.terms = msgspec.structs.replace(self.terms, **changes)

    def send(self, content, transmission_id="p1", name="order.edi"):
        self.transport.stage(transmission_id, "us", content)
        return self.transport.hand_over(transmission_id, "us", name)

    def taken(self):
        return {claim.name: claim.path.read_bytes() for claim in self.spool.claimed()}

    def close(self):
        self.loop.run(self.front.close(), 20)


class Hook:
    """A partner's webhook."""

    def __init__(self, loop):
        self.loop, self.posts = loop, []
        #: What it answers to a post.
        self.says = lambda _post: Reply(status=200, body=b"thanks")
        self.front = Front({"/hook": self._take})
        self.url = f"http://127.0.0.1:{loop.run(self.front.listen('127.0.0.1', 0), 10)}/hook"

    def _take(self, request):
        self.posts.append(request)
        return self.says(request)

    def close(self):
        self.loop.run(self.front.close(), 20)


class SftpKey:
    """A key pair of a partner."""

    def __init__(self, folder):
        self.file = folder / "partner-key"
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(self.file)
        self.public = key.export_public_key().decode().strip()

    @contextmanager
    def log_in(self, port, user):
        transport = paramiko.Transport(("127.0.0.1", port))
        transport.connect(username=user, pkey=paramiko.Ed25519Key.from_private_key_file(str(self.file)))
        try:
            yield paramiko.SFTPClient.from_transport(transport)
        finally:
            transport.close()


class SshServer:
    """OpenSSH's server for one folder; whoever runs the tests logs in."""

    def __init__(self, folder):
        self.folder, self.user = folder, getpass.getuser()
        folder.mkdir(parents=True, exist_ok=True)
        self.host_key, self.user_key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        self.host_key.write_private_key(folder / "host")
        (folder / "host").chmod(0o600)
        self.user_key.write_public_key(folder / "authorized")
        for name in ("in", "out", "archive", "claimed"):
            (folder / name).mkdir()
        self.port = free_port()
        (folder / "config").write_text(
            f'Port {self.port}\nListenAddress 127.0.0.1\nHostKey "{folder}/host"\nPidFile "{folder}/pid"\n'
            f'AuthorizedKeysFile "{folder}/authorized"\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n'
            "Subsystem sftp internal-sftp\nMaxStartups 100\nMaxSessions 100\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "config"], stderr=log)
        end = time.monotonic() + 10
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.05)

    def place(self, **changes):
        return Place(
            **{
                "host": "127.0.0.1",
                "port": self.port,
                "user": self.user,
                "host_keys": (self.host_key_text,),
                "private_key": self.user_key_text,
                "seconds": 10.0,
                **changes,
            }
        )

    def drop(self, name, content=b"UNB'", folder="in"):
        path = self.folder / folder / name
        path.write_bytes(content)
        return path

    def names(self, folder):
        return sorted(path.name for path in (self.folder / folder).iterdir())

    @property
    def host_key_text(self):
        return self.host_key.export_public_key().decode().strip()

    @property
    def user_key_text(self):
        return self.user_key.export_private_key().decode()

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


needs_sshd = pytest.mark.skipif(not Path(SSHD).exists(), reason="sshd is missing")
