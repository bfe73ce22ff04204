"""Plants one mistake after the other in a copy of the RTL, and runs the bench that must notice it.

    mutants.py RTL-FOLDER OUT [WORD]...

mutants.txt lists the mistakes: `== FILE TEST [FILTER]`, the text as it is, `--`, the text with the
mistake. With WORDs, only the mistakes whose file or test contains one of them are planted. The exit
code is 1 if a mistake stays unnoticed, or if a text is not in its file exactly once.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys


def mutants(path):
    """(file, test, filter, text, text with the mistake) of each entry."""
    for part in path.read_text(encoding="utf-8").split("\n== ")[1:]:
        head, _, body = part.partition("\n")
        before, _, after = body.partition("\n--")
        file, test, *names = head.split()
        yield file, test, names, before, after.strip("\n")


def build():
    """Builds the benches. Returns {name: path of the program}."""
    command = ["cargo", "test", "--locked", "--release", "-p", "lockstep-hdl-sim", "--tests", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines if line.startswith("{")]
    return {m["target"]["name"]: m["executable"] for m in messages if m.get("executable")}


def main():
    here = pathlib.Path(__file__).resolve().parent
    source, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    words = sys.argv[3:]
    copy = out / "hdl-sim"
    environment = dict(os.environ, LOCKSTEP_HDL_SOURCES=str(copy))
    binaries = build()
    unnoticed, count = [], 0
    for file, test, names, before, after in mutants(here / "mutants.txt"):
        name = f"{file}: {before.strip().splitlines()[0].strip()} -> {after.strip().splitlines()[0].strip() if after.strip() else 'nothing'}"
        if words and not any(word in file or word in test or word in names for word in words):
            continue
        count += 1
        shutil.rmtree(copy, ignore_errors=True)
        for folder in ("rtl", "bench"):
            shutil.copytree(source / folder, copy / folder)
        path = copy / "rtl" / file
        text = path.read_text(encoding="utf-8")
        if text.count(before) != 1:
            print(f"STALE      {name}", flush=True)
            unnoticed.append(name)
            continue
        path.write_text(text.replace(before, after), encoding="utf-8")
        command = [binaries[test], *names]
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        output = run.stdout + run.stderr
        # A mistake that does not compile proves nothing.
        built = "verilator" not in output or "%Error" not in output or "Assertion failed" in output
        if run.returncode != 0 and "test result: FAILED" in output and built:
            lines = [line for line in output.splitlines() if "panicked at" in line or "Assertion failed" in line]
            print(f"noticed    {name}\n           {test} {' '.join(names)}: {lines[0].strip()[:140] if lines else ''}", flush=True)
        else:
            print(f"UNNOTICED  {name}\n{output[-600:] if run.returncode else ''}", flush=True)
            unnoticed.append(name)
    shutil.rmtree(copy, ignore_errors=True)
    print(f"{count} mistakes, {len(unnoticed)} unnoticed")
    return 1 if unnoticed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
