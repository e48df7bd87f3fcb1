"""Reads X12 files with pyx12's reader, which checks envelopes, counts and control numbers; prints reader, file and
verdict, tab-separated."""

import sys

from pyx12.x12file import X12Reader


def verdict(path: str) -> str:
    reader = X12Reader(path)
    errors = []
    for _ in reader:
        errors += reader.pop_errors()
    reader.cleanup()
    errors += reader.pop_errors()
    return "ok" if not errors else "; ".join(str(error) for error in errors)


for name in sys.argv[1:]:
    try:
        said = verdict(name)
    except Exception as error:  # whatever it stumbles over is its verdict
        said = f"{type(error).__name__}: {error}".splitlines()[0]
    print("pyx12", name, said, sep="\t")
