"""Line and toggle coverage of every module of the RTL, merged over all simulations.

    coverage.py FOLDER

FOLDER contains the files that simulations write with LOCKSTEP_COVERAGE=FOLDER. A point is one block
of statements (an `if` without `else` has a second, empty one) or one direction of one bit. A point
is covered if any instance reached it in any simulation.

Blocks that no simulation reached are listed. Each must be in coverage.txt, with the reason. The
exit code is 1 if one is missing there, or if a simulation reached a block that is there. Bits are
only reported: by module, and by signal if less than 95 % of a module's bits toggle.
"""

import collections
import pathlib
import re
import sys

GOAL = 95.0
HERE = pathlib.Path(__file__).resolve().parent
RTL = HERE.parent / "rtl"


def points(path):
    """(kind, module, location) and count of every point in a file."""
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
        yield (kind, module, (fields["f"].split("/rtl/")[-1], int(fields["l"]), int(fields.get("n", 0)), fields.get("o", ""))), int(match[2])


def waivers():
    """The reason for each block that no simulation needs to reach: {(file, line's text, kind):
    reason}."""
    found = {}
    for line in (HERE / "coverage.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            file, text, kind, reason = (part.strip() for part in line.split(" ¦ "))
            found[file, text, kind] = reason
    return found


def main():
    counts = collections.Counter()
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.dat"))
    for path in files:
        for point, count in points(path):
            counts[point] += count
    table = collections.defaultdict(lambda: {"line": [0, 0], "toggle": [0, 0]})
    missed, quiet = set(), collections.defaultdict(collections.Counter)
    for (kind, module, place), count in counts.items():
        cell = table[module][kind]
        cell[0] += count > 0
        cell[1] += 1
        if count == 0 and kind == "line":
            missed.add((place[0], place[1], place[3]))
        elif count == 0:
            quiet[module][re.sub(r"\[\d+\]", "", place[3])] += 1

    def share(cell):
        return 100.0 * cell[0] / cell[1] if cell[1] else 100.0

    print(f"{len(files)} simulations\n{'module':<22} {'line %':>8} {'points':>7} {'toggle %':>9} {'points':>7}")
    for module, kinds in sorted(table.items()):
        line, toggle = kinds["line"], kinds["toggle"]
        print(f"{module:<22} {share(line):8.1f} {line[1]:7} {share(toggle):9.1f} {toggle[1]:7}")
    total = [[sum(k[kind][i] for k in table.values()) for i in (0, 1)] for kind in ("line", "toggle")]
    print(f"{'all':<22} {share(total[0]):8.1f} {total[0][1]:7} {share(total[1]):9.1f} {total[1][1]:7}")
    for module, signals in sorted(quiet.items()):
        if share(table[module]["toggle"]) < GOAL:
            print(f"bits of {module} that do not toggle: " + ", ".join(f"{name} {n}" for name, n in signals.most_common(8)))

    reasons, used, failed = waivers(), set(), not files
    for name, line, kind in sorted(missed):
        text = (RTL / name).read_text(encoding="utf-8").splitlines()[line - 1].strip()
        if (name, text, kind) in reasons:
            used.add((name, text, kind))
            print(f"explained: {name}:{line} ({kind}): {reasons[name, text, kind]}")
        else:
            failed = True
            print(f"NOT REACHED: {name}:{line} ({kind}): {text}")
    for name, text, kind in sorted(reasons.keys() - used):
        failed = True
        print(f"EXPLAINED BUT REACHED, or not there: {name} ({kind}): {text}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
