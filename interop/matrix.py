"""Runs the tests that the rows of a matrix name, and prints each row with what came of it. Ends with 1 where a row fails. Rows
that another command proves say which."""

import re
import subprocess
import sys

SUITES = [["--lib"], ["--test", "as2"], ["--test", "service"]]
OUTCOME = re.compile(r"^test (?:.*::)?(\w+) \.\.\. (\w+)", re.MULTILINE)

rows = [line.rstrip("\n").split("\t") for line in open(sys.argv[1], encoding="utf-8")]
wanted = sorted({test for _, _, tests in rows for test in tests.split(",") if not test.startswith("make ")})
came = {}
for suite in SUITES:
    command = ["cargo", "test", "--locked", "--no-fail-fast", *suite, "--", *wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    came.update(OUTCOME.findall(done.stdout))
    if done.returncode not in (0, 101):
        sys.exit(done.stderr)
failed = 0
for number, what, tests in rows:
    told = [test if test.startswith("make ") else f"{test} {came.get(test, 'NOT RUN')}" for test in tests.split(",")]
    is_well = all(test.startswith("make ") or test.endswith(" ok") for test in told)
    failed += not is_well
    print(f"{number:>2}  {'ok    ' if is_well else 'FAILED'}  {what}\n            " + "\n            ".join(told))
print(f"\n{len(rows) - failed} of {len(rows)} rows hold")
sys.exit(1 if failed else 0)
