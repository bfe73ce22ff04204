#!/usr/bin/env python3
"""Times ONNX Runtime on one sequence with one thread, the fp32 graph and its dynamic int8 form.

    bench_peers.py [--fp32 FP32.onnx] [--int8 INT8.onnx] [--lengths 16,32,64,128] [--rounds 5] [--out JSON]

One time is one call of the encoder, token ids in, hidden states out. In every round each engine takes its turn at each
length, so that a change of the machine's pace meets all of them; over all rounds an engine gets at least 20 calls and
1 second a length, after 5 calls of warm-up in each turn. The median of all calls is reported in milliseconds.
A driver that wants other engines in between calls this tool with --rounds 1 as often as it likes.
"""
import argparse
import json
import math
import statistics
import time

from cli import BadUsage, run
from ort_engine import ENCODER_INPUTS, feed, session
from splitmix import SplitMix64

WARM_UP, LEAST_CALLS, LEAST_SECONDS = 5, 20, 1.0


def timed_calls(call, least_calls, least_seconds):
    """Seconds of each call, after the warm-up."""
    for _ in range(WARM_UP):
        call()
    times = []
    while len(times) < least_calls or sum(times) < least_seconds:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def bench(engines, lengths, rounds):
    """{engine: session} -> rows of the report. Token ids are drawn below 300: every vocabulary has these."""
    times = {(name, n): [] for name in engines for n in lengths}
    for _ in range(rounds):
        for n in lengths:
            inputs = feed((SplitMix64(n).words(n) % 300).reshape(1, n))
            for name, encoder in engines.items():
                turn = timed_calls(lambda: encoder.run(None, inputs), math.ceil(LEAST_CALLS / rounds), LEAST_SECONDS / rounds)
                times[name, n] += turn
    return [
        {"where": "native", "engine": name, "batch": 1, "n": n, "ms": round(1e3 * statistics.median(calls), 4), "calls": len(calls)}
        for (name, n), calls in times.items()
    ]


def positive_ints(text):
    """`16,32` -> [16, 32]."""
    try:
        values = [int(part) for part in text.split(",")]
    except ValueError:
        values = [0]
    if min(values) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of positive numbers such as 16,32")
    return values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fp32", metavar="FP32.onnx")
    parser.add_argument("--int8", metavar="INT8.onnx")
    parser.add_argument("--lengths", type=positive_ints, default=[16, 32, 64, 128], help="tokens, by commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", metavar="JSON")
    args = parser.parse_args()
    paths = {name: path for name, path in (("ort-fp32", args.fp32), ("ort-int8", args.int8)) if path}
    if not paths:
        raise BadUsage("nothing to time: give --fp32, --int8 or both")
    if args.rounds < 1:
        raise BadUsage(f"--rounds {args.rounds}: at least 1")
    engines = {name: session(path, inputs=ENCODER_INPUTS) for name, path in paths.items()}
    rows = bench(engines, args.lengths, args.rounds)
    print("engine     " + "".join(f"{f'n={n}':>10}" for n in args.lengths) + "   (ms, median)")
    for name in engines:
        print(f"{name:11}" + "".join(f"{row['ms']:10.3f}" for row in rows if row["engine"] == name))
    if args.out:
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump({"rows": rows}, file, indent=1)


if __name__ == "__main__":
    run(main)
