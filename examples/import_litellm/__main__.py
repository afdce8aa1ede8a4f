"""`python -m examples.import_litellm config.yaml > models.yaml`: what is left to do is told on stderr.

Exit codes: 0 the result can be used; 1 it is written, but has problems; 2 there is nothing to convert.
"""

import argparse
import os
import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from domain.catalog import Catalog
from domain.configuration import problems_in
from examples.import_litellm.conversion import convert
from examples.import_litellm.source import ConfigUnreadable, read_config


def main(arguments: list[str] | None = None) -> int:
    """Convert a file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m examples.import_litellm", description="LiteLLM's models as ours")
    parser.add_argument("config", type=Path, help="the config.yaml of a LiteLLM proxy")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the models go; else to stdout")
    chosen = parser.parse_args(arguments)
    try:
        models, report = convert(read_config(chosen.config.read_text(encoding="utf-8")), os.environ)
        text = yaml.safe_dump(models, sort_keys=False, allow_unicode=True, width=120) if models else ""
        if chosen.output and models:
            chosen.output.write_text(text, encoding="utf-8")
        elif models:
            sys.stdout.write(text)
    except ConfigUnreadable as error:
        return _complain(f"{chosen.config} {error}", 2)
    except UnicodeDecodeError:
        return _complain(f"{chosen.config} is no text in UTF-8", 2)
    except OSError as error:
        return _complain(f"{error.filename} cannot be opened: {error.strerror}", 2)
    if str(report):
        print(report, file=sys.stderr)
    if not models:
        return _complain(f"{chosen.config} has no video models: mark them with model_info.mode: video_generation", 2)
    try:
        catalog = Catalog.model_validate({"models": models})
    except ValidationError as error:
        return _complain(
            "\n".join(["The result cannot be used yet:", *(f"  - {each}" for each in problems_in(error))]), 1
        )
    return _complain(f"The result can be loaded: {', '.join(catalog.models)}.", 0)


def _complain(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
