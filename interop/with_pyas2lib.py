"""pyas2lib as the partner: it builds and reads messages and receipts in memory. Where one of its known defects shows, the row
expects it and says so in its name."""

import logging
import re

from instance import OURS, THEIRS, read

# oscrypto 1.3.0, the last there is, finds the version of libcrypto with an expression that has one digit for the patch, and
# fails beside OpenSSL 3.0.10 and later. It reads it while it is imported: for that while the expression takes several digits.
search = re.search
re.search = lambda pattern, text, flags=0: search(
    pattern.replace(r"\d\.\d\.\d", r"\d+\.\d+\.\d+") if isinstance(pattern, str) else pattern, text, flags)
try:
    from asn1crypto import cms
    from pyas2lib import Mdn, Message, Organization, Partner
finally:
    re.search = search

# It logs a traceback for what it refuses; the row says it.
logging.getLogger("pyas2lib").setLevel(logging.CRITICAL)

NAME = "pyas2lib"
EDI = b"UNB+UNOA:1+PARTNER+PORTOLAN+261124:0915+1'\r\nUNZ+0+1'\r\n"
CIPHERS = {"tripledes_192_cbc": "3des", "aes_128_cbc": "aes128-cbc", "aes_192_cbc": "aes192-cbc",
           "aes_256_cbc": "aes256-cbc"}
DIGESTS = {"sha1": "sha-1", "sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}
# Its receipts have no digest of what it received where nothing is signed, and ours count only with one (its issue 19).
WITHOUT_DIGEST = "parked: expected that DIGEST, sha-256 was received, found none"


def row(digest, cipher, is_compressed, wish, **more):
    """A message as it builds them; `wish` is the digest of the receipt that it asks for, or none."""
    words = [f"signed {digest}" if digest else "", f"encrypted {cipher}" if cipher else "",
             "compressed" if is_compressed else ""]
    layers = [f"encrypted {CIPHERS[cipher]}" if cipher else "", f"signed {DIGESTS[digest]}" if digest else "",
              "compressed" if is_compressed else ""]
    # Nobody signs a receipt with SHA-1 any more: SHA-256 is what it gets.
    signed = f"signed {'sha256' if wish == 'sha1' else wish}" if wish else "unsigned"
    asks = f"receipt {wish}" if wish else "receipt unsigned"
    found = ", ".join(filter(None, layers)) or "plain"
    return {"name": f"{', '.join(filter(None, words)) or 'plain'}; {asks}", "content": EDI,
            "expected": f"{found}; the same payload; processed, {signed}" + (", same digest" if digest else ""),
            "digest": digest, "cipher": cipher, "compress": is_compressed, "wish": wish, **more}


def incoming():
    for digest in (None, *DIGESTS):
        for cipher in (None, *CIPHERS):
            for is_compressed in (False, True):
                yield row(digest, cipher, is_compressed, digest or "sha256")
    for wish in (None, "sha1", "sha384", "sha512"):
        yield row("sha256", "aes_256_cbc", False, wish)
    binary = bytes(range(256)) * 3 + b"\n\r\n--\n"
    octets = row("sha256", "aes_128_cbc", False, "sha256", content_type="application/octet-stream")
    yield {**octets, "name": "application/octet-stream with every byte", "content": binary}
    unix = row("sha256", None, False, "sha256")
    yield {**unix, "name": "lines that end by LF (it makes them CRLF)", "content": EDI.replace(b"\r\n", b"\n"),
           "expected": "signed sha-256; the same payload but for line ends; processed, signed sha256, same digest"}
    spaced = row("sha256", None, False, "sha256", ours="Light Lamp")
    yield {**spaced, "name": "a name with a space, which no channel has",
           "expected": "no channel takes messages from \"PARTNER\" to \"Light Lamp\"; "
                       "failed/Failure (Expected signed MDN but unsigned MDN returned), unsigned"}
    pss = row("sha256", None, False, "sha256", scheme="rsassa_pss")
    yield {**pss, "name": "signed with PSS (it leaves out the parameters)",
           "expected": "it is signed by none of the partner's certificates, or in a way that is not known: "
                       "it is said to be over sha-256 and signs another digest; "
                       "processed/error (authentication-failed), signed sha256"}
    oaep = row("sha256", "aes_128_cbc", False, "sha256", transport="rsaes_oaep")
    yield {**oaep, "name": "OAEP wanted (it takes PKCS#1 v1.5 all the same)"}


def outgoing():
    for sign in ("none", *DIGESTS.values()):
        if sign == "sha-1":
            continue
        for encrypt in ("none", *CIPHERS.values()):
            for compress in ("none", "before", "after"):
                way = f"sign: {sign}, encrypt: {encrypt}, compress: {compress}"
                layers = [f"encrypted {encrypt}" if encrypt != "none" else "", f"signed {sign}" if sign != "none" else "",
                          "compressed" if compress != "none" else ""]
                found, ended = ", ".join(filter(None, layers)) or "plain", "delivered" if sign != "none" else WITHOUT_DIGEST
                note = "" if sign != "none" else " (its receipt has no digest where nothing is signed)"
                yield {"name": way + note, "way": way, "expected": f"processed, {found}; the same payload; {ended}"}
    usual = "processed, encrypted aes256-cbc, signed sha-256; the same payload; delivered"
    for way in ("receipt: unsigned", "scheme: pss"):
        yield {"name": way, "way": way, "expected": usual}
    yield {"name": "receipt: none, sign: none", "way": "receipt: none, sign: none",
           "expected": "processed, encrypted aes256-cbc; the same payload; delivered"}
    oaep = "key_transport: oaep-sha256"
    yield {"name": f"{oaep} (it knows OAEP without parameters only)", "way": oaep,
           "expected": "processed/Error (Failed to decrypt the payload: Could not extract decryption key.); no payload; "
                       "parked: the receiver could not use the message: decryption-failed"}
    gcm = "encrypt: aes256-gcm"
    yield {"name": f"{gcm} (it does not know AuthEnvelopedData, and takes it for a payload)", "way": gcm,
           "expected": f"processed, plain; another payload; {WITHOUT_DIGEST}"}
    gcm = "encrypt: aes256-gcm, gcm_form: enveloped"
    yield {"name": f"{gcm} (it does not know GCM)", "way": gcm,
           "expected": "processed/Error (Failed to decrypt the payload: object of type 'NoneType' has no len()); no payload; "
                       "parked: the receiver could not use the message: decryption-failed"}


class House:
    NAME = NAME

    def __init__(self, keys, _):
        self.keys = keys

    def close(self):
        """It holds nothing."""

    def sides(self, **more):
        """It, and us as it knows us."""
        own = self.keys.both("their-rsa")
        us = {"as2_name": more.pop("ours", OURS), "verify_cert": read(self.keys.certificate("our-rsa")),
              "encrypt_cert": read(self.keys.certificate("our-rsa")), **more}
        return Organization(as2_name=THEIRS, sign_key=own, decrypt_key=own), Partner(**us)

    def make(self, row, content, message_id):
        more = {"sign": bool(row["digest"]), "digest_alg": row["digest"] or "sha256", "encrypt": bool(row["cipher"]),
                "enc_alg": row["cipher"] or "aes_256_cbc", "compress": row["compress"], "mdn_mode": "SYNC",
                "mdn_digest_alg": row["wish"], "sign_alg": row.get("scheme", "rsassa_pkcs1v15"),
                "key_enc_alg": row.get("transport", "rsaes_pkcs1v15"), "ours": row.get("ours", OURS)}
        organization, partner = self.sides(**more)
        left, organization.domain = message_id.strip("<>").split("@")
        message = Message(organization, partner)
        message.build(content, message_id=left, filename="order.edi",
                      content_type=row.get("content_type", "application/edifact"))
        return message.headers.items(), message.content, message

    def receipt(self, remembered, headers, body):
        mdn = Mdn()
        status, detail = mdn.parse(raw(headers, body), lambda *_: remembered)
        signed = f"signed {mdn.digest_alg}" if mdn.digest_alg else "unsigned"
        told = status + (f" ({detail})" if detail else "")
        # It reports success where a receipt has no digest.
        mic = (b"\nReceived-Content-MIC: " + remembered.mic) if remembered.mic else None
        return f"{told}, {signed}" + (", same digest" if mic and mic in body else "")

    def open(self, _, headers, body):
        organization, partner = self.sides(sign=False, encrypt=False)
        message = Message()
        status, (error, _), mdn = message.parse(raw(headers, body), find_org_cb=lambda _: organization,
                                                find_partner_cb=lambda _: partner)
        layers = [f"encrypted {cipher_of(body)}" if message.encrypted else "",
                  f"signed {DIGESTS.get(message.digest_alg)}" if message.signed else "",
                  "compressed" if message.compressed else ""]
        seen = f"{status} ({error})" if error else f"{status}, {', '.join(filter(None, layers)) or 'plain'}"
        lines = mdn.headers.items() if mdn else []
        return seen, b"" if error else message.content, lines, mdn.content if mdn else b""


def cipher_of(body):
    """It names 3DES only."""
    content = cms.ContentInfo.load(body)["content"]["encrypted_content_info"]
    name = content["content_encryption_algorithm"]["algorithm"].native
    return {"tripledes_3key": "3des"}.get(name, name.replace("_", "-"))


def raw(headers, body):
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n" + body
