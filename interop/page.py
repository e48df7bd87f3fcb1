"""Turns rows (house, way, row, expected, seen) into docs/AS2-INTEROP.md: counts, the rows that differ, then every row.
`absent` are houses that could not be had, as HOUSE=REASON. Ends with 1 when a row differs or there is none."""

import sys

WAYS = {"in": "It sends, we answer", "out": "We send, it answers"}

rows_file, commit, absent = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(rows_file, encoding="utf-8") as file:
    rows = [line.rstrip("\n").split("\t") for line in file]
differ = [row for row in rows if row[3] != row[4]]


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


print("# AS2 against implementations of other houses\n")
print(f"Written by `make as2-interop` on commit {commit}. The real binary has an AS2 pair whose partner is another house, both")
print("ways, with receipts in the answer. Each row says what was expected and is compared with what was seen: what the")
print("receiver found the message to be, whether it has the payload of the sender byte for byte, and what the sender read in the")
print("receipt. Where a house is known to fail, the row expects that, and its name says why.\n")
print("| house | way | rows | as expected |\n|---|---|---|---|")
for house in dict.fromkeys(row[0] for row in rows):
    for way, told in WAYS.items():
        own = [row for row in rows if row[:2] == [house, way]]
        print(f"| {house} | {told} | {len(own)} | {sum(row[3] == row[4] for row in own)} |")
for one in absent:
    house, reason = one.split("=", 1)
    print(f"\n{house} did not run: {reason}.")
if differ:
    print("\n## Not as expected\n\n| house | way | row | expected | seen |\n|---|---|---|---|---|")
    for house, way, name, expected, seen in differ:
        print(f"| {house} | {way} | {cell(name)} | {cell(expected)} | {cell(seen)} |")
for house in dict.fromkeys(row[0] for row in rows):
    for way, told in WAYS.items():
        print(f"\n## {house}: {told[0].lower()}{told[1:]}\n\n| row | seen |\n|---|---|")
        for name, _, seen in (row[2:] for row in rows if row[:2] == [house, way]):
            print(f"| {cell(name)} | {cell(seen)} |")
sys.exit(1 if differ or not rows else 0)
