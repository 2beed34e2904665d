"""What the sender of a message asks for in its headers: names, and the receipt (RFC 4130 6.2, 7.3)."""

from __future__ import annotations

import msgspec

from edi_server.transports.as2.algorithms import Digest, digest_of


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt that a message asks for (Disposition-Notification-Options, RFC 4130 7.3)."""

    #: Signed, in the one way that there is.
    signed: bool
    #: Of its MIC and of its signature.
    digest: Digest
    #: The failure that is answered instead where something required is not ours to do, "" for none: what follows
    #: "failed/failure: ".
    failure: str = ""
    sentence: str = ""


def asked_for(options: str, used: Digest | None) -> Asked:
    """What these options ask for. `used` is the digest of the sender's signature, None if there is none."""
    digest = wanted_digest(options, used)
    importance, protocols = _option(options, "signed-receipt-protocol")
    signed = any("pkcs7-signature" in one for one in protocols)
    if protocols and not signed and importance == "required":
        sentence = f"The receipt must be signed by {protocols[0][:40]}, which we do not have; we have pkcs7-signature."
        return Asked(signed=False, digest=digest or "sha256", failure="unsupported format", sentence=sentence)
    if digest is None:
        sentence = "The digest that must be used for the receipt is not one that we have."
        return Asked(signed=signed, digest="sha256", failure="unsupported MIC-algorithms", sentence=sentence)
    return Asked(signed=signed, digest=digest)


def _option(options: str, wanted: str) -> tuple[str, list[str]]:
    """Importance and values of an option, in lower case; "" and none where it is absent."""
    for option in options.split(";"):
        name, _, value = option.partition("=")
        if name.strip().lower() == wanted:
            importance, *values = [word.strip().strip('"').lower() for word in value.split(",")]
            return importance, [one for one in values if one]
    return "", []


def wanted_digest(options: str, used: Digest | None) -> Digest | None:
    """The digest a receipt shall use: the first of the sender's list that we know, else that of the signature.

    None: they require one that we do not have.
    """
    importance, named = _option(options, "signed-receipt-micalg")
    known = [digest for word in named if (digest := digest_of(word))]
    if known:
        return known[0]
    return None if importance == "required" and named else used or "sha256"


def unquote_name(value: str) -> str:
    """The AS2 name that a header says."""
    text = value.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
