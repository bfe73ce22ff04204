#!/usr/bin/env python3
"""Runs the graph of a quantised model in ONNX Runtime and writes the integers that it computes.

    ort_integers.py MODEL.onnx < requests.jsonl > integers.jsonl

Each line of stdin is one call:
- one sequence is {"ids": [..], "type_ids": [..]}; the answer is its integers, [..];
- a batch is {"ids": [[..], ..], "type_ids": [[..], ..]}; the answer is one list a sequence, [[..],
  ..].

Without `type_ids` all types are 0.

Inputs of the graph: input_ids and token_type_ids, int64 [N], the tokens of all sequences one after
the other, and starts, int64 [B], the index of each sequence's first token. Its output: pooled,
int32 [B, hidden], or logits, int32 [B, labels].
"""
import argparse
import json
import sys

import numpy as np

from cli import BadUsage, run
from ort_engine import session

OUTPUTS = ("pooled", "logits")


def parse(line):
    """Parses one request. Returns (inputs of the graph, whether the request is a batch)."""
    request = json.loads(line)
    ids = request["ids"]
    batch = bool(ids) and isinstance(ids[0], list)
    sequences = ids if batch else [ids]
    types = request.get("type_ids")
    types = [[0] * len(each) for each in sequences] if types is None else types if batch else [types]
    if [len(each) for each in sequences] != [len(each) for each in types]:
        raise ValueError("ids and type_ids differ in length")
    if min(len(each) for each in sequences) == 0:
        raise ValueError("a sequence is empty")
    starts = np.cumsum([0] + [len(each) for each in sequences[:-1]])
    flat = {"input_ids": np.array(sum(sequences, [])), "token_type_ids": np.array(sum(types, [])), "starts": starts}
    if any(array.dtype.kind != "i" or array.ndim != 1 for array in flat.values()):
        raise ValueError("ids and type_ids are integers")
    return {name: array.astype(np.int64) for name, array in flat.items()}, batch


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.onnx")
    args = parser.parse_args()
    model = session(args.model, inputs={"input_ids", "token_type_ids", "starts"})
    output = model.get_outputs()[0]
    if output.name not in OUTPUTS or output.type != "tensor(int32)":
        raise BadUsage(f"{args.model}: output {output.name} is {output.type}; expected pooled or logits, tensor(int32)")
    for number, line in enumerate(sys.stdin, 1):
        try:
            inputs, batch = parse(line)
        except (ValueError, KeyError, TypeError) as error:
            raise BadUsage(f"line {number}: {error!r}; a request is {{\"ids\": [..], \"type_ids\": [..]}}") from error
        integers = model.run([output.name], inputs)[0].tolist()
        print(json.dumps(integers if batch else integers[0], separators=(",", ":")), flush=True)


if __name__ == "__main__":
    run(main)
