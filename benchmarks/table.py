"""The one table that is printed."""

import os
import platform
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.figure import Figure, Unit

PLAIN_WIDTH = 180
"""Columns where there is no terminal to tell: wide enough to break no line."""


def print_table(figures: Mapping[str, Sequence[Figure]], load_before: float) -> None:
    """Prints what was measured; plain text where the output is no terminal.

    Args:
        figures: What each benchmark found.
        load_before: The machine's load average before the first of them.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH, no_color=True)
    table = Table(box=box.ASCII2, caption=_machine(load_before), caption_justify="left")
    for heading in ("row", "figure"):
        table.add_column(heading)
    for heading in ("measured", "p50", "p95", "aim"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("remark")
    for row, found in figures.items():
        for figure in found:
            table.add_row(row, *_cells(figure))
        table.add_section()
    console.print(table)


def _cells(figure: Figure) -> list[Text]:
    number = f"{figure.value:.2f}" if figure.unit in {Unit.SECONDS, Unit.PERCENT} else f"{figure.value:.0f}"
    aim, verdict = figure.aim, Text()
    if aim:
        verdict = Text("met", "green") if aim.is_met(figure.value) else Text("missed", "red")
    plain = (figure.name, f"{number} {figure.unit}", _duration(figure.p50_s), _duration(figure.p95_s))
    return [*map(Text, plain), Text(str(aim) if aim else ""), verdict, Text(figure.remark)]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _machine(load_before: float) -> str:
    return (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}; "
        f"load average before: {load_before:.1f}"
    )
