#!/usr/bin/env python3
"""Measures the accuracy of the integers beside fp32 and ONNX Runtime's dynamic int8, on the same
texts and the same draws.

    evaluate.py --data DIR --checkpoint DIR --fp32 FP32.onnx [--ort-int8 INT8.onnx] [--lockstep CMD]
                [--max-tokens N] [--cache DIR] [--out JSON] [--threads 1]

The folder of --data has one sub-folder for each data set. The columns of its files tell the task:

    */dev.csv, */test.csv ..  sentence1,sentence2,score (header optional): Spearman x 100 of the
                              cosines with the scores
    */{train,test}.csv        text,category (with header): accuracy in percent of a logistic
                              regression (at most 100 iterations) on 8 unit vectors a label, mean
                              and deviation of 10 fixed draws
    */train.csv               of either kind: joined to 60 texts of about 240 and 60 of about 442
                              tokens

On each task the mean and the least cosine to fp32 are measured too. A missing data set is left out,
with a note.

CMD reads one JSON string a line on stdin. For each it writes one JSON array of integers as a line
on stdout, in order: the vector of the text, truncated to --max-tokens tokens. `{max_tokens}`
in CMD stands for that number. The vectors of the other two systems are mean pooled. fp32 batches
only texts of equal length; dynamic int8 takes each text alone, because its scales span the batch.
"""
import argparse
import json
import os
import statistics
import time

import numpy as np
from scipy.stats import spearmanr
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from checkpoint import length_limit, read_config, read_tokenizer
from cli import BadUsage, Failed, Progress, run
from eval_data import Labelled, Long, Pairs, discover, long_texts
from systems import Command, OnnxRuntime

LONG_TOKENS, LONG_COUNT, TEACHER = (240, 442), 60, "fp32"
FP32_BATCH = 32
MAX_ITERATIONS = 100


def unit(vectors, name):
    """The rows of `vectors` as f64, scaled to length 1."""
    rows = np.asarray(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths) & (lengths > 0)):
        raise Failed(f"{name}: a vector is zero or not finite")
    return rows / lengths


def spearman(pairs, vector):
    """Spearman x 100 of the pairs' cosines with the human scores. `vector` maps texts to unit
    rows."""
    cosines = np.sum(vector(pairs.first) * vector(pairs.second), axis=1)
    return {f"{pairs.name} Spearman": 100 * float(spearmanr(cosines, pairs.scores).statistic)}


def accuracy(task, vector):
    """Percent of the test texts that get their label: mean and deviation over the draws."""
    test, results = vector(task.test), []
    for seed, rows in enumerate(task.draws):
        model = LogisticRegression(max_iter=MAX_ITERATIONS, random_state=seed)
        model.fit(vector([task.train[i] for i in rows]), [task.train_labels[i] for i in rows])
        results.append(100 * float(np.mean(model.predict(test) == np.array(task.test_labels))))
    return {f"{task.name} accuracy": statistics.mean(results), f"{task.name} accuracy, sd": statistics.stdev(results)}


def cosines(task, vector, teacher):
    """Mean and least cosine to fp32 over the task's texts."""
    texts = task.compared()
    values = np.sum(vector(texts) * teacher(texts), axis=1)
    return {f"{task.name} cosine, mean": float(values.mean()), f"{task.name} cosine, min": float(values.min())}


def measure(tasks, embeddings):
    """Measures every task. `embeddings` is {system: ({text: row number}, unit rows)}; the result is
    {metric: {system: value}}."""
    lookups = {name: (lambda texts, i=index, r=rows: r[[i[text] for text in texts]]) for name, (index, rows) in embeddings.items()}
    metrics = {}
    progress = Progress("metrics", len(tasks) * len(lookups))
    for task in tasks:
        for name, vector in lookups.items():
            values = {}
            if isinstance(task, Pairs):
                values |= spearman(task, vector)
            elif isinstance(task, Labelled):
                values |= accuracy(task, vector)
            if name != TEACHER:
                values |= cosines(task, vector, lookups[TEACHER])
            for metric, value in values.items():
                metrics.setdefault(metric, {})[name] = value
            progress.add(1)
    return metrics


def gather(folder, tokenizer, max_tokens):
    """The tasks of a data folder, long texts included, and the notes."""
    tasks, sources, notes = discover(folder)
    for tokens in LONG_TOKENS:
        texts = long_texts(sources, tokenizer, tokens, LONG_COUNT) if tokens <= max_tokens else []
        if texts:
            tasks.append(Long(f"long, {tokens} tokens", tokens, texts))
        if len(texts) < LONG_COUNT:
            why = "the data is too short" if tokens <= max_tokens else f"the limit is {max_tokens} tokens"
            notes.append(f"long texts of {tokens} tokens: {len(texts)} of {LONG_COUNT}, {why}")
    return tasks, notes


def table(metrics, names):
    """The report as text: a row a metric, a column a system."""
    def cell(metric, value):
        return f"{'-':>18}" if value is None else f"{value:18.5f}" if "cosine" in metric else f"{value:18.2f}"

    width = max(map(len, metrics))
    lines = [" " * width + "".join(f"{name:>18}" for name in names)]
    lines += [f"{metric:{width}}" + "".join(cell(metric, row.get(name)) for name in names) for metric, row in metrics.items()]
    return "\n".join(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--checkpoint", required=True, metavar="DIR")
    parser.add_argument("--fp32", required=True, metavar="FP32.onnx")
    parser.add_argument("--ort-int8", metavar="INT8.onnx")
    parser.add_argument("--lockstep", metavar="CMD")
    parser.add_argument("--max-tokens", type=int, help="default: the checkpoint's length limit, as sentence-transformers has it")
    parser.add_argument("--cache", metavar="DIR", help="keeps the vectors of the two ONNX graphs")
    parser.add_argument("--out", metavar="JSON")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    positions = read_config(args.checkpoint)["max_position_embeddings"]
    if args.max_tokens is None:
        args.max_tokens = min(512, length_limit(args.checkpoint, positions))
    if not 3 <= args.max_tokens <= positions:
        raise BadUsage(f"--max-tokens {args.max_tokens}: the model takes 3 to {positions}")
    if args.threads < 1:
        raise BadUsage(f"--threads {args.threads}: at least 1")
    return args


def main():
    args = arguments()
    tokenizer = read_tokenizer(args.checkpoint, args.max_tokens)
    systems = [OnnxRuntime(TEACHER, args.fp32, tokenizer, FP32_BATCH, args.threads, args.cache)]
    if args.lockstep:
        systems.append(Command("lockstep", args.lockstep.replace("{max_tokens}", str(args.max_tokens))))
    if args.ort_int8:
        systems.append(OnnxRuntime("ort-int8", args.ort_int8, tokenizer, 1, args.threads, args.cache))
    tasks, notes = gather(args.data, tokenizer, args.max_tokens)
    index = {text: i for i, text in enumerate(dict.fromkeys(text for task in tasks for text in task.texts()))}
    embeddings, seconds = {}, {}
    for system in systems:
        start = time.monotonic()
        embeddings[system.name] = index, unit(system.embed(list(index)), system.name)
        seconds[system.name] = round(time.monotonic() - start, 1)
    start = time.monotonic()
    with threadpool_limits(args.threads):
        metrics = measure(tasks, embeddings)
    seconds["metrics"] = round(time.monotonic() - start, 1)
    print(table(metrics, embeddings))
    print(f"{len(index)} texts; seconds: " + ", ".join(f"{name} {value}" for name, value in seconds.items()))
    for note in notes:
        print(f"note: {note}")
    if args.out:
        report = {"systems": list(embeddings), "metrics": metrics, "texts": len(index), "max_tokens": args.max_tokens}
        os.makedirs(os.path.dirname(args.out) or ".", exist_ok=True)
        with open(args.out, "w", encoding="utf-8") as file:
            json.dump(report | {"seconds": seconds, "notes": notes}, file, indent=1)


if __name__ == "__main__":
    run(main)
