"""Clients of other houses at mailboxes of the real binary: each case drops or fetches as its client does, and the ledger is
asked what came of it. WinSCP and FileZilla do not run here; what they send is sent step by step over paramiko."""

import asyncio
import hashlib
import io
import json
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request

# How long anything may take on a busy machine, in seconds.
PATIENCE = 60
# Larger than a payload in the database and than any window.
LARGE_BYTES = 24 * 1024 * 1024
PASSWORD = "correct horse battery"
# SSH_FXP_CLOSE.
CMD_CLOSE = 4

ORDER = (
    "ISA*00*          *00*          *ZZ*STORES         *ZZ*PORTOLAN       *261124*0915*U*00401*{control:09}*0*P*>~\n"
    "GS*PO*STORES*PORTOLAN*20261124*0915*{control}*X*004010~\n"
    "ST*850*0001~\nBEG*00*SA*{number}**20261124~\nN1*BY*Stores*92*1000~\nN1*ST*Stores East*UL*4012345000016~\n"
    "PO1*1*120*EA*4.25**UP*012345678905~\nCTT*1~\nSE*7*0001~\nGE*1*{control}~\nIEA*1*{control:09}~\n"
)

RESOURCES = """kind: partner
name: stores
party_ids: [ZZ:STORES]
---
kind: partner
name: lamps
party_ids: ["14:4012345000030"]
---
kind: mailbox
name: stores
keys: ["{key}"]
sessions: "400"
---
kind: mailbox
name: lamps
keys: ["{key}"]
---
kind: channel
name: stores-in
transport: sftp
way: in
mailbox: stores
partners: [stores]
---
kind: channel
name: lamps-out
transport: sftp
way: out
mailbox: lamps
---
kind: agreement
name: stores-orders
way: in
partner: stores
document: x12/004010/850
---
kind: agreement
name: lamps-orders
way: out
partner: lamps
document: edifact/d96a/ORDERS
channel: lamps-out
envelope: {{ sender: "14:4098765000003", receiver: "14:4012345000030" }}
---
kind: route
name: orders
from: stores-orders
to: lamps-orders
"""


class Instance:
    """The running binary, and the key of both users."""

    def __init__(self, binary, folder):
        self.binary, self.folder, self.control = binary, folder, 0
        os.makedirs(folder)
        self.key = os.path.join(folder, "client.key")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True)
        with open(os.path.join(folder, "portolan.toml"), "w", encoding="utf-8") as file:
            for section in ("partner", "admin", "sftp"):
                file.write(f'[{section}]\nlisten = "127.0.0.1:0"\n')
        with open(os.path.join(folder, "stderr.log"), "wb") as log:
            self.process = subprocess.Popen([binary, "serve", "--data", folder], stdout=subprocess.PIPE, stderr=log)
        said = self.process.stdout.readline().decode()
        if not said.startswith("READY"):
            raise RuntimeError(f"expected READY, found {said!r}; see {folder}/stderr.log")
        self.port = int(self.read("sftp.address").rsplit(":", 1)[1])
        resources = RESOURCES.format(key=self.read("client.key.pub"))
        with open(os.path.join(folder, "resources.yaml"), "w", encoding="utf-8") as file:
            file.write(resources)
        self.command(["apply", os.path.join(folder, "resources.yaml")])
        self.command(["mailbox", "password", "stores"], PASSWORD.encode())

    def read(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as file:
            return file.read().strip()

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def command(self, line, stdin=b""):
        environment = {**os.environ, "PORTOLAN_DATA": self.folder}
        done = subprocess.run([self.binary, *line], input=stdin, capture_output=True, env=environment, check=False)
        if done.returncode:
            raise RuntimeError(f"{line}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def ask(self, path):
        request = urllib.request.Request(self.read("admin.address") + path)
        request.add_header("Authorization", "Bearer " + self.read("admin.token"))
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def came(self):
        """What came in, by file name; each name is used for one file here."""
        return {one["file_name"]: one for one in self.ask("/api/v1/transmissions?direction=in&limit=200")["items"]}

    def order(self, size=0):
        self.control += 1
        body = ORDER.format(control=self.control, number=f"I-{self.control}").encode()
        return body + b"\n" * max(0, size - len(body))

    def long_order(self, lines):
        body = self.order().decode()
        line = "PO1*1*120*EA*4.25**UP*012345678905~\n"
        many = "".join(line.replace("PO1*1*", f"PO1*{number}*") for number in range(1, lines + 1))
        return body.replace(line, many).replace("CTT*1~", f"CTT*{lines}~").replace("SE*7*", f"SE*{6 + lines}*").encode()

    def settled(self):
        """Waits until nothing is on its way; the files that lie for the supplier."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            came = self.ask("/api/v1/transmissions?direction=in&state=stored")["items"]
            rows = self.ask("/api/v1/deliveries?limit=200")["items"]
            if not came and all(row["state"] == "delivered" for row in rows):
                return self.ask("/api/v1/mailboxes/lamps/files?limit=200")["items"]
            time.sleep(0.1)
        raise AssertionError("it does not settle")

    def lies(self, count):
        """Waits until so many files lie for the supplier; their rows."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            rows = self.ask("/api/v1/mailboxes/lamps/files?limit=200")["items"]
            if len(rows) >= count:
                return rows
            time.sleep(0.1)
        raise AssertionError(f"expected {count} files for the supplier, found {len(rows)}")


def same(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def was_taken(instance, name, body):
    row = instance.came().get(name)
    if row is None:
        raise AssertionError(f"{name} did not come in; there are {sorted(instance.came())}")
    same((row["size"], row["digest"]), (len(body), hashlib.sha256(body).hexdigest()), name)


class Paramiko:
    """A connection of paramiko, by key or password."""

    def __init__(self, instance, user, password=None):
        import paramiko

        self.client = paramiko.SSHClient()
        self.client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        how = {"password": password} if password else {"key_filename": instance.key}
        self.client.connect("127.0.0.1", instance.port, user, allow_agent=False, look_for_keys=False, **how)
        self.sftp = self.client.open_sftp()

    def __enter__(self):
        return self.sftp

    def __exit__(self, *_):
        self.client.close()


def paramiko_puts_and_looks(instance):
    body = instance.order()
    with Paramiko(instance, "stores", PASSWORD) as sftp:
        # With confirm it looks for the file after the upload, and wants its size.
        sftp.putfo(io.BytesIO(body), "in/paramiko.edi", confirm=True)
    was_taken(instance, "paramiko.edi", body)


def paramiko_moves_much_both_ways(instance):
    body = instance.order(LARGE_BYTES)
    with Paramiko(instance, "stores") as sftp:
        sftp.putfo(io.BytesIO(body), "in/paramiko-large.edi")
    was_taken(instance, "paramiko-large.edi", body)


def paramiko_gets_with_prefetch(instance):
    rows = instance.lies(2)
    with Paramiko(instance, "lamps") as sftp:
        for name in sftp.listdir("out"):
            target = io.BytesIO()
            # All reads are sent at once, before the first answer is taken.
            size = sftp.getfo(f"out/{name}", target, prefetch=True)
            same(size, sftp.stat(f"out/{name}").st_size, name)
    fetched = {row["name"]: row["fetched"] for row in instance.ask("/api/v1/mailboxes/lamps/files")["items"]}
    same([fetched[row["name"]] for row in rows], [1] * len(rows), "noted as fetched")


def half_a_read_is_no_fetch(instance):
    row = instance.lies(1)[0]
    before = row["fetched"]
    with Paramiko(instance, "lamps") as sftp:
        with sftp.open(f"out/{row['name']}") as file:
            file.read(10)
    after = {one["name"]: one["fetched"] for one in instance.ask("/api/v1/mailboxes/lamps/files")["items"]}
    same(after[row["name"]], before, "fetched")


def winscp(instance):
    """Looks, uploads under .filepart, sets the time, removes what is there, renames, looks again."""
    body = instance.order(600_000)
    with Paramiko(instance, "stores", PASSWORD) as sftp:
        same(sftp.normalize("."), "/", "where it begins")
        sftp.listdir_attr("in")
        try:
            sftp.stat("in/winscp.edi")
            raise AssertionError("it is not there yet")
        except FileNotFoundError:
            pass
        with sftp.open("in/winscp.edi.filepart", "wb") as file:
            file.write(body)
        sftp.utime("in/winscp.edi.filepart", (1_700_000_000, 1_700_000_000))
        same(sftp.stat("in/winscp.edi.filepart").st_size, len(body), "the part's size")
        same("winscp.edi" in instance.came(), False, "taken before the rename")
        try:
            sftp.remove("in/winscp.edi")
        except FileNotFoundError:
            pass
        sftp.rename("in/winscp.edi.filepart", "in/winscp.edi")
        was_taken(instance, "winscp.edi", body)
        sftp.stat("in/winscp.edi")
        sftp.chmod("in/winscp.edi", 0o644)
        # Once more, over the one that it still sees.
        second = instance.order(600_001)
        with sftp.open("in/winscp.edi.filepart", "wb") as file:
            file.write(second)
        sftp.remove("in/winscp.edi")
        sftp.posix_rename("in/winscp.edi.filepart", "in/winscp.edi")
    sizes = [one["size"] for one in instance.ask("/api/v1/transmissions?direction=in&limit=200")["items"]
             if one["file_name"] == "winscp.edi"]
    same(sorted(sizes), [600_000, 600_001], "both of one name")


def winscp_resumes(instance):
    """The connection is lost in the middle; it comes back, looks how much is there, and appends."""
    body = instance.order(900_000)
    connection = Paramiko(instance, "stores")
    file = connection.sftp.open("in/resumed.edi.filepart", "wb")
    file.write(body[:400_000])
    file.flush()
    connection.client.get_transport().sock.close()
    with Paramiko(instance, "stores") as sftp:
        there = sftp.stat("in/resumed.edi.filepart").st_size
        if not 0 < there <= 400_000:
            raise AssertionError(f"expected a part of 400000 bytes, found {there}")
        with sftp.open("in/resumed.edi.filepart", "r+") as file:
            file.seek(there)
            file.write(body[there:])
        sftp.rename("in/resumed.edi.filepart", "in/resumed.edi")
    was_taken(instance, "resumed.edi", body)


def filezilla(instance):
    """Lists, opens the final name at once, sets the time after the upload, lists again."""
    body = instance.order(300_000)
    with Paramiko(instance, "stores", PASSWORD) as sftp:
        sftp.listdir_attr("in")
        with sftp.open("in/filezilla.edi", "wb") as file:
            file.set_pipelined(True)
            file.write(body)
        sftp.utime("in/filezilla.edi", (1_700_000_000, 1_700_000_000))
        same("filezilla.edi" in sftp.listdir("in"), False, "listed after it was taken")
    was_taken(instance, "filezilla.edi", body)


def pieces_out_of_order(instance):
    """Pieces that arrive in any order make one file; one with a hole is refused."""
    body = instance.order(500_000)
    with Paramiko(instance, "stores") as sftp:
        with sftp.open("in/pieces.edi", "wb") as file:
            for start in (400_000, 0, 200_000):
                file.seek(start)
                file.write(body[start:start + 200_000])
        was_taken(instance, "pieces.edi", body)
        file = sftp.open("in/hole.edi", "wb")
        file.seek(100)
        file.write(b"behind a hole")
        file.flush()
        try:
            # What close() is answered, it keeps to itself.
            sftp._request(CMD_CLOSE, file.handle)
            raise AssertionError("a file with a hole was taken")
        except OSError as error:
            same("bytes from 0 on were not sent" in str(error), True, str(error))
    same("hole.edi" in instance.came(), False, "a file with a hole")


def asyncssh_copies(instance):
    import asyncssh

    body = instance.order(LARGE_BYTES)
    path = os.path.join(instance.folder, "asyncssh.edi")
    with open(path, "wb") as file:
        file.write(body)

    async def run():
        options = {"port": instance.port, "known_hosts": None, "client_keys": [instance.key]}
        async with asyncssh.connect("127.0.0.1", username="stores", **options) as connection:
            async with connection.start_sftp_client() as sftp:
                await sftp.put(path, "in/asyncssh.edi")
            await asyncssh.scp(path, (connection, "in/asyncssh-scp.edi"))
            # More channels than a session may have at once, one after the other.
            for _ in range(8):
                async with connection.start_sftp_client() as sftp:
                    same(sorted(await sftp.listdir("/")), [".", "..", "errors", "in"], "the folders")
        instance.settled()
        async with asyncssh.connect("127.0.0.1", username="lamps", **options) as connection:
            async with connection.start_sftp_client() as sftp:
                same(await sftp.realpath("."), "/", "where it begins")
                target = os.path.join(instance.folder, "asyncssh-out")
                os.makedirs(target)
                await sftp.mget("out/*", target)
                same(len(os.listdir(target)), len(await sftp.glob("out/*")), "files fetched")

    asyncio.run(run())
    was_taken(instance, "asyncssh.edi", body)
    was_taken(instance, "asyncssh-scp.edi", body)


def lftp_mirrors(instance):
    source = os.path.join(instance.folder, "lftp")
    os.makedirs(source)
    bodies = {f"lftp-{number}.edi": instance.order(number * 100_000) for number in range(1, 4)}
    for name, body in bodies.items():
        with open(os.path.join(source, name), "wb") as file:
            file.write(body)
    connect = f"ssh -a -x -i {instance.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    lines = [f"set sftp:connect-program '{connect}'", "set net:max-retries 2",
             f"open -u stores, sftp://127.0.0.1:{instance.port}", f"mirror -R {source} in", "bye"]
    done = subprocess.run(["lftp", "-c", "; ".join(lines)], capture_output=True, timeout=PATIENCE, check=False)
    same(done.returncode, 0, done.stderr.decode())
    for name, body in bodies.items():
        was_taken(instance, name, body)
    target, lying = os.path.join(instance.folder, "lftp-out"), len(instance.settled())
    lines[2:] = [f"open -u lamps, sftp://127.0.0.1:{instance.port}", f"mirror out {target}", "bye"]
    done = subprocess.run(["lftp", "-c", "; ".join(lines)], capture_output=True, timeout=PATIENCE, check=False)
    same(done.returncode, 0, done.stderr.decode())
    same(len(os.listdir(target)), lying, "files fetched")


def fetched(instance, name):
    rows = instance.ask("/api/v1/mailboxes/lamps/files?limit=200")["items"]
    return next(row["fetched"] for row in rows if row["name"] == name)


def becomes_fetched(instance, name, count):
    end = time.monotonic() + PATIENCE
    while fetched(instance, name) != count:
        if time.monotonic() > end:
            raise AssertionError(f"expected {name} fetched {count} times, found {fetched(instance, name)}")
        time.sleep(0.1)


def begun(instance, name, is_lost):
    """The first 100 bytes of a file, by a session that is closed or lost; where they lie."""
    connection = Paramiko(instance, "lamps")
    file = connection.sftp.open(f"out/{name}")
    part = file.read(100)
    if is_lost:
        connection.client.get_transport().sock.close()
    else:
        file.close()
        connection.client.close()
    path = os.path.join(instance.folder, f"begun-{time.monotonic_ns()}")
    with open(path, "wb") as target:
        target.write(part)
    return path


def lftp(instance, *lines):
    connect = f"ssh -a -x -i {instance.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    # It goes away without waiting for the answer to a close, and often before that has left: what comes behind it waits for it.
    lines = [f"set sftp:connect-program '{connect}'", "set net:max-retries 2", "set net:limit-rate 200000",
             f"open -u lamps, sftp://127.0.0.1:{instance.port}", *lines, "ls out", "sleep 1", "bye"]
    done = subprocess.run(["lftp", "-c", "; ".join(lines)], capture_output=True, timeout=PATIENCE, check=False)
    same(done.returncode, 0, done.stderr.decode())


def lftp_goes_away_behind_the_last_byte(instance):
    """It ends its `ssh` without waiting for its close to leave."""
    connect = f"ssh -a -x -i {instance.key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    for row in sorted(instance.lies(2), key=lambda one: one["size"]):
        name, before = row["name"], fetched(instance, row["name"])
        path = os.path.join(instance.folder, f"gone-{time.monotonic_ns()}")
        lines = [f"set sftp:connect-program '{connect}'", f"open -u lamps, sftp://127.0.0.1:{instance.port}",
                 f"get out/{name} -o {path}"]
        done = subprocess.run(["lftp", "-c", "; ".join(lines)], capture_output=True, timeout=PATIENCE, check=False)
        same(done.returncode, 0, done.stderr.decode())
        with open(path, "rb") as file:
            same(hashlib.sha256(file.read()).hexdigest(), row["digest"], name)
        becomes_fetched(instance, name, before + 1)


def who_is_cut_off_has_nothing(instance):
    """All bytes were sent, and the end was asked for: who then ends the connection has them, who resets it may have none."""
    name = instance.lies(1)[0]["name"]
    for is_reset in (True, False):
        before = fetched(instance, name)
        connection = Paramiko(instance, "lamps")
        file = connection.sftp.open(f"out/{name}")
        file.read()
        sock = connection.client.get_transport().sock
        if is_reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            time.sleep(1)
            same(fetched(instance, name), before, "after a reset")
        else:
            sock.shutdown(socket.SHUT_RDWR)
            becomes_fetched(instance, name, before + 1)


def sftp_reget(instance, name, path):
    line = ["sftp", "-q", "-b", "-", "-P", str(instance.port), "-i", instance.key, "-o", "StrictHostKeyChecking=no", "-o",
            "UserKnownHostsFile=/dev/null", "lamps@127.0.0.1"]
    done = subprocess.run(line, input=f"reget out/{name} {path}\n".encode(), capture_output=True, timeout=PATIENCE, check=False)
    same(done.returncode, 0, done.stderr.decode())


def whole_by_parts(instance, is_lost, go_on):
    row = instance.lies(1)[0]
    name, before = row["name"], fetched(instance, row["name"])
    path = begun(instance, name, is_lost)
    same(fetched(instance, name), before, "with its first bytes alone")
    go_on(instance, name, path)
    with open(path, "rb") as file:
        same(hashlib.sha256(file.read()).hexdigest(), row["digest"], name)
    same(fetched(instance, name), before + 1, "fetched when it is whole")


def sftp_goes_on_where_it_was(instance):
    for is_lost in (False, True):
        whole_by_parts(instance, is_lost, sftp_reget)


def lftp_goes_on_where_it_was(instance):
    for is_lost in (False, True):
        whole_by_parts(instance, is_lost, lambda instance, name, path: lftp(instance, f"get -c out/{name} -o {path}"))


def lftp_takes_pieces_beside_each_other(instance):
    """A long order, at a pace that leaves time for all connections to begin their pieces."""
    lying = len(instance.settled())
    with Paramiko(instance, "stores") as sftp:
        sftp.putfo(io.BytesIO(instance.long_order(8000)), "in/long.edi")
    row = max(instance.lies(lying + 1), key=lambda one: one["size"])
    if row["size"] < 400_000:
        raise AssertionError(f"expected a file of several pieces, found {row['size']} bytes")
    path = os.path.join(instance.folder, "pieces")
    lftp(instance, "set pget:min-chunk-size 100000", f"pget -n 4 out/{row['name']} -o {path}")
    with open(path, "rb") as file:
        same(hashlib.sha256(file.read()).hexdigest(), row["digest"], row["name"])
    # It reads some bytes twice, at the border of its pieces: whoever has all of it may have it twice by then.
    if fetched(instance, row["name"]) not in (1, 2):
        raise AssertionError(f"expected it fetched, found {fetched(instance, row['name'])} times")


def more_sessions_than_an_address_may_have(instance):
    """As many at once as an address may have; all others are told so, and none waits."""
    import paramiko

    outcomes, all_were_told = [], threading.Event()

    def one():
        try:
            with Paramiko(instance, "stores") as sftp:
                outcomes.append(len(sftp.listdir("/")))
                all_were_told.wait(PATIENCE)
        except (paramiko.SSHException, OSError, EOFError):
            outcomes.append("told to come back")

    threads = [threading.Thread(target=one) for _ in range(40)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + PATIENCE
    while len(outcomes) < len(threads) and time.monotonic() < end:
        time.sleep(0.1)
    same(len(outcomes), len(threads), "sessions that are in or were told")
    all_were_told.set()
    for thread in threads:
        thread.join(PATIENCE)
    inside = sum(1 for outcome in outcomes if outcome == 2)
    if not 1 <= inside <= 16:
        raise AssertionError(f"expected up to 16 sessions of an address, found {inside}")
    # A place is free when the server has seen its session end.
    while True:
        try:
            with Paramiko(instance, "stores") as sftp:
                same(sorted(sftp.listdir("/")), ["errors", "in"], "afterwards")
            return
        except paramiko.SSHException:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


CASES = [
    paramiko_puts_and_looks, paramiko_moves_much_both_ways, paramiko_gets_with_prefetch, half_a_read_is_no_fetch,
    winscp, winscp_resumes, filezilla, pieces_out_of_order, asyncssh_copies, lftp_mirrors,
    sftp_goes_on_where_it_was, lftp_goes_on_where_it_was, lftp_takes_pieces_beside_each_other,
    lftp_goes_away_behind_the_last_byte, who_is_cut_off_has_nothing,
    more_sessions_than_an_address_may_have,
]


def main():
    # It tells of each session that is refused, which is a case here.
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    instance = Instance(sys.argv[1], sys.argv[2])
    wanted = set(sys.argv[3:])
    code = 0
    try:
        for case in CASES:
            if wanted and case.__name__ not in wanted:
                continue
            begin = time.monotonic()
            try:
                case(instance)
                verdict = "as expected"
            except Exception as error:  # what differs is told, and the others run
                verdict, code = f"DIFFERS: {type(error).__name__}: {error}", 1
            print(f"{case.__name__.replace('_', ' '):40} {time.monotonic() - begin:6.1f} s  {verdict}", flush=True)
        balances = instance.ask("/api/v1/status")["balances"]
        if not all(one["holds"] for one in balances):
            print(f"the sums do not hold: {balances}")
            code = 1
    finally:
        instance.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
