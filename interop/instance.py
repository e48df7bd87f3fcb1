"""An instance of the real binary with one AS2 pair: a partner posts to /as2, and orders that come over HTTP leave over AS2 in
whichever way a row asks for. It judges nothing."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

# How long anything may take on a busy machine, in seconds.
PATIENCE = 20
# AS2 names: ours, and the partner's.
OURS, THEIRS = "PORTOLAN", "PARTNER"

ORDER = (
    "ISA*00*          *00*          *ZZ*STORES         *ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*P*>~\r\n"
    "GS*PO*STORES*PORTOLAN*20261124*0915*{control}*X*004010~\r\n"
    "ST*850*0001~\r\nBEG*00*SA*{number}**20261124~\r\nN1*BY*Stores*92*1000~\r\nN1*ST*Stores East*UL*4012345000016~\r\n"
    "PO1*1*120*EA*4.25**UP*012345678905~\r\nCTT*1~\r\nSE*7*0001~\r\nGE*1*{control}~\r\nIEA*1*{control:09}~\r\n"
)

RESOURCES = """kind: partner
name: stores
party_ids: [ZZ:STORES]
---
kind: partner
name: partner
party_ids: ["14:4012345000030"]
---
kind: channel
name: stores-in
transport: http
way: in
auth: token
---
kind: channel
name: partner-in
transport: as2
way: in
partners: [partner]
as2: {{ from: {theirs}, to: {ours}, certificates: [{trusted}], keys: [our-rsa], require: [], legacy: allowed }}
---
kind: channel
name: partner-out
transport: as2
way: out
partners: [partner]
url: {url}
allow_networks: [127.0.0.0/8]
as2: {{ from: {ours}, to: {theirs}, certificates: [{encrypt_to}], keys: [{key}], {way} }}
---
kind: agreement
name: stores-orders
way: in
partner: stores
document: x12/004010/850
---
kind: agreement
name: partner-orders
way: out
partner: partner
document: edifact/d96a/ORDERS
channel: partner-out
envelope: {{ sender: "14:4098765000003", receiver: "14:4012345000030" }}
---
kind: route
name: orders
from: stores-orders
to: partner-orders
"""


class Keys:
    """Key pairs of both sides as files in PEM, RSA and P-256."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        for side in ("our", "their"):
            for kind, how in (("rsa", ["rsa:2048"]), ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])):
                name = f"{side}-{kind}"
                line = ["openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", f"/CN={name}"]
                line += ["-keyout", self.key(name), "-out", self.certificate(name), "-newkey", *how]
                subprocess.run(line, check=True, capture_output=True)

    def key(self, name):
        return os.path.join(self.folder, f"{name}.key")

    def certificate(self, name):
        return os.path.join(self.folder, f"{name}.pem")

    def both(self, name):
        """Key and certificate, in one."""
        return read(self.key(name)) + read(self.certificate(name))


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Instance:
    """The running binary. `partner_url` is where its messages go."""

    def __init__(self, binary, folder, keys, partner_url):
        self.binary, self.folder, self.keys, self.partner_url = binary, folder, keys, partner_url
        self.control, self.way = 0, None
        os.makedirs(folder)
        with open(os.path.join(folder, "portolan.toml"), "w", encoding="utf-8") as file:
            file.write('[partner]\nlisten = "127.0.0.1:0"\n[admin]\nlisten = "127.0.0.1:0"\n[sftp]\nlisten = "off"\n')
        with open(os.path.join(folder, "stderr.log"), "wb") as log:
            line = [binary, "serve", "--data", folder]
            self.process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=log)
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def begin(self):
        """Waits until it is ready, and applies what it needs."""
        said = self.process.stdout.readline().decode()
        if not said.startswith("READY"):
            raise RuntimeError(f"expected READY, found {said!r}; see {self.folder}/stderr.log")
        self.admin, self.partner = (read(os.path.join(self.folder, name)).decode().strip()
                                    for name in ("admin.address", "partner.address"))
        self.admin_token = read(os.path.join(self.folder, "admin.token")).decode().strip()
        for name in ("our-rsa", "our-ec"):
            self.command(["secret", "set", name], read(self.keys.key(name)))
        self.goes("sign: sha-256")
        self.token = self.command(["token", "create", "--channel", "stores-in"]).strip()

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def command(self, line, stdin=b""):
        environment = {**os.environ, "PORTOLAN_DATA": self.folder}
        done = subprocess.run([self.binary, *line], input=stdin, capture_output=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"{line}: {done.stderr.decode()}")
        return done.stdout.decode()

    def goes(self, way, key="our-rsa", encrypt_to="their-rsa"):
        """From now on messages go out like that."""
        if (way, key, encrypt_to) == self.way:
            return
        self.way = (way, key, encrypt_to)
        text = RESOURCES.format(ours=OURS, theirs=THEIRS, url=self.partner_url, way=way, key=key,
                                trusted="their-rsa, their-ec", encrypt_to=encrypt_to)
        for name in ("our-rsa", "our-ec", "their-rsa", "their-ec"):
            pem = read(self.keys.certificate(name)).decode().strip().replace("\n", "\n  ")
            text += f"---\nkind: certificate\nname: {name}\npem: |\n  {pem}\n"
            text += f"key: {{ secret: {name} }}\n" if name.startswith("our") else ""
        path = os.path.join(self.folder, "resources.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.command(["apply", path])

    def ask(self, path):
        """The bytes of the admin API."""
        request = urllib.request.Request(self.admin + path, headers={"Authorization": f"Bearer {self.admin_token}"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.read()

    def items(self, path):
        """The newest of a list, up to 200."""
        return json.loads(self.ask(f"{path}{'&' if '?' in path else '?'}limit=200"))["items"]

    def post(self, headers, body):
        """Posts to /as2: status, header lines and body of the answer."""
        request = urllib.request.Request(self.partner + "/as2", data=body, headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, response.getheaders(), response.read()
        except urllib.error.HTTPError as error:
            return error.code, list(error.headers.items()), error.read()

    def received(self, message_id):
        """What a message was found to be, and its payload; the reason where it was refused."""
        for one in self.items("/api/v1/transmissions?direction=in"):
            found = json.loads(self.ask(f"/api/v1/transmissions/{one['transmission_id']}"))
            facts = (found.get("transport") or {}).get("as2") or {}
            if facts.get("message_id") == message_id:
                layers = [layer if isinstance(layer, str) else " ".join(*layer.items()) for layer in facts["layers"]]
                content = self.ask(f"/api/v1/transmissions/{one['transmission_id']}/content")
                # What it was found to be after it was taken is no matter of AS2.
                refused = (found["transmission"].get("code") or "").startswith("AS2-")
                return layers, content, found["transmission"]["reason"] if refused else None
        raise RuntimeError(f"{message_id} is not in the ledger")

    def send(self):
        """Sends an order: the delivery over AS2 when it has ended, and the bytes that it is to carry."""
        self.control += 1
        known = {one["delivery_id"] for one in self.items("/api/v1/deliveries")}
        body = ORDER.format(control=self.control, number=f"PO-{self.control}").encode()
        request = urllib.request.Request(self.partner + "/in/stores-in", data=body,
                                         headers={"Authorization": f"Bearer {self.token}"})
        urllib.request.urlopen(request, timeout=PATIENCE).close()
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for one in self.items("/api/v1/deliveries"):
                if one["delivery_id"] not in known and one["state"] in ("delivered", "parked"):
                    return one, self.ask(f"/api/v1/transmissions/{one['transmission_id']}/content")
            time.sleep(0.05)
        raise RuntimeError(f"order {self.control} did not go; see {self.folder}/stderr.log")
