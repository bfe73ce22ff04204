#!/usr/bin/env python3
"""Writes the peer that results are compared with: ONNX Runtime's dynamic int8 of an fp32 graph.

    quantize_ort.py FP32.onnx OUT.onnx

Weights are 7-bit (-64..63) with one scale an output channel, activations 8-bit with one scale a tensor found at run time.
"""
import argparse
import logging
import os

from onnxruntime.quantization import QuantType, quantize_dynamic

from cli import BadUsage, run


def quantize(source, out):
    """fp32 ONNX file -> dynamic int8 ONNX file."""
    if not os.path.isfile(source):
        raise BadUsage(f"{source}: no such file; export_fp32.py makes one")
    logging.getLogger().setLevel(logging.ERROR)  # the advice to pre-process the graph first does not hold for this one
    quantize_dynamic(source, out, per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="FP32.onnx")
    parser.add_argument("out", metavar="OUT.onnx")
    args = parser.parse_args()
    quantize(args.source, args.out)
    print(f"{args.out}: {os.path.getsize(args.out)} bytes")


if __name__ == "__main__":
    run(main)
