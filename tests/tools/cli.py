"""How every tool here ends: 0 when done, 1 when something it ran failed, 2 when it was used wrongly."""
import sys
import time


class BadUsage(Exception):
    """The caller gave something that this tool cannot work with; the text says what and what would do."""


class Failed(Exception):
    """The tool was used properly, yet something it ran did not deliver."""


def run(main):
    """Runs `main()` and ends the process with its code; the two exceptions above become one line on stderr."""
    try:
        sys.exit(main())
    except BadUsage as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Failed as error:
        print(f"failed: {error}", file=sys.stderr)
        sys.exit(1)


class Progress:
    """Shows `label: done/total` on stderr: rewritten in place on a terminal, every ten seconds elsewhere."""

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
