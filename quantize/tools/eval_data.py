"""Finds evaluation data in a folder and turns it into tasks.

A data set is a sub-folder with CSV files. Their columns tell the kind of task:

    sentence1,sentence2,score   pairs with a human similarity, a header is optional
                                -> Spearman of the cosines
    text,category               labelled texts, train.csv and test.csv with a header
                                -> accuracy of a small classifier

Pairs are evaluated from every file except train.csv. Long texts are joined from the first text
column of all train.csv files, from the last row upwards, because calibration sets are usually taken
from the top.
"""
import csv
import glob
import os
from collections import defaultdict
from dataclasses import dataclass

from cli import BadUsage
from splitmix import SplitMix64

DRAWS, SAMPLES_A_LABEL = 10, 8
PAIR_COLUMNS, LABEL_COLUMNS = ["sentence1", "sentence2", "score"], ["text", "category"]


@dataclass(frozen=True)
class Pairs:
    """Sentence pairs with human scores."""

    name: str
    first: list
    second: list
    scores: list

    def texts(self):
        """The texts to embed, and those whose cosine to fp32 is measured."""
        return self.first + self.second

    compared = texts


@dataclass(frozen=True)
class Labelled:
    """A classification set. Each of `draws` is a list of row numbers of train.csv, 8 a label."""

    name: str
    train: list
    train_labels: list
    test: list
    test_labels: list
    draws: list

    def texts(self):
        """The texts to embed: the test texts, and the training texts that at least one draw
        uses."""
        return self.test + [self.train[i] for i in sorted(set().union(*self.draws))]

    def compared(self):
        """The texts whose cosine to fp32 is measured."""
        return self.test


@dataclass(frozen=True)
class Long:
    """Texts of about `tokens` tokens each."""

    name: str
    tokens: int
    joined: list

    def texts(self):
        """The texts to embed, and those whose cosine to fp32 is measured."""
        return self.joined

    compared = texts


def is_number(text):
    """Whether a CSV cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_csv(path):
    """('pairs' | 'labelled', columns as lists), or (None, the reason why the file is not
    recognised)."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows:
        return None, "it is empty"
    header = [cell.strip().lower() for cell in rows[0]]
    for kind, names in (("pairs", PAIR_COLUMNS), ("labelled", LABEL_COLUMNS)):
        if sorted(header) == sorted(names):
            order, rows = [header.index(name) for name in names], rows[1:]
            break
    else:
        if len(header) != 3 or not is_number(header[2]):
            return None, f"its columns are neither {','.join(PAIR_COLUMNS)} nor {','.join(LABEL_COLUMNS)}"
        kind, order = "pairs", [0, 1, 2]
    if any(len(row) != len(order) or kind == "pairs" and not is_number(row[order[2]]) for row in rows):
        return None, f"a row does not have the {len(order)} columns of the first"
    return kind, [[row[i] for row in rows] for i in order]


def draws_of(labels):
    """Ten draws of row numbers with `SAMPLES_A_LABEL` rows of each label. Draw d takes the rows in
    the order of SplitMix64(d)."""
    draws = []
    for seed in range(DRAWS):
        taken, rows = defaultdict(int), []
        for i in SplitMix64(seed).shuffled(len(labels)):
            if taken[labels[i]] < SAMPLES_A_LABEL:
                taken[labels[i]] += 1
                rows.append(i)
        draws.append(rows)
    return draws


def discover(folder):
    """Returns (tasks, [texts of each train.csv], notes on files that were skipped)."""
    if not os.path.isdir(folder):
        raise BadUsage(f"{folder}: no such folder")
    tasks, sources, notes = [], [], []
    for place in sorted(path for path in glob.glob(os.path.join(folder, "*")) if os.path.isdir(path)):
        name, labelled = os.path.basename(place), {}
        for path in sorted(glob.glob(os.path.join(place, "*.csv"))):
            split = os.path.basename(path).removesuffix(".csv")
            kind, columns = read_csv(path)
            if kind is None:
                notes.append(f"{name}/{split}.csv is skipped: {columns}")
                continue
            if split == "train":
                sources.append(columns[0])
            if kind == "labelled":
                labelled[split] = columns
            elif split != "train":
                tasks.append(Pairs(f"{name}/{split}", columns[0], columns[1], [float(score) for score in columns[2]]))
        if {"train", "test"} <= labelled.keys():
            train, test = labelled["train"], labelled["test"]
            tasks.append(Labelled(name, *train, *test, draws_of(train[1])))
        elif labelled:
            notes.append(f"{name} is skipped: labelled texts need both train.csv and test.csv")
    if not tasks and not sources:
        raise BadUsage(f"{folder}: no sub-folder has CSV files of a known kind" + "".join(f"; {note}" for note in notes))
    return tasks, sources, notes


def long_texts(sources, tokenizer, tokens, count):
    """Up to `count` texts of at most `tokens` tokens, special tokens included. A text is full: one
    more sentence would exceed `tokens`. The sources take turns, and no sentence is used twice."""
    left = [list(source) for source in sources]
    joined = []
    while len(joined) < count and left:
        source = left.pop(0)
        text, used = [], len(tokenizer.encode("").ids)
        while source:
            size = len(tokenizer.encode(source[-1], add_special_tokens=False).ids)
            if used + size > tokens and text:
                break
            used += size
            text.append(source.pop())
        if source:  # the text is full, and did not end because the source ended
            joined.append(" ".join(text))
            left.append(source)
    return joined
