"""BouncyCastle as the partner: Debian's libbcmail-java by BouncyCastle.java makes and opens the layers, as products that are
built on it do; receipts are written and read here, and signed and verified there."""

import base64
import email
import hashlib
import os
import subprocess

from instance import OURS, THEIRS, PATIENCE

NAME = "BouncyCastle"
EDI = b"UNB+UNOA:1+PARTNER+PORTOLAN+261124:0915+1'\r\nUNZ+0+1'\r\n"
JARS = ("bcmail", "bcpkix", "bcprov", "bcutil", "javax.mail", "javax.activation")
CIPHERS = ("3des", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm")
# How it signs: the algorithm's name there, whose key, and the digest.
SIGNS = {
    "none": None, "sha-1": ("SHA1withRSA", "their-rsa"), "sha-256": ("SHA256withRSA", "their-rsa"),
    "sha-384": ("SHA384withRSA", "their-rsa"), "sha-512": ("SHA512withRSA", "their-rsa"),
    "sha-256 pss": ("SHA256withRSAandMGF1", "their-rsa"), "sha-256 ecdsa": ("SHA256withECDSA", "their-ec"),
}


def row(sign="sha-256", encrypt="none", compress="none", name=None, seen=None, **more):
    digest = sign.split()[0] if sign != "none" else "sha-256"
    layers = [f"encrypted {encrypt}" if encrypt != "none" else "", "compressed" if compress == "after" else "",
              f"signed {digest}" if sign != "none" else "", "compressed" if compress == "before" else ""]
    found = ", ".join(filter(None, layers)) or "plain"
    # Nobody signs a receipt with SHA-1 any more: SHA-256 is what it gets.
    receipt = "sha-256" if digest == "sha-1" else digest
    return {"name": name or f"sign: {sign}, encrypt: {encrypt}, compress: {compress}", "content": EDI, "digest": digest,
            "sign": sign, "encrypt": encrypt, "compress": compress, "options": more,
            "expected": seen or f"{found}; the same payload; processed, signed {receipt}, same digest"}


def incoming():
    for sign in SIGNS:
        for encrypt in ("none", *CIPHERS):
            for compress in ("none", "before", "after"):
                if sign not in ("sha-1", "sha-384", "sha-512") or encrypt in ("none", "aes256-cbc"):
                    yield row(sign, encrypt, compress)
    for cipher in CIPHERS[4:]:
        yield row(encrypt=cipher, name=f"{cipher} in AuthEnvelopedData", gcm_form="auth-enveloped")
    for digest in (1, 256, 384, 512):
        yield row(encrypt="aes128-cbc", name=f"OAEP with SHA-{digest}", transport=f"oaep-sha{digest}")
    yield row(encrypt="aes128-cbc", name="signer and recipient named by their key ids", by="key-id")
    yield row(encrypt="aes128-cbc", name="two recipients, we are the second", to="their-rsa,our-rsa")
    yield row(encrypt="aes128-cbc", name="encrypted to somebody else",
              to="their-rsa", seen="it is encrypted to none of our certificates, or the key in it is damaged; "
                   "processed/error: decryption-failed, signed sha-256")
    yield row(name="no certificate in the signature", certificates="none")
    yield row(name="the content inside its signature", form="opaque")
    yield row(encrypt="aes128-cbc", name="the content inside its signature, encrypted", form="opaque")
    for compress in ("none", "before", "after"):
        yield row(encrypt="aes128-cbc", compress=compress, name=f"base64 in HTTP, compress: {compress}", encoding="base64")
    octets = row(encrypt="aes256-gcm", compress="before", name="every byte")
    yield {**octets, "content": bytes(range(256)) * 300 + b"\n\r\n--\n"}
    yield {**row(encrypt="aes128-cbc", name="1 MiB"), "content": b"LIN+1'\r\n" * (1 << 17)}
    unix = row(name="lines that end by LF, binary")
    yield {**unix, "content": EDI.replace(b"\r\n", b"\n")}
    unix = row(name="lines that end by LF, 7bit (it signs them as CRLF and sends them as LF)",
               seen="signed was content of sha-256 DIGEST, found DIGEST; what was signed is the sha-256 of what it should be of, "
                    "its line feeds made CRLF; to take that from this partner, set line_ends: crlf in the channel; "
                    "processed/error: integrity-check-failed, signed sha-256, same digest")
    yield {**unix, "content": EDI.replace(b"\r\n", b"\n"), "as": "7bit"}
    yield {**row(name="base64 within the signature"), "as": "base64"}


def outgoing():
    ways = [f"encrypt: {cipher}" for cipher in ("none", *CIPHERS)]
    ways += [f"encrypt: {cipher}, gcm_form: enveloped" for cipher in CIPHERS[4:]]
    for sign in ("none", "sha-256", "sha-384", "sha-512"):
        for way in ways:
            for compress in ("none", "before", "after"):
                if sign in ("none", "sha-256") or way in ("encrypt: none", "encrypt: aes256-cbc"):
                    yield out(f"sign: {sign}, {way}, compress: {compress}")
    for more in ("scheme: pss", *(f"key_transport: oaep-sha{digest}" for digest in (1, 256, 384, 512)), "receipt: unsigned"):
        yield out(more)
    yield {**out("sign: sha-256", name="signed with ECDSA"), "key": "our-ec"}
    for sign in ("sha-1", "sha-384", "sha-512", "sha-256 pss", "sha-256 ecdsa"):
        yield out("sign: sha-256", name=f"a receipt signed {sign}", receipt={"sign": sign}, to="their-ec, their-rsa")
    for options in ({"by": "key-id"}, {"certificates": "none"}):
        yield out("sign: sha-256", name=f"a receipt signed with {options}", receipt=options)


def out(way, name=None, receipt=None, **more):
    said = dict(one.split(": ") for one in way.split(", "))
    sign, encrypt = said.get("sign", "sha-256"), said.get("encrypt", "aes256-cbc")
    is_auth = encrypt.endswith("gcm") and said.get("gcm_form") != "enveloped"
    packed = said.get("compress", "none")
    layers = ["auth-enveloped" if is_auth else f"encrypted {encrypt}" if encrypt != "none" else "",
              "compressed" if packed == "after" else "", f"signed {sign}" if sign != "none" else "",
              "compressed" if packed == "before" else ""]
    return {"name": name or way, "way": way, "receipt": receipt or {}, **more,
            "expected": f"{', '.join(filter(None, layers)) or 'plain'}; the same payload; delivered"}


class House:
    NAME = NAME

    def __init__(self, keys, folder):
        self.files = {name: os.path.join(folder, name) for name in ("in", "out")}
        path = ":".join(f"/usr/share/java/{jar}.jar" for jar in JARS)
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "BouncyCastle.java")
        line = ["java", "-cp", path, source, keys.folder]
        self.process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)

    def ask(self, verb, entity, **options):
        """What it says and the bytes that it wrote."""
        with open(self.files["in"], "wb") as file:
            file.write(entity)
        words = [verb, *(f"{name}={value}" for name, value in {**self.files, **options}.items())]
        print("\t".join(words), file=self.process.stdin, flush=True)
        done, *said = self.process.stdout.readline().rstrip("\n").split("\t")
        if done != "ok":
            raise ValueError(" ".join(said))
        with open(self.files["out"], "rb") as file:
            return dict(one.split("=", 1) for one in said), file.read()

    def wrapped(self, entity, sign, digest, options):
        """The entity within layers: the digest of what is signed, its header lines, its body."""
        way = {"mic": digest.upper(), **options}
        if SIGNS[sign]:
            way |= dict(zip(("sign", "signer"), SIGNS[sign]))
        said, made = self.ask("make", entity, **way)
        head, body = made.split(b"\r\n\r\n", 1)
        return said["mic"], list(email.message_from_bytes(head + b"\r\n\r\n").items()), body

    def make(self, row, content, message_id):
        encoding = row.get("as", "binary")
        head = f"Content-Type: application/edifact\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        content = base64.encodebytes(content).replace(b"\n", b"\r\n") if encoding == "base64" else content
        options = dict(row["options"])
        if row["encrypt"] != "none":
            options = {"encrypt": row["encrypt"], "to": "our-rsa", **options}
        if row["compress"] != "none":
            options["compress"] = row["compress"]
        mic, lines, body = self.wrapped(head + content, row["sign"], row["digest"], options)
        if (row["sign"], row["encrypt"], row["compress"]) == ("none", "none", "none"):
            mic = base64.b64encode(hashlib.new(row["digest"].replace("-", ""), content).digest()).decode()
        wish = f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {row['digest']}"
        lines = [(name, " ".join(value.split())) for name, value in lines if name != "Message-ID"]
        lines += [("AS2-Version", "1.1"), ("AS2-From", THEIRS), ("AS2-To", OURS), ("Message-ID", message_id),
                  ("Disposition-Notification-To", "edi@partner.example"), ("Disposition-Notification-Options", wish)]
        return lines, body, f"{mic}, {row['digest']}"

    def receipt(self, remembered, headers, body):
        lines = [f"{name}: {value}\r\n" for name, value in headers if name.lower().startswith("content-t")]
        said, report = self.ask("open", "".join(lines).encode() + b"\r\n" + body, signers="our-rsa,our-ec")
        told = email.message_from_bytes(f"Content-Type: {said['type']}\r\n\r\n".encode() + report)
        fields = told.get_payload()[1].get_payload()[0]
        state = fields["Disposition"].split(";")[1].strip()
        same = ", same digest" if fields["Received-Content-MIC"] == remembered else ""
        return f"{state}, {said['layers'] or 'unsigned'}{same}"

    def open(self, row, headers, body):
        lines = {name.lower(): value for name, value in headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers if name.lower().startswith("content-t"))
        said, payload = self.ask("open", head.encode() + b"\r\n" + body, key="their-rsa", signers="our-rsa,our-ec")
        answer = [("AS2-Version", "1.1"), ("AS2-From", THEIRS), ("AS2-To", OURS), ("Message-ID", "<receipt@interop>")]
        report = (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=\"parts\"\r\n\r\n--parts\r\n"
            "Content-Type: text/plain\r\n\r\nIt came.\r\n--parts\r\nContent-Type: message/disposition-notification\r\n\r\n"
            f"Reporting-UA: interop\r\nFinal-Recipient: rfc822; {THEIRS}\r\nOriginal-Message-ID: {lines['message-id']}\r\n"
            "Disposition: automatic-action/MDN-sent-automatically; processed\r\n"
            f"Received-Content-MIC: {said['mic']}\r\n\r\n--parts--\r\n").encode()
        options = dict(row["receipt"])
        sign = options.pop("sign", "sha-256") if "disposition-notification-options" in lines else "none"
        _, made, content = self.wrapped(report, sign, "sha-256", options)
        return said["layers"] or "plain", payload, answer + made, content
