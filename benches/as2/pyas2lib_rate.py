"""Messages a second that pyas2lib builds and opens, with the keys of a folder: prints both. Time is this thread's own."""

import sys
import time
from pathlib import Path

import with_pyas2lib  # It mends the import of what pyas2lib stands on.
from pyas2lib import Message, Organization, Partner

SECONDS = 0.5
folder, size = Path(sys.argv[1]), int(sys.argv[2])
content = (b"PO1*1*120*EA*4.25**UP*012345678905~\r\n" * (size // 37 + 1))[:size]


def read(name):
    return (folder / name).read_bytes()


def both(name):
    return read(f"{name}.key") + read(f"{name}.crt")


def side(name, other):
    organization = Organization(as2_name=name, sign_key=both(name), decrypt_key=both(name))
    partner = Partner(as2_name=other, verify_cert=read(f"{other}.crt"), encrypt_cert=read(f"{other}.crt"),
                      validate_certs=False, sign=True, digest_alg="sha256", encrypt=True, enc_alg="aes_256_cbc")
    return organization, partner


def rate(run):
    run()
    begin, count = time.thread_time(), 0
    while time.thread_time() - begin < SECONDS:
        run()
        count += 1
    return count / (time.thread_time() - begin)


def build():
    message = Message(*side("sender", "receiver"))
    message.build(content, filename="order.edi", content_type="application/edi-x12")
    return message


made = build()
raw = with_pyas2lib.raw(made.headers.items(), made.content)
receiver, sender = side("receiver", "sender")


def opened():
    status, (error, _), _ = Message().parse(raw, find_org_cb=lambda _: receiver, find_partner_cb=lambda _: sender)
    assert not error, error


print(rate(build), rate(opened))
