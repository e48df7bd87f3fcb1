"""Turns verdicts (reader, file, verdict) into docs/ORACLES.md: a table of counts, then every verdict that is not ok with
its reason (oracles/reasons.tsv). A verdict without a reason fails, and so does a reason that no verdict needs."""

import re
import sys
from collections import defaultdict

# Behind the type of a document that was not written by us.
INPUT, CHANGED = " as it came", " changed"
# Files that are named with one verdict.
NAMED_MAX = 40

verdicts, commit, reasons = sys.argv[1], sys.argv[2], sys.argv[3]
with open(reasons, encoding="utf-8") as file:
    known = [line.rstrip("\n").split("\t", 2) for line in file if not line.startswith("#")]


def kind_of(path: str) -> str:
    """The document type that was written, or that an input is of, as it came or changed in one place."""
    if "/out." in path:
        standard, *version, document = path.rsplit("out.", 1)[1].split(".")
        return f"{standard}/{'.'.join(version)}/{document}"
    before, inside = path.split("fixtures/", 1)
    return "/".join(inside.split("/")[:3]) + (CHANGED if before else INPUT)


counts = defaultdict(lambda: [0, 0])
others = defaultdict(list)
with open(verdicts, encoding="utf-8") as file:
    for line in file:
        reader, path, said = line.rstrip("\n").split("\t", 2)
        kind = kind_of(path)
        if said == "not judged":
            continue
        counts[kind, reader][0] += said == "ok"
        counts[kind, reader][1] += 1
        if said != "ok":
            others[reader, said].append(path)
readers = sorted({reader for _, reader in counts})
kinds = sorted({kind for kind, _ in counts if not kind.endswith((INPUT, CHANGED))})
print("# What readers of other houses say of what we encode\n")
print(f"Written by `make oracles` on commit {commit}: every `out.*` of `fixtures/`, accepted of judged.\n")
print("| document type | " + " | ".join(readers) + " |")
print("|---|" + "---|" * len(readers))
for kind in kinds:
    cells = [counts.get((kind, reader)) for reader in readers]
    print(f"| {kind} | " + " | ".join(f"{ok} of {all}" if all else "–" for ok, all in (cell or (0, 0) for cell in cells)) + " |")
print("\nOf UBL, inputs too, as they came and changed in one place each: how many get the same verdict from the schemas of OASIS and")
print("from `portolan validate`.\n")
print("| document type | as it came | changed |\n|---|---|---|")
for kind in sorted({kind.removesuffix(INPUT) for kind, _ in counts if kind.endswith(INPUT)}):
    cells = ["{} of {}".format(*counts[kind + suffix, "libxml2"]) for suffix in (INPUT, CHANGED)]
    print(f"| {kind} | " + " | ".join(cells) + " |")
print("\n`pydifact` reads and counts; `pyx12` reads and checks envelopes, counts and control numbers; `node-x12` reads and")
print("writes the same again; `x12-types` places each segment of a 005010 document and writes the same again;")
print("`libxml2` holds UBL against the schemas of OASIS. Where it and `portolan validate` say the same of what we wrote, and both find")
print("something, the service would not have sent it: that is no acceptance, and stands below.\n")
unexplained, used = [], set()
if others:
    print("## Not accepted, and why\n")
    by_reason = defaultdict(list)
    for (reader, said), paths in sorted(others.items()):
        found = [at for at, (who, pattern, _) in enumerate(known) if who == reader and re.search(pattern, said)]
        if found:
            used.add(found[0])
            by_reason[found[0]].append((said, sorted(paths)))
        else:
            unexplained.append(f"{reader}: {said}")
    for at in sorted(by_reason):
        reader, _, why = known[at]
        print(f"**{reader}.** {why}\n")
        for said, paths in by_reason[at]:
            names = [f"`{path.split('fixtures/', 1)[1]}`" for path in paths]
            more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
            print(f"- {said}\n  " + ", ".join(names[:NAMED_MAX]) + more)
        print()
needless = [f"{reader}: {pattern}" for at, (reader, pattern, _) in enumerate(known) if at not in used]
for lines, what in [(unexplained, "no reason in oracles/reasons.tsv for"), (needless, "no verdict needs")]:
    for line in lines:
        print(f"{what} {line}", file=sys.stderr)
sys.exit(1 if unexplained or needless else 0)
