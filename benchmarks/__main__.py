"""`python -m benchmarks [ROW…]`: measures the rows, all by default, and prints one table."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from rich.console import Console

from benchmarks import copies, create, downloads, healthz, limits, list_videos, once, render, startup, status
from benchmarks.figure import Benchmark, Figure
from benchmarks.table import print_table
from local.stack.main import run

BENCHMARKS: Mapping[str, Benchmark] = {
    "startup": startup.measure,
    "healthz": healthz.measure,
    "create": create.measure,
    "status": status.measure,
    "limits": limits.measure,
    "list": list_videos.measure,
    "downloads": downloads.measure,
    "copies": copies.measure,
    "render": render.measure,
    "once": once.measure,
}

INTERRUPTED = 130
"""The exit code that shells give for Ctrl-C: there is no table."""


async def measure(rows: Sequence[str]) -> int:
    """Measures one row after the other and prints the table."""
    load_before = os.getloadavg()[0]
    figures = dict[str, Sequence[Figure]]()
    with Console(stderr=True).status("") as shown:  # on a terminal only
        for row in rows:
            shown.update(f"measuring {row}")
            figures[row] = await BENCHMARKS[row]()
    print_table(figures, load_before)
    return 0


def main() -> int:
    """Reads the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to measure: {', '.join(BENCHMARKS)}")
    rows: list[str] = parser.parse_args().rows
    if unknown := [row for row in rows if row not in BENCHMARKS]:
        parser.error(f"there is no row {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}")
    return run(measure(rows or list(BENCHMARKS)), when_stopped=INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
