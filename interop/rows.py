"""The rows of `make as2-interop`: each message of another house is posted to ours, and each of ours is opened by the house,
and what is seen is held against what is expected. Rows come out as tab-separated lines: house, way, row, expected, seen.

A house is a module with `NAME`, `incoming(keys)` and `outgoing()` that give rows, and `House(keys, folder)` with
  make(row, content, message_id) -> header lines, body, what it has to remember of it
  receipt(remembered, header lines, body) -> what it reads in our receipt
  open(row, header lines, body) -> what it finds, the payload, header lines and body of its receipt"""

import http.server
import importlib
import os
import re
import shutil
import sys
import threading
import traceback

from instance import Instance, Keys, PATIENCE

HERE = os.path.dirname(os.path.abspath(__file__))


class Listener(http.server.ThreadingHTTPServer):
    """Takes what we send, and has the house answer it."""

    def __init__(self, house):
        super().__init__(("127.0.0.1", 0), Taker)
        self.house, self.row, self.found = house, None, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/as2"


class Taker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):  # noqa: N802, the name is the library's
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = list(self.headers.items())
        try:
            seen, payload, answer, content = self.server.house.open(self.server.row, lines, body)
        except Exception as error:  # The row tells it.
            traceback.print_exc()
            seen, payload, answer, content = f"{type(error).__name__}: {error}", b"", [], b""
        self.server.found[self.headers["Message-ID"]] = (seen, payload)
        self.send_response(200)
        for name, value in answer:
            self.send_header(name, " ".join(value.split()))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def one_line(text):
    """Without line ends, and with digests named only: they are others each time."""
    return re.sub(r"[A-Za-z0-9+/]{27,}={0,2}", "DIGEST", " ".join(str(text).split()))


def compared(found, sent):
    if found == sent:
        return "the same payload"
    if found.replace(b"\r\n", b"\n") == sent.replace(b"\r\n", b"\n"):
        return "the same payload but for line ends"
    return "another payload" if found else "no payload"


def incoming(house, instance, row, at):
    """Its message, our receipt."""
    message_id = f"<{house.NAME}-{at}@interop>"
    lines, body, remembered = house.make(row, row["content"], message_id)
    # A server of its own has ids of its own.
    message_id = next(value for name, value in lines if name.lower() == "message-id")
    status, answered, receipt = instance.post(lines, body)
    layers, payload, reason = instance.received(message_id)
    same = compared(payload, row["content"])
    told = reason or "; ".join([", ".join(layers) or "plain", same])
    read = house.receipt(remembered, answered, receipt) if status == 200 else f"status {status}"
    return one_line(f"{told}; {read}")


def outgoing(listener, instance, row):
    """Our message, its receipt."""
    instance.goes(row["way"], row.get("key", "our-rsa"), row.get("to", "their-rsa"))
    listener.row = row
    delivery, content = instance.send()
    seen, payload = listener.found.get(f"<{delivery['delivery_id']}@portolan>", ("nothing came", b""))
    same = compared(payload, content)
    state = delivery["state"] if delivery["state"] == "delivered" else f"{delivery['state']}: {delivery['reason']}"
    return one_line(f"{seen}; {same}; {state}")


def tell(house, way, row, seen):
    print("\t".join((house, way, row["name"], one_line(row["expected"]), seen)), flush=True)


def guarded(judge):
    """What a row shows, were it a failure of this program."""
    try:
        return judge()
    except Exception as error:  # The row tells it, and the next one runs.
        traceback.print_exc()
        return one_line(f"{type(error).__name__}: {error}")


def main(binary, folder, names):
    for name in names:
        module = importlib.import_module(name)
        own = os.path.join(folder, name)
        shutil.rmtree(own, ignore_errors=True)
        os.makedirs(own)
        keys = Keys(os.path.join(own, "keys"))
        house = module.House(keys, own)
        listener = Listener(house)
        instance = Instance(binary, os.path.join(own, "data"), keys, listener.url)
        try:
            for at, row in enumerate(module.incoming()):
                tell(module.NAME, "in", row, guarded(lambda: incoming(house, instance, row, at)))
            for row in module.outgoing():
                tell(module.NAME, "out", row, guarded(lambda: outgoing(listener, instance, row)))
        finally:
            instance.close()
            listener.shutdown()
            house.close()


if __name__ == "__main__":
    sys.path.insert(0, HERE)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
