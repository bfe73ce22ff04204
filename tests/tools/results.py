#!/usr/bin/env python3
"""Copies the reports of the measuring tools into the RESULTS.md files.

    results.py TARGET [KIND]...

TARGET is the build folder in which `make sim-report`, `synth`, `bench`, `eval` and `start-up` leave
their JSON reports. Each KIND (default: every kind that has a report) owns the lines between the
markers `<!-- KIND -->` and `<!-- /KIND -->` of one RESULTS.md: they are replaced by a line that
says when and on what the report was measured, and by its table. `bench` also copies its plot.

A report that lacks a value of the present table is of a partial measurement and is refused, so that
one table is always one measurement. Delete a value by hand if it is no longer measured.
"""
import datetime
import json
import os
import shutil
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = {"native": "native", "wasmtime": "wasmtime", "chromium": "Chromium", "node": "Node"}
ENGINES = {
    "lockstep": "Lockstep",
    "lockstep-epochs": "Lockstep, with Spin's epochs",
    "lockstep-strict": "Lockstep, strict SIMD",
    "strict-epochs": "Lockstep, strict SIMD, with Spin's epochs",
    "ort-int8": "ONNX Runtime, dynamic int8",
    "ort-fp32": "ONNX Runtime, fp32",
    "ort-web-int8": "onnxruntime-web, dynamic int8",
    "ort-web-fp32": "onnxruntime-web, fp32",
    "rten-int8": "rten, the same int8 file",
    "tract-int8": "stock tract, dynamic int8",
    "tract-fp32": "stock tract, fp32",
}
SYSTEMS = {"fp32": "fp32", "lockstep": "Lockstep", "ort-int8": "ONNX Runtime, dynamic int8"}


class Refused(Exception):
    """A report or a document that cannot be used. The text says why."""


def three_digits(value):
    """Milliseconds with three significant digits: 0.93, 15.9, 239."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def sim_report(reports):
    """Cycles of the real model on the simulated card."""
    rows = [["array", "scope", "sequences", "tokens", "cycles", "utilisation", "simulated kHz"]]
    for report in reports:
        for row in report["rows"]:
            if not row["bit_equal"]:
                raise Refused(f"sim-report: the card's integers differ from the reference: {row}")
            scope = "products" if row["scope"] == "gemm" else row["scope"]
            share = f"{100 * row['utilisation']:.1f} %"
            cells = [row["array"], scope, row["batch"], row["tokens"], f"{row['cycles']:,}", share, f"{row['khz']:.0f}"]
            rows.append(cells)
    return 4, rows


def synth(reports):
    """Size and clock of the RTL's modules."""
    rows = [["module", "N or width", "ECP5 LUT", "FF", "DSP", "BRAM", "MHz", "Xilinx LUT", "FF", "DSP", "BRAM"]]
    for report in reports:
        for row in report["rows"]:
            size = row["parameters"].split(",")[0].partition("=")[2]
            cells = [f"{int(cell):,}" if cell.isdigit() else cell for cell in [*row["ecp5"], row["mhz"], *row["xilinx"]]]
            rows.append([f"`{row['module']}`", size, *cells])
    return 2, rows


def bench(reports):
    """Median milliseconds beside the peers; in brackets how many times faster Lockstep is."""
    rows = [row for report in reports for row in report["rows"]]
    cases = list(dict.fromkeys((row["batch"], row["n"]) for row in rows))
    entries = list(dict.fromkeys((row["where"], row["engine"]) for row in rows))
    ms = {(row["where"], row["engine"], row["batch"], row["n"]): row["ms"] for row in rows}
    table = [["where", "engine", *(f"n={n}" if batch == 1 else f"{batch} x {n}" for batch, n in cases)]]
    for where, engine in sorted(entries, key=lambda entry: (list(PLACES).index(entry[0]), list(ENGINES).index(entry[1]))):
        cells = []
        for case in cases:
            value, ours = ms.get((where, engine, *case)), ms.get((where, "lockstep", *case))
            ratio = f" ({value / ours:.2f})" if value and ours and not engine.startswith("lockstep") else ""
            cells.append(three_digits(value) + ratio if value else "-")
        table.append([PLACES[where], ENGINES[engine], *cells])
    return 2, table


def evaluation(reports):
    """Accuracy and cosines to fp32."""
    (report,) = reports
    systems, metrics = report["systems"], report["metrics"]
    table = [["metric", *(SYSTEMS.get(system, system) for system in systems)]]
    for metric, values in metrics.items():
        if metric.endswith(" cosine, min"):
            continue
        name, cells = metric, []
        least = metrics.get(metric.removesuffix("mean") + "min", {})
        for system in systems:
            value = values.get(system)
            if value is None:
                cells.append("")
            elif metric.endswith(" cosine, mean"):
                name = f"{metric.removesuffix(' cosine, mean')}, cosine to fp32, mean / least"
                cells.append(f"{value:.4f} / {least[system]:.4f}")
            else:
                cells.append(f"{value:.2f}")
        table.append([name, *cells])
    return 1, table


def start_up(reports):
    """Milliseconds until an engine can score."""
    rows = [[row["what"], f"{row['median']:.2f}", f"{row['least']:.2f}"] for report in reports for row in report["rows"]]
    return 1, [["milliseconds", "median", "least"], *rows]


PLOT = "tests/bench/speed.svg"
# The file that holds the table, the reports below TARGET, and the function that makes (number of
# columns that name a row, rows with the head first) of them.
KINDS = {
    "sim-report": ("hdl-sim/RESULTS.md", ["sim/report.json"], sim_report),
    "synth": ("hdl-sim/RESULTS.md", ["synth/report.json"], synth),
    "bench": ("tests/RESULTS.md", ["bench/report.json"], bench),
    "eval": ("tests/RESULTS.md", ["eval/report.json"], evaluation),
    "start-up": ("tests/RESULTS.md", ["start-up/module.json", "start-up/component.json"], start_up),
}


def markdown(rows):
    """Lines of a table whose first row is the head."""
    head, *rest = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return [head, "|" + "---|" * len(rows[0]), *rest]


def cells_of(lines, columns):
    """{the first cells of a row: the other cells} of a table of Markdown."""
    table = [line[1:-1].split("|") for line in lines if line.startswith("|")]
    rows = [tuple(cell.strip() for cell in row) for row in table[2:]]
    return {row[:columns]: row[columns:] for row in rows}


def replaced(text, kind, where, columns, rows):
    """`text` with the table of `kind` made of `rows`."""
    begin, end = f"<!-- {kind} -->\n", f"<!-- /{kind} -->\n"
    before, found, rest = text.partition(begin)
    present, closed, after = rest.partition(end)
    if not (found and closed):
        raise Refused(f"{kind}: the document has no lines {begin.strip()} and {end.strip()}")
    table = markdown(rows)
    have = cells_of(table, columns)
    lacking = [
        ", ".join(name)
        for name, cells in cells_of(present.splitlines(), columns).items()
        if name not in have or any(new == "-" != old for new, old in zip(have[name], cells))
    ]
    if lacking:
        raise Refused(f"{kind}: the report lacks values of the present table: {'; '.join(lacking)}")
    return f"{before}{begin}{where}\n\n" + "\n".join(table) + f"\n{end}{after}"


def processor():
    """The processor's name, and how many cores the machine has."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return f"{names[0] if names else 'an unnamed processor'}, {os.cpu_count()} cores"


def update(target, kind, root):
    """Replaces the table of one kind. True if there were reports."""
    document, reports, rows_of = KINDS[kind]
    paths = [os.path.join(target, report) for report in reports]
    if not any(map(os.path.exists, paths)):
        return False
    contents = []
    for path in paths:
        try:
            with open(path, encoding="utf-8") as file:
                contents.append(json.load(file))
        except (OSError, ValueError) as error:
            raise Refused(f"{kind}: {path}: {error}") from error
    day = datetime.date.fromtimestamp(max(map(os.path.getmtime, paths)))
    try:
        columns, rows = rows_of(contents)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"{kind}: {paths[0]} is no report of this tool: {error!r}") from error
    path = os.path.join(root, document)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = replaced(text, kind, f"Measured on {day} on {processor()}.", columns, rows)
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)
    plot = paths[0].removesuffix("json") + "svg"
    if kind == "bench" and os.path.exists(plot):
        shutil.copyfile(plot, os.path.join(root, PLOT))
    print(f"{kind}: {len(rows) - 1} rows to {document}")
    return True


def main(arguments, root=ROOT):
    if not arguments or not set(arguments[1:]) <= set(KINDS):
        raise Refused(f"usage: results.py TARGET [KIND]...; kinds: {', '.join(KINDS)}")
    target, kinds = arguments[0], arguments[1:]
    updated, refused = 0, []
    for kind in kinds or KINDS:
        try:
            found = update(target, kind, root)
            updated += found
            if kinds and not found:
                raise Refused(f"{kind}: {target} has no report: run `make {kind}` first")
        except Refused as error:
            refused.append(str(error))
    if refused:
        raise Refused("\n".join(refused))
    if not updated:
        raise Refused(f"{target} has no report: run `make {'`, `make '.join(KINDS)}` first")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Refused as error:
        sys.exit(f"results: {error}")
