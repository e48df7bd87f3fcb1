"""Reads EDIFACT files with pydifact; prints reader, file and verdict, tab-separated. `ok` means: it reads, the message
is of the type in the file's name, and it has as many segments as UNT claims."""

import sys

from pydifact.segmentcollection import Interchange


def verdict(path: str) -> str:
    with open(path, "rb") as file:
        text = file.read().decode("latin-1")
    messages = list(Interchange.from_str(text).get_messages())
    if len(messages) != 1:
        return f"{len(messages)} messages"
    message = messages[0]
    claimed = text[text.rindex("UNT+") + 4 :].split("+")[0]
    if len(message.segments) + 2 != int(claimed):
        return f"{len(message.segments) + 2} segments, UNT claims {claimed}"
    wanted = path.rsplit(".", 1)[1]
    return "ok" if message.type == wanted else f"read as {message.type}"


for name in sys.argv[1:]:
    try:
        said = verdict(name)
    except Exception as error:  # whatever it stumbles over is its verdict
        said = f"{type(error).__name__}: {error}".splitlines()[0]
    print("pydifact", name, said, sep="\t")
