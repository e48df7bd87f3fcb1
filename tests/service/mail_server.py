"""A mail server for the tests: aiosmtpd, which keeps each mail as a file of JSON and can refuse, be busy and be slow.

Usage: mail_server.py FOLDER plain|starttls|implicit [CERTIFICATE KEY [USER PASSWORD]]
It prints its port. Addresses say how they are answered: refused@ for good, busy@ for now (twice), slow@ after a while.
"""

import asyncio
import email
import email.policy
import json
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

folder, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
busy = {}


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused@"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("busy@"):
            busy[address] = busy.get(address, 0) + 1
            if busy[address] <= 2:
                return "451 4.3.0 come back"
        if address.startswith("slow@"):
            await asyncio.sleep(2)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.walk() if not part.is_multipart()}
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "is_private": session.ssl is not None,
            "user": getattr(session, "user", None),
            "headers": {name.lower(): value for name, value in mail.items()},
            "text": parts.get("text/plain", ""),
            "html": parts.get("text/html", ""),
        }
        number = len(list(folder.glob("*.json")))
        part = folder / f"{number:04}.part"
        part.write_text(json.dumps(kept))
        part.rename(folder / f"{number:04}.json")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, login):
    wanted = (sys.argv[5].encode(), sys.argv[6].encode())
    if (login.login, login.password) == wanted:
        session.user = sys.argv[5]
        return AuthResult(success=True)
    return AuthResult(success=False, handled=False)


async def serve():
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
    options = {"hostname": "mail.test"}
    if mode == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if len(sys.argv) > 5:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": mode == "starttls"}
    loop = asyncio.get_running_loop()
    listening = context if mode == "implicit" else None
    server = await loop.create_server(lambda: SMTP(Keeper(), loop=loop, **options), "127.0.0.1", 0, ssl=listening)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
