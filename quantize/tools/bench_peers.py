#!/usr/bin/env python3
"""Runs ONNX Runtime on one thread, as engines of the bench, in a process of its own.

    bench_peers.py CASES.json NAME=MODEL.onnx...

Each line {"engine": NAME, "case": index, "seconds": s} on standard input is a request. The tool
calls the engine with the case's token ids until `s` seconds have passed, but at least three times,
after one call that is not counted. It answers with one line {"ms": [..], "floats": [[..]]}: the
milliseconds of each call, and for each sequence the mean of its hidden states over the tokens.
"""
import argparse
import json
import sys
import time

from cli import BadUsage, run
from ort_engine import ENCODER_INPUTS, feed, session

LEAST_CALLS = 3


def turn(encoder, ids, seconds):
    """Calls `encoder` with `ids` [batch, n] for `seconds`; returns the answer to a request."""
    inputs = feed(ids)
    hidden = encoder.run(None, inputs)[0]
    times, begun = [], time.perf_counter()
    while time.perf_counter() - begun < seconds or len(times) < LEAST_CALLS:
        start = time.perf_counter()
        hidden = encoder.run(None, inputs)[0]
        times.append(time.perf_counter() - start)
    return {"ms": [1e3 * t for t in times], "floats": hidden.mean(axis=1).tolist()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", metavar="CASES.json")
    parser.add_argument("models", metavar="NAME=MODEL.onnx", nargs="+")
    args = parser.parse_args()
    engines = {}
    for each in args.models:
        name, equals, path = each.partition("=")
        if not equals:
            raise BadUsage(f"{each!r} is not NAME=MODEL.onnx")
        engines[name] = session(path, inputs=ENCODER_INPUTS)
    with open(args.cases, encoding="utf-8") as file:
        cases = json.load(file)
    for line in sys.stdin:
        question = json.loads(line)
        answer = turn(engines[question["engine"]], cases[question["case"]]["ids"], question["seconds"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    run(main)
