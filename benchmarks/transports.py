"""SFTP and AS2 on loopback: how many files and messages a second, at what CPU and memory; each must be taken once.

    make bench-transports            or: python benchmarks/transports.py [sftp] [idle] [as2] [large]

Each side is a process of its own, so that CPU (user and system) and memory are the server's alone. Walls depend on what
else the machine does, CPU does not.
"""

import asyncio
import datetime as dt
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

FILES, SESSIONS, SIZE = 2_000, 20, 5_000
IDLE = 500
MESSAGES, SIDE_BY_SIDE = 1_000, 8
LARGE = 100_000_000
#: What a 100 MB message may take, all of the process (issue 4).
PROMISED_MB = 400


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def highest_mb() -> float:
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


class Process:
    """A server in a process of its own; `ask` is answered by what its generator yields for the word."""

    def __init__(self, target, *arguments):
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(theirs, *arguments))
        self.process.start()
        self.port = self.pipe.recv()

    def ask(self, word):
        self.pipe.send(word)
        return self.pipe.recv()

    def stop(self):
        self.pipe.send("stop")
        self.process.join(30)


# --- SFTP


def serve_sftp(pipe, folder, public):
    import asyncssh

    from edi_server.transports.sftp_account.account import Account, AccountKey
    from edi_server.transports.sftp_account.endpoint import Endpoint
    from edi_server.transports.sftp_account.guard import Limits
    from edi_server.transports.sftp_account.tree import Tree
    from edi_server.transports.spool import Spool

    folder = Path(folder)
    spool = Spool(folder / "spool")
    spool.prepare()
    account = Account(name="north", mailbox="north", keys=(AccountKey(key=public),), sessions=1000)
    tree = Tree(account, folder / "accounts" / "north", spool)
    tree.prepare()
    limits = Limits(per_address=1000, unauthenticated=1000, unauthenticated_per_address=1000)

    async def run():
        key = asyncssh.generate_private_key("ssh-ed25519")
        endpoint = Endpoint(trees=lambda: {"north": tree}, host_keys=[key], limits=limits)
        pipe.send(await endpoint.listen("127.0.0.1", 0))
        while (word := await asyncio.get_running_loop().run_in_executor(None, pipe.recv)) != "stop":
            pipe.send({"cpu": cpu, "mb": resident_mb, "taken": lambda: _taken(spool)}[word]())
        await endpoint.close()

    asyncio.run(run())


def _taken(spool):
    return sorted(claim.name for claim in spool.claimed())


async def upload_all(port, key, content):
    import asyncssh

    numbers = iter(range(FILES))

    async def session():
        async with (
            asyncssh.connect(
                "127.0.0.1", port, username="north", client_keys=[key], known_hosts=None, agent_path=None
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            for number in numbers:
                async with client.open(f"/in/{number:05}.edi", "wb") as file:
                    await file.write(content)

    await asyncio.gather(*(session() for _ in range(SESSIONS)))


async def idle_sessions(port, key, server):
    import asyncssh

    before = server.ask("mb")
    async with asyncssh.connect(
        "127.0.0.1", port, username="north", client_keys=[key], known_hosts=None, agent_path=None
    ) as first:
        await (await first.start_sftp_client()).listdir("/")
        first_mb = server.ask("mb")
        open_, login = [], server.ask("cpu")
        for _ in range(IDLE // 20):
            some = await asyncio.gather(
                *(
                    asyncssh.connect(
                        "127.0.0.1", port, username="north", client_keys=[key], known_hosts=None, agent_path=None
                    )
                    for _ in range(20)
                )
            )
            open_ += some
            await asyncio.gather(*(one.start_sftp_client() for one in some))
        login = server.ask("cpu") - login
        after, rest = server.ask("mb"), server.ask("cpu")
        await asyncio.sleep(5)
        rest = server.ask("cpu") - rest
        for one in open_:
            one.close()
    return {
        "mb_before": before,
        "mb_a_session": (after - first_mb) / IDLE,
        "mb_with_all": after,
        "cpu_ms_a_login": login / IDLE * 1000,
        "cpu_ms_a_second_when_idle": rest / 5 * 1000,
    }


def measure_sftp(folder, what):
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = Process(serve_sftp, str(folder), key.export_public_key().decode().strip())
    try:
        if what == "idle":
            return asyncio.run(idle_sessions(server.port, key, server))
        content = b"x" * SIZE
        used, began = server.ask("cpu"), time.perf_counter()
        asyncio.run(upload_all(server.port, key, content))
        wall, used = time.perf_counter() - began, server.ask("cpu") - used
        taken = server.ask("taken")
        assert taken == [f"{number:05}.edi" for number in range(FILES)], "each exactly once"
        return {"files_a_second": FILES / wall, "cpu_ms_a_file": used / FILES * 1000, "taken": len(taken)}
    finally:
        server.stop()


# --- AS2


def own_key(name):
    from edi_server.transports.as2.certificates import make_own_key

    return make_own_key(name, now=dt.datetime.now(dt.UTC), days=30, bits=2048)


def station(folder, name, other, own, certificate, url="", **agreed):
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    from edi_server.transports.as2.encryption import OwnKey
    from edi_server.transports.as2.letters import Letters
    from edi_server.transports.as2.sending import Sendings
    from edi_server.transports.as2.station import Relation, Station
    from edi_server.transports.as2.terms import Keys, PartnerCertificate, Terms
    from edi_server.transports.as2.transport import As2Transport, Line
    from edi_server.transports.loop import Loop
    from edi_server.transports.spool import Spool

    mine = OwnKey(load_pem_private_key(own[0], None), x509.load_pem_x509_certificate(own[1]))
    keys = Keys((mine,), (PartnerCertificate(x509.load_pem_x509_certificate(certificate)),))
    relation = Relation(mailbox="partner", terms=Terms(own_name=name, partner_name=other, url=url, **agreed), keys=keys)
    spool, letters, sendings = Spool(folder / "spool"), Letters(folder / "letters"), Sendings(folder / "sent")
    spool.prepare()
    loop = Loop()
    common = {"spool": spool, "letters": letters, "sendings": sendings, "clock": lambda: dt.datetime.now(dt.UTC)}
    receiving = Station(relations=lambda: [relation], **common)
    sending = As2Transport(loop=loop, lines=lambda: {"partner": Line(relation=relation)}, **common)
    return receiving, sending, loop, spool


def serve_as2(pipe, folder, own, certificate):
    from edi_server.transports.http_front import Front
    from edi_server.transports.limits import FrontLimits

    receiving, _, loop, spool = station(Path(folder), "Them", "Us", own, certificate)
    take = lambda request: receiving.receive(request.headers, request.posted, address=request.address)  # noqa: E731
    with loop:
        front = Front({"/as2": take}, FrontLimits(per_minute=1_000_000))
        pipe.send(loop.run(front.listen("127.0.0.1", 0), 10))
        asked = {"cpu": cpu, "mb": resident_mb, "highest": highest_mb, "taken": lambda: _taken(spool)}
        while (word := pipe.recv()) != "stop":
            pipe.send(asked[word]())
        loop.run(front.close(), 20)


def send_as2(pipe, folder, own, certificate, port):
    """The sender, too, is a process of its own."""
    from concurrent.futures import ThreadPoolExecutor

    _, sending, loop, _ = station(Path(folder), "Us", "Them", own, certificate, f"http://127.0.0.1:{port}/as2")
    pipe.send(0)
    with loop:
        while (word := pipe.recv()) != "stop":
            count, size = word
            content = os.urandom(1000).hex().encode() * (size // 2000)
            numbers = range(count) if count > 1 else ["large"]
            for number in numbers:
                sending.stage(f"t{number}", "partner", content)
            del content
            used, began = cpu(), time.perf_counter()

            def one(number):
                assert sending.hand_over(f"t{number}", "partner", f"{number}.edi").confirmed

            with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
                list(pool.map(one, numbers))
            pipe.send({"wall": time.perf_counter() - began, "cpu": cpu() - used, "highest": highest_mb()})


def measure_as2(folder, count, size):
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pems = []
    for name in ("us", "them"):
        own = own_key(name)
        key = own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pems.append((key, own.certificate.public_bytes(Encoding.PEM)))
    us, them = pems
    server = Process(serve_as2, str(folder / "them"), them, us[1])
    client = Process(send_as2, str(folder / "us"), us, them[1], server.port)
    try:
        idle, used = server.ask("mb"), server.ask("cpu")
        sent = client.ask((count, size))
        used, taken = server.ask("cpu") - used, server.ask("taken")
        assert len(taken) == len(set(taken)) == count, "each exactly once"
        return {
            "messages_a_second": count / sent["wall"],
            "cpu_ms_to_receive": used / count * 1000,
            "cpu_ms_to_send": sent["cpu"] / count * 1000,
            "receiver_mb_idle": idle,
            "receiver_mb_highest": server.ask("highest"),
            "sender_mb_highest": sent["highest"],
            "taken": len(taken),
        }
    finally:
        client.stop()
        server.stop()


def main():
    wanted = sys.argv[1:] or ["sftp", "idle", "as2", "large"]
    results, kept = {}, True
    with tempfile.TemporaryDirectory() as folder:
        for what in wanted:
            place = Path(folder) / what
            place.mkdir()
            if what in ("sftp", "idle"):
                results[what] = measure_sftp(place, what)
            elif what == "as2":
                results[what] = measure_as2(place, MESSAGES, SIZE)
            else:
                results[what] = measure_as2(place, 1, LARGE)
                highest = max(results[what]["receiver_mb_highest"], results[what]["sender_mb_highest"])
                kept = kept and highest <= PROMISED_MB
            print(what, json.dumps({name: round(value, 2) for name, value in results[what].items()}), flush=True)
    out = Path(__file__).parent / "out"
    out.mkdir(exist_ok=True)
    (out / "transports.json").write_text(json.dumps(results, indent=2))
    if not kept:
        sys.exit(f"a message of {LARGE / 1e6:.0f} MB took more than {PROMISED_MB} MB")


if __name__ == "__main__":
    main()
