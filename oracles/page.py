"""Turns verdicts (reader, file, verdict) into docs/ORACLES.md: a table of counts, then every verdict that is not ok."""

import sys
from collections import defaultdict

verdicts, commit = sys.argv[1], sys.argv[2]
counts = defaultdict(lambda: [0, 0])
others = defaultdict(list)
with open(verdicts, encoding="utf-8") as file:
    for line in file:
        reader, path, said = line.rstrip("\n").split("\t", 2)
        kind = path.rsplit("out.", 1)[1].replace(".", "/")
        if said == "not judged":
            continue
        counts[kind, reader][0] += said == "ok"
        counts[kind, reader][1] += 1
        if said != "ok":
            others[reader, said].append(path)
readers = sorted({reader for _, reader in counts})
kinds = sorted({kind for kind, _ in counts})
print("# What readers of other houses say of what we encode\n")
print(f"Written by `make oracles` on commit {commit}: every `out.*` of `fixtures/`, accepted of judged.\n")
print("| document type | " + " | ".join(readers) + " |")
print("|---|" + "---|" * len(readers))
for kind in kinds:
    cells = [counts.get((kind, reader)) for reader in readers]
    print(f"| {kind} | " + " | ".join(f"{ok} of {all}" if all else "–" for ok, all in (cell or (0, 0) for cell in cells)) + " |")
print("\n`pydifact` reads and counts; `pyx12` reads and checks envelopes, counts and control numbers; `node-x12` reads and")
print("writes the same again; `x12-types` places each segment of a 005010 document and writes the same again.\n")
if others:
    print("## Not accepted\n")
    for (reader, said), paths in sorted(others.items()):
        print(f"- {reader}: {said}\n  " + ", ".join(f"`{path.removeprefix('fixtures/')}`" for path in sorted(paths)))
