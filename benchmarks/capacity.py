"""`python -m benchmarks.capacity [simulation] [stack]`: many videos, few slots; both by default, in one table."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.__main__ import INTERRUPTED
from benchmarks.capacity_simulation import Simulation
from benchmarks.capacity_stack import Plan, measure
from benchmarks.figure import Figure
from benchmarks.table import print_table
from local.stack.main import run

ROWS: Final = ("simulation", "stack")
SEED: Final = 1


async def _measure(rows: Sequence[str]) -> int:
    load_before = os.getloadavg()[0]
    figures = dict[str, Sequence[Figure]]()
    if "simulation" in rows:
        figures["simulation"] = list(Simulation(SEED).run().figures())
    if "stack" in rows:
        figures["stack"] = await measure(Plan())
    print_table(figures, load_before)
    return 0


def main() -> int:
    """Reads the command line and returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"what to run: {', '.join(ROWS)}")
    rows: list[str] = parser.parse_args().rows
    if unknown := [row for row in rows if row not in ROWS]:
        parser.error(f"there is no row {', '.join(unknown)}: choose from {', '.join(ROWS)}")
    return run(_measure(rows or ROWS), when_stopped=INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main())
