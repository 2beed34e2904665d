"""Which algorithms our listeners take: modern ones, and on a listener of their own what old software needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs

_KEX = (
    "mlkem768x25519-sha256",
    "sntrup761x25519-sha512@openssh.com",
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp521",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha256",
)
_CIPHERS = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512",
    "hmac-sha2-256",
)
_SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
_OLD_KEX = ("diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha1")
_OLD_CIPHERS = ("aes256-cbc", "aes128-cbc")
_OLD_MACS = ("hmac-sha1",)
_OLD_SIGNATURES = ("ssh-rsa",)


def algorithms(host_keys: Sequence[asyncssh.SSHKey], *, legacy: bool) -> dict[str, Any]:
    """Options for a listener of asyncssh, host keys included: those it would offer to sign with SHA-1 unless told."""
    old = legacy
    signatures = (*_SIGNATURES, *_OLD_SIGNATURES) if old else _SIGNATURES
    return {
        "server_host_keys": [_only(pair, signatures) for pair in asyncssh.load_keypairs(list(host_keys))],
        # The first key of a type is shown; those after it are told to clients that follow a change (UpdateHostKeys).
        "send_server_host_keys": True,
        "kex_algs": _there(get_kex_algs(), (*_KEX, *_OLD_KEX) if old else _KEX),
        "encryption_algs": _there(get_encryption_algs(), (*_CIPHERS, *_OLD_CIPHERS) if old else _CIPHERS),
        "mac_algs": _there(get_mac_algs(), (*_MACS, *_OLD_MACS) if old else _MACS),
        "signature_algs": signatures,
        "compression_algs": None,
    }


def _only(pair: asyncssh.SSHKeyPair, signatures: Sequence[str]) -> asyncssh.SSHKeyPair:
    pair.host_key_algorithms = [name for name in pair.host_key_algorithms if name.decode("ascii") in signatures]
    return pair


def _there(known: Sequence[bytes], wanted: Sequence[str]) -> list[str]:
    """Those of the wanted algorithms that this installation has: some need libraries beside asyncssh."""
    return [name for name in wanted if name.encode() in known]
