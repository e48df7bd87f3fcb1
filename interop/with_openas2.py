"""OpenAS2 as the partner: a real server from its published package, started anew for each way in which it sends. What it
posts is caught on its way and given on to us, and our answer to it; what we post is given on to it. OpenAS2 4 could not
be had where this was run; 2.10.1 was the newest there."""

import http.client
import http.server
import os
import queue
import shutil
import subprocess
import threading
import time
import xml.sax.saxutils

from instance import OURS, PATIENCE, THEIRS

NAME = "OpenAS2 2.10.1"
EDI = b"UNB+UNOA:1+PARTNER+PORTOLAN+261124:0915+1'\r\nUNZ+0+1'\r\n"
CIPHERS = {"none": None, "3DES": "3des", "AES128": "aes128-cbc", "AES192": "aes192-cbc", "AES256": "aes256-cbc"}
DIGESTS = {"none": None, "SHA1": "sha-1", "SHA256": "sha-256", "SHA384": "sha-384", "SHA512": "sha-512"}
PASSWORD = "interop"
TAKEN = "taken; the same payload"


def row(sign="SHA256", encrypt="none", compress="none", name=None, content=EDI, **more):
    layers = [f"encrypted {CIPHERS[encrypt]}" if CIPHERS[encrypt] else "", "compressed" if compress == "after" else "",
              f"signed {DIGESTS[sign]}" if DIGESTS[sign] else "", "compressed" if compress == "before" else ""]
    attributes = {"content_transfer_encoding": "binary", **more}
    attributes |= {"sign": sign} if sign != "none" else {}
    attributes |= {"encrypt": encrypt} if encrypt != "none" else {}
    attributes |= {"compression_type": "ZLIB"} if compress != "none" else {}
    attributes |= {"compression_mode": "compress-after-signing"} if compress == "after" else {}
    return {"name": name or f"sign: {sign}, encrypt: {encrypt}, compress: {compress}", "content": content,
            "attributes": attributes,
            "expected": f"{', '.join(filter(None, layers)) or 'plain'}; the same payload; taken as sent"}


def incoming():
    for sign in DIGESTS:
        for encrypt in CIPHERS:
            if sign in ("none", "SHA256") or encrypt in ("none", "AES256"):
                yield row(sign, encrypt)
    for compress in ("before", "after"):
        for encrypt in ("none", "AES256"):
            yield row("SHA256", encrypt, compress)
    yield row(encrypt="AES128", name="base64 in HTTP", content_transfer_encoding="base64")
    yield row(encrypt="AES128", name="without the attribute of RFC 6211", remove_cms_algorithm_protection_attrib="true")
    yield {**row(name="signed with MD5"), "attributes": {"sign": "MD5"},
           "expected": "it is signed by none of the partner's certificates, or in a way that is not known: "
                       "expected a digest of SHA, found 1.2.840.113549.2.5; "
                       "not taken, as an error"}


def outgoing():
    for sign in ("none", "sha-256", "sha-384", "sha-512"):
        for encrypt in ("none", "3des", "aes128-cbc", "aes192-cbc", "aes256-cbc"):
            for compress in ("none", "before", "after"):
                if sign in ("none", "sha-256") or encrypt in ("none", "aes256-cbc"):
                    way = f"sign: {sign}, encrypt: {encrypt}, compress: {compress}"
                    if (sign, encrypt) == ("none", "none") and compress != "none":
                        yield {"name": f"{way} (its digest is not that of RFC 5402 4 where all is compression)", "way": way,
                               "expected": f"{TAKEN}; parked: expected that DIGEST, sha-256 was received, found DIGEST, sha-256; "
                                           "that is the sha-256 of that without its header lines: to take it from this partner, "
                                           "set mic: body in the channel"}
                        yield {"name": f"{way}, mic: body", "way": f"{way}, mic: body", "expected": f"{TAKEN}; delivered"}
                    else:
                        yield {"name": way, "way": way, "expected": f"{TAKEN}; delivered"}
    yield {"name": "receipt: unsigned (such a receipt has no digest)", "way": "receipt: unsigned",
           "expected": f"{TAKEN}; parked: expected that DIGEST, sha-256 was received, found none"}
    yield {"name": "receipt: none", "way": "receipt: none", "expected": f"{TAKEN}; delivered"}


class Catcher(http.server.ThreadingHTTPServer):
    """Takes what OpenAS2 sends, and holds it until the answer is there."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Caught)
        self.messages = queue.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Caught(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802, the name is the library's
        body, answers = self.body(), queue.Queue()
        self.server.messages.put((list(self.headers.items()), body, answers))
        headers, content = answers.get(timeout=PATIENCE)
        self.send_response(200)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "date", "server", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers["Content-Length"]))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, *_):
        pass


class House:
    NAME = NAME

    def __init__(self, keys, folder):
        self.folder, self.process, self.way = os.path.join(folder, "openas2"), None, None
        self.catcher, self.port = Catcher(), free_port()
        os.makedirs(self.folder)
        store = os.path.join(self.folder, "certs.p12")
        subprocess.run(["openssl", "pkcs12", "-export", "-legacy", "-inkey", keys.key("their-rsa"), "-in",
                        keys.certificate("their-rsa"), "-name", "partner", "-passout", f"pass:{PASSWORD}", "-out", store],
                       check=True)
        subprocess.run(["keytool", "-J-Dkeystore.pkcs12.legacy", "-importcert", "-noprompt", "-alias", "portolan", "-file",
                        keys.certificate("our-rsa"), "-keystore", store, "-storetype", "PKCS12", "-storepass", PASSWORD],
                       check=True, capture_output=True)
        self.write("commands.xml", "<commands></commands>")
        self.write("config.xml", config(self.port))

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait(PATIENCE)
            self.process = None

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def starts(self, attributes):
        """Runs with these attributes of what it sends."""
        if attributes == self.way:
            return
        self.close()
        self.way = attributes
        for name in ("inbox", "outbox", "error", "mdn", "sent"):
            shutil.rmtree(os.path.join(self.folder, name), ignore_errors=True)
            os.makedirs(os.path.join(self.folder, name))
        self.write("partnerships.xml", partnerships(self.catcher.server_port, attributes))
        line = ["java", "-Dorg.apache.commons.logging.Log=org.openas2.logging.Log", "-cp", os.environ["OPENAS2_CLASSPATH"],
                "org.openas2.app.OpenAS2Server", "config.xml"]
        with open(os.path.join(self.folder, "openas2.log"), "ab") as log:
            self.process = subprocess.Popen(line, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.waits(self.answers, "OpenAS2 to listen")

    def answers(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
            connection.connect()
            connection.close()
            return True
        except OSError:
            return False

    def waits(self, seen, what):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := seen():
                return found
            time.sleep(0.05)
        raise RuntimeError(f"expected {what}; see {self.folder}/openas2.log")

    def files(self, name):
        found = os.path.join(self.folder, name)
        return [os.path.join(found, one) for one in os.listdir(found)] if os.path.isdir(found) else []

    def make(self, row, content, _):
        self.starts(row["attributes"])
        aside = os.path.join(self.folder, "order.edi")
        with open(aside, "wb") as file:
            file.write(content)
        os.rename(aside, os.path.join(self.folder, "outbox", "order.edi"))
        lines, body, answers = self.catcher.messages.get(timeout=PATIENCE)
        skipped = ("host", "connection", "content-length", "transfer-encoding")
        return [line for line in lines if line[0].lower() not in skipped], body, answers

    def receipt(self, remembered, headers, body):
        remembered.put((headers, body))
        found = self.waits(lambda: [one for one in ("sent", "error") if self.files(one)], "an end")
        return "taken as sent" if found == ["sent"] else "not taken, as an error"

    def open(self, _, headers, body):
        self.starts(row()["attributes"])
        known = set(self.files("inbox"))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        lines = {name: value for name, value in headers if name.lower() not in ("host", "connection")}
        connection.request("POST", "/", body, lines)
        answer = connection.getresponse()
        content = answer.read()
        came = [one for one in self.files("inbox") if one not in known]
        skipped = ("content-length", "connection", "transfer-encoding")
        lines = [line for line in answer.getheaders() if line[0].lower() not in skipped]
        if not came:
            return f"not taken, status {answer.status}", b"", lines, content
        with open(came[0], "rb") as file:
            return "taken", file.read(), lines, content


def free_port():
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as taken:
        return taken.server_port


def config(port):
    module = "org.openas2.processor"
    return f"""<openas2>
  <certificates classname="org.openas2.cert.PKCS12CertificateFactory" filename="%home%/certs.p12" password="{PASSWORD}"
    interval="300"/>
  <partnerships classname="org.openas2.partner.XMLPartnershipFactory" filename="%home%/partnerships.xml"/>
  <loggers><logger classname="org.openas2.logging.ConsoleLogger"/></loggers>
  <commands classname="org.openas2.cmd.XMLCommandRegistry" filename="%home%/commands.xml"/>
  <commandProcessors/>
  <processor classname="{module}.DefaultProcessor" pendingMDN="%home%/pending" pendingMDNinfo="%home%/pendinginfo">
    <module classname="{module}.sender.AS2SenderModule"/>
    <module classname="{module}.sender.MDNSenderModule"/>
    <module classname="{module}.receiver.AS2DirectoryPollingModule" outboxdir="%home%/outbox" errordir="%home%/error"
      sentdir="%home%/sent" interval="1" defaults="sender.as2_id={THEIRS}, receiver.as2_id={OURS}" sendfilename="true"
      mimetype="application/edifact"/>
    <module classname="{module}.storage.MDNFileModule" filename="%home%/mdn/$mdn.msg.headers.message-id$" protocol="as2"
      tempdir="%home%/temp"/>
    <module classname="{module}.storage.MessageFileModule" filename="%home%/inbox/$msg.headers.message-id$" protocol="as2"
      tempdir="%home%/temp"/>
    <module classname="{module}.receiver.AS2ReceiverModule" address="127.0.0.1" port="{port}" errordir="%home%/refused"/>
  </processor>
</openas2>
"""


def partnerships(port, attributes):
    wish = f"signed-receipt-protocol=optional, pkcs7-signature; signed-receipt-micalg=optional, {attributes.get('sign', 'SHA256')}"
    all_of_them = {"protocol": "as2", "subject": "order", "as2_url": f"http://127.0.0.1:{port}/as2", "resend_max_retries": "0",
                   "as2_mdn_to": "edi@partner.example", "as2_mdn_options": wish, **attributes}
    own = "".join(f"<attribute name={xml.sax.saxutils.quoteattr(name)} value={xml.sax.saxutils.quoteattr(value)}/>\n"
                  for name, value in all_of_them.items())
    return f"""<partnerships>
<partner name="partner" as2_id="{THEIRS}" x509_alias="partner" email="edi@partner.example"/>
<partner name="portolan" as2_id="{OURS}" x509_alias="portolan" email="edi@portolan.example"/>
<partnership name="to-portolan"><sender name="partner"/><receiver name="portolan"/>
{own}</partnership>
<partnership name="to-partner"><sender name="portolan"/><receiver name="partner"/>
<attribute name="protocol" value="as2"/><attribute name="sign" value="SHA256"/><attribute name="encrypt" value="AES256"/>
</partnership>
</partnerships>
"""
