"""The exit codes of these tools, and how they show progress.

0: done. 1: something that the tool ran failed. 2: the tool was used wrongly.
"""
import sys
import time


class BadUsage(Exception):
    """The caller gave a value that this tool cannot use. The text names it and says what is
    allowed."""


class Failed(Exception):
    """The tool was used properly, but a program or file that it depends on failed."""


def run(main):
    """Runs `main()` and ends the process with its exit code. The two exceptions above become one
    line on stderr and their exit codes."""
    try:
        sys.exit(main())
    except BadUsage as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)


class Progress:
    """Shows `label: done/total` on stderr. A terminal's line is rewritten in place; a log gets one
    line every ten seconds."""

    def __init__(self, label, total):
        self.label, self.total, self.done = label, total, 0
        self.terminal = sys.stderr.isatty()
        self.start = self.shown = time.monotonic()

    def add(self, count):
        """Counts `count` more items."""
        self.done += count
        now = time.monotonic()
        last = self.done >= self.total
        if last or now - self.shown >= (0.2 if self.terminal else 10):
            self.shown = now
            end = "\n" if last or not self.terminal else ""
            lead = "\r" if self.terminal else ""
            print(f"{lead}{self.label}: {self.done}/{self.total} in {now - self.start:.0f} s", end=end, file=sys.stderr, flush=True)
