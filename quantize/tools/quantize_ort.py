#!/usr/bin/env python3
"""Writes the peer that Lockstep is compared with: ONNX Runtime's dynamic int8 of an fp32 graph.

    quantize_ort.py FP32.onnx OUT.onnx

Weights have 7 bits (-64..63) and one scale an output channel. Activations have 8 bits and one scale
a tensor, which is computed at run time.
"""
import argparse
import logging
import os

from onnxruntime.quantization import QuantType, quantize_dynamic

from cli import BadUsage, run


def quantize(source, out):
    """Quantises the fp32 ONNX file `source` and writes the file `out`."""
    if not os.path.isfile(source):
        raise BadUsage(f"{source}: no such file; export_fp32.py makes one")
    # Hides the advice to pre-process the graph first, which does not apply to this graph.
    logging.getLogger().setLevel(logging.ERROR)
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
