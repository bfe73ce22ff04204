#!/usr/bin/env python3
"""Ranks the demo catalogue for one person on a running daemon and prints the result as a table.

    demo.py --url http://127.0.0.1:PORT [--person NAME] [--top 8]

Python 3.11, standard library only. Exit status: 0 a ranking was printed, 1 the daemon could not be
reached, refused or answered nonsense, 2 the command line is wrong.
"""

import argparse
import http.client
import json
import math
import os
import pathlib
import shutil
import sys
import time
import unicodedata
import urllib.parse

DATA = pathlib.Path(__file__).resolve().parents[2] / "wasm-module" / "web" / "demo"

HEALTH_POLL_S = 0.25  # pause between two questions to /health
HEALTH_TRY_S = 2.0  # longest wait for one answer of /health
ANSWER_LIMIT = 16 << 20  # bytes of an answer that are read
ONE_LINE_COLUMNS = 84  # of title and reason together; with fewer, the reason has its own line


class DemoError(Exception):
    """What went wrong, in one sentence for the terminal."""


# The wire ------------------------------------------------------------------------------------


def exchange(base, method, path, body, deadline):
    """One request and its whole answer, `(status, bytes)`. `deadline` is on `time.monotonic`.

    Raises OSError or http.client.HTTPException when there is no complete answer by then.
    """

    def left():
        seconds = deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        return seconds

    secure = base.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = kind(base.hostname, base.port, timeout=left())
    try:
        headers = {"Accept": "application/json", "Connection": "close"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.connect()
        sock = connection.sock  # the connection forgets it once the answer's headers are in
        sock.settimeout(left())
        connection.request(method, base.path.rstrip("/") + path, body, headers)
        sock.settimeout(left())
        response = connection.getresponse()
        answer = bytearray()
        while not response.isclosed():
            sock.settimeout(left())
            piece = response.read1(1 << 16)
            if not piece:
                break
            answer += piece
            if len(answer) > ANSWER_LIMIT:
                raise http.client.HTTPException(f"the answer exceeds {ANSWER_LIMIT} bytes")
        if response.length:  # read1 reports an early end of the stream as a plain end
            raise http.client.IncompleteRead(bytes(answer), response.length)
        return response.status, bytes(answer)
    finally:
        connection.close()


def wait_for_health(base, seconds):
    """Returns once GET /health answers 200; an answer that is neither 200 nor 503 ends the wait."""
    deadline = time.monotonic() + seconds
    told = False
    while True:
        now = time.monotonic()
        try:
            status, _ = exchange(base, "GET", "/health", None, min(deadline, now + HEALTH_TRY_S))
            last = f"it answered {status}"
            if status == 200:
                return
            if status != 503:
                raise DemoError(f"{base.geturl()}/health answered {status}; is this the daemon?")
        except (OSError, http.client.HTTPException) as error:
            last = str(error) or type(error).__name__
        if time.monotonic() + HEALTH_POLL_S >= deadline:
            raise DemoError(f"{base.geturl()}/health was not ready within {seconds:g} s: {last}")
        if not told and sys.stderr.isatty():
            print(f"waiting for {base.geturl()} …", file=sys.stderr)
            told = True
        time.sleep(HEALTH_POLL_S)


def rank(base, person, items, top, seconds):
    """Posts the person's history and the whole catalogue to /v1/rank; returns the parsed answer."""
    request = {
        "user": {"history": person["history"]},  # entries of text and weight, as on the wire
        "candidates": [{"id": i["id"], "text": candidate_text(i)} for i in items],
        "top_n": min(top, len(items)),
        "explain": True,
    }
    body = json.dumps(request, ensure_ascii=False).encode()
    try:
        status, answer = exchange(base, "POST", "/v1/rank", body, time.monotonic() + seconds)
    except TimeoutError:
        raise DemoError(f"/v1/rank did not answer within {seconds:g} s") from None
    except (OSError, http.client.HTTPException) as error:
        raise DemoError(f"/v1/rank broke off: {error or type(error).__name__}") from error
    try:
        answer_json = json.loads(answer)
    except (ValueError, RecursionError):
        start = printable(answer[:80].decode(errors="replace"))
        raise DemoError(f"/v1/rank answered {status} and not JSON: {start!r}") from None
    if status != 200:
        fields = answer_json if isinstance(answer_json, dict) else {}
        kind = printable(str(fields.get("error_type", "no error_type")))
        detail = printable(str(fields.get("error", "no error text")))
        raise DemoError(f"/v1/rank refused: {status} {kind}: {detail}")
    return answer_json


def candidate_text(item):
    """`title. text`, without a second mark where the title brings its own."""
    title = item["title"]
    return f"{title} {item['text']}" if title[-1] in ".?!" else f"{title}. {item['text']}"


# The answer ----------------------------------------------------------------------------------


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a finite number")
    return value


def position(value, count):
    """An index into `count` things; Python alone would take a negative one from the end."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        raise TypeError(f"{value!r} is not a position below {count}")
    return value


def read_rows(answer, person, items):
    """The ranked items as `(score, item, reason)`; reason: `(history text, similarity)` or None."""
    rows = []
    for ranked in answer["items"]:
        item = items[position(ranked["index"], len(items))]
        if item["id"] != ranked["id"]:
            raise TypeError(f"id {ranked['id']!r} is not the one of candidate {ranked['index']}")
        reason = None
        if because := ranked.get("because"):
            history = person["history"]
            entry = history[position(because[0]["history"], len(history))]
            reason = (entry["text"], number(because[0]["similarity"]))
        rows.append((number(ranked["score"]), item, reason))
    return rows


def read_truncation(answer, person, items):
    """One line for each text that the model saw only the beginning of."""
    truncated = answer.get("truncated") or {}
    lines = []
    for name, texts in (
        ("candidates", [item["title"] for item in items]),
        ("history", [entry["text"] for entry in person["history"]]),
    ):
        for index in truncated.get(name, []):
            lines.append(f"truncated: {name}[{position(index, len(texts))}] “{texts[index]}”")
    return lines


def read_footer(answer):
    tokens, took = number(answer["usage"]["tokens"]), number(answer["took_ms"])
    digest = str(answer["model_digest"]).removeprefix("sha256:")[:12]
    line = f"{tokens:,} tokens · {took:.1f} ms · backend {answer['backend']}"
    return printable(f"{line} · model {answer['model']} · digest {digest}")


# The terminal --------------------------------------------------------------------------------


def printable(text):
    """Without control characters, so that an answer cannot steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def columns(text):
    """Columns that the text takes in a terminal."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def fit(text, width):
    """The text, shortened with an ellipsis to at most `width` columns."""
    if columns(text) <= width:
        return text
    while text and columns(text) > width - 1:
        text = text[:-1]
    return text.rstrip() + "…" if width > 0 else ""


def pad(text, width):
    return text + " " * (width - columns(text))


def reason_text(reason, width):
    """“because you read …”, shortened inside the quotation marks only.

    The demo's histories mark what was not read: `Bought: …`, `Asked: …`.
    """
    if reason is None:
        return ""
    text, similarity = reason
    verb = "read"
    for prefix in ("Bought: ", "Asked: "):
        if text.startswith(prefix):
            verb, text = prefix.removesuffix(": ").lower(), text.removeprefix(prefix)
    before, after = f"because you {verb} “", f"” {similarity:.2f}"
    return before + fit(text, max(8, width - len(before) - len(after))) + after


def table(rows, width, style):
    """The lines of the table, none wider than `width` as long as that is 40 or more."""
    kind_width = max([4, *(columns(item["kind"]) for _, item, _ in rows)])
    number_width = max(1, len(str(len(rows))))
    fixed = number_width + 2 + 6 + 2 + 2 + kind_width
    one_line = width - fixed - 2 >= ONE_LINE_COLUMNS
    longest = max([5, *(columns(item["title"]) for _, item, _ in rows)])
    title_width = min(longest, (width - fixed - 2) // 2 if one_line else max(8, width - fixed))
    reason_width = width - fixed - title_width - 2 if one_line else width - number_width - 2
    indent = " " * (number_width + 2)

    head = f"{'#':>{number_width}}  {'score':>6}  {pad('title', title_width)}  "
    head += pad("kind", kind_width)
    lines = [style((head + "  reason" if one_line else head).rstrip(), "1")]
    for place, (score, item, reason) in enumerate(rows, 1):
        title = pad(fit(item["title"], title_width), title_width)
        line = f"{place:>{number_width}}  {score:>6.3f}  {title}  {pad(item['kind'], kind_width)}"
        because = style(reason_text(reason, reason_width), "2")
        if one_line:
            lines.append(f"{line}  {because}".rstrip())
        else:
            lines.append(line.rstrip())
            lines += [indent + because] if because else []
    return lines


def fold(text, width):
    """Breaks a line of ` · ` separated facts so that each part fits, where a fact itself does."""
    lines = []
    for fact in text.split(" · "):
        if lines and columns(lines[-1]) + 3 + columns(fact) <= width:
            lines[-1] += " · " + fact
        else:
            lines.append(fact)
    return lines


def show(answer, person, items):
    # Parsed as a whole before the first line is printed: a broken answer prints no half table.
    try:
        rows = read_rows(answer, person, items)
        truncation = read_truncation(answer, person, items)
        footer = read_footer(answer)
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        what = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise DemoError(f"/v1/rank answered 200 but not as agreed: {printable(what)}") from None

    terminal = sys.stdout.isatty()
    coloured = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def style(text, code):
        return f"\x1b[{code}m{text}\x1b[0m" if coloured and text else text

    width = shutil.get_terminal_size((120, 24)).columns
    counts = f"{len(person['history'])} things in the history, {len(items)} candidates"
    print(style(fit(f"For {person['name']}: {person['about']}", width), "1"))
    print(fit(counts, width), end="\n\n")
    print(*table(rows, width, style), sep="\n", end="\n\n")
    for line in truncation:
        print(fit(line, width))
    print(*(style(line, "2") for line in fold(footer, width)), sep="\n")


# The command ---------------------------------------------------------------------------------


def read_url(text):
    url = urllib.parse.urlsplit(text.rstrip("/"))
    try:
        good = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        good = False
    if not good or url.query or url.fragment:
        raise argparse.ArgumentTypeError(f"{text!r} is not like http://127.0.0.1:8080")
    return url


def at_least_one(text):
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def read_command(names):
    parser = argparse.ArgumentParser(description="Ranks the demo catalogue for one person.")
    add = parser.add_argument
    add("--url", type=read_url, required=True, help="http://127.0.0.1:PORT")
    add("--person", default=names[0], metavar="NAME", help=f"one of {', '.join(names)}")
    add("--top", type=at_least_one, default=8, metavar="N", help="rows to show (8)")
    add("--wait", type=at_least_one, default=30, metavar="S", help="seconds for /health (30)")
    add("--timeout", type=at_least_one, default=120, metavar="S", help="seconds for /v1/rank (120)")
    command = parser.parse_args()
    known = {name.casefold(): name for name in names}
    if command.person.casefold() not in known:
        parser.error(f"nobody is called {command.person!r}; known: {', '.join(names)}")
    command.person = known[command.person.casefold()]
    return command


def main():
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
    items = json.loads((DATA / "catalogue.json").read_text("utf-8"))["items"]
    people = json.loads((DATA / "people.json").read_text("utf-8"))["people"]
    people = {person["name"]: person for person in people}
    command = read_command(list(people))
    person = people[command.person]
    try:
        wait_for_health(command.url, command.wait)
        show(rank(command.url, person, items, command.top, command.timeout), person, items)
        sys.stdout.flush()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
