"""usage: wiring.py FOLDER...: which share of the SystemVerilog below the folders is wiring.

A line counts if it is neither blank nor a comment. A line is wiring if it begins with `input`,
`output` or `logic`, or with a connection: `.name(`, `.name,`, `.name` or `.*`. The tool prints the
share of each file with more than 40 wiring lines, then the share of all files. Exit code 1 if the
share of all files is above LIMIT percent.
"""

import pathlib
import re
import sys

LIMIT = 36.0
WIRING = re.compile(r"(input|output|logic)\b|\.\*|\.\w+\s*(\(|,|$)")


def count(path):
    """Wiring lines and all lines of a file."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    code = [line for line in lines if line and not line.startswith("//")]
    return sum(WIRING.match(line) is not None for line in code), len(code)


def main():
    files = sorted(path for folder in sys.argv[1:] for path in pathlib.Path(folder).rglob("*.sv"))
    counts = {path: count(path) for path in files}
    for path, (wiring, lines) in sorted(counts.items(), key=lambda item: -item[1][0]):
        if wiring > 40:
            print(f"{wiring:5} of {lines:5}  {path.name}")
    wiring, lines = (sum(part[i] for part in counts.values()) for i in (0, 1))
    if not lines:
        print("wiring.py: no SystemVerilog below " + " ".join(sys.argv[1:]))
        return 1
    share = 100 * wiring / lines
    print(f"wiring: {wiring} of {lines} lines, {share:.2f} %, at most {LIMIT} %")
    return 1 if share > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
