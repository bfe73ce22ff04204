"""usage: coverage.py FOLDER: line and toggle coverage of every module of the RTL, merged over all simulations.

FOLDER holds the files that simulations write with LOCKSTEP_COVERAGE=FOLDER. A point is one block of statements, or one
direction of one bit; it counts as covered when any instance in any simulation reached it. Blocks that none reached are
listed below the table. Exit code 1 where a module has less than 95 % of its lines.
"""

import collections
import pathlib
import re
import sys

GOAL = 95.0


def points(path):
    """(kind, module, place) and count of every point of a file."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        match = re.match(r"C '(.*)' (\d+)$", line)
        if not match:
            continue
        fields = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
        kind, _, module = fields.get("page", "").partition("/")
        if not module.startswith("ls_"):
            continue
        kind = "toggle" if kind == "v_toggle" else "line"
        module = module.split("__")[0]
        yield (kind, module, (fields["f"], int(fields["l"]), int(fields.get("n", 0)), fields.get("o", ""))), int(match[2])


def main():
    folder = pathlib.Path(sys.argv[1])
    counts = collections.Counter()
    files = sorted(folder.glob("*.dat"))
    for path in files:
        for point, count in points(path):
            counts[point] += count
    table = collections.defaultdict(lambda: {"line": [0, 0], "toggle": [0, 0]})
    missed = []
    for (kind, module, place), count in counts.items():
        cell = table[module][kind]
        cell[0] += count > 0
        cell[1] += 1
        if kind == "line" and count == 0:
            missed.append((place[0].split("/hdl-sim/")[-1], place[1], place[3]))

    def share(cell):
        return 100.0 * cell[0] / cell[1] if cell[1] else 100.0

    print(f"{len(files)} simulations\n{'module':<22} {'line %':>8} {'points':>7} {'toggle %':>9} {'points':>7}")
    low = []
    for module, kinds in sorted(table.items()):
        line, toggle = kinds["line"], kinds["toggle"]
        if share(line) < GOAL:
            low.append(module)
        print(f"{module:<22} {share(line):8.1f} {line[1]:7} {share(toggle):9.1f} {toggle[1]:7}")
    total = [[sum(k[kind][i] for k in table.values()) for i in (0, 1)] for kind in ("line", "toggle")]
    print(f"{'all':<22} {share(total[0]):8.1f} {total[0][1]:7} {share(total[1]):9.1f} {total[1][1]:7}")
    for name, line, what in sorted(set(missed)):
        print(f"not reached: {name}:{line} ({what})")
    if low:
        print(f"below {GOAL} % of lines: {' '.join(low)}")
    return 1 if low or not files else 0


if __name__ == "__main__":
    sys.exit(main())
