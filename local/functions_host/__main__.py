"""Command line of the local host: runs a function app, or only the Durable engine."""

import argparse
import sys
from pathlib import Path

import uvloop

from local.functions_host.configuration import ConfigurationError
from local.functions_host.console import configure_logging
from local.functions_host.engine import run_engine
from local.functions_host.host import HostOptions, run_host


def main() -> None:
    """Run what the command line asks for; ends the process with status 1 if it cannot start."""
    arguments = _parse()
    configure_logging()
    try:
        if arguments.engine_only is not None:
            _run_engine(arguments.engine_only, arguments.state)
        else:
            uvloop.run(run_host(_host_options(arguments)))
    except ConfigurationError as error:
        sys.exit(f"functions host: {error}")


def _run_engine(port: int, state: Path | None) -> None:
    try:
        run_engine(port, state)
    except OSError as error:
        raise ConfigurationError(str(error)) from error


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--app", type=Path, metavar="DIR", help="folder of the function app to run")
    what.add_argument("--engine-only", type=int, metavar="PORT", help="run only the Durable engine, on this port")
    parser.add_argument("--port", type=int, default=7071, help="HTTP port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--state", type=Path, metavar="DIR", help="keep orchestrations and keys here across restarts")
    parser.add_argument("--auth", action="store_true", help="ask for access keys, as in Azure")
    parser.add_argument("--engine", metavar="ADDR", help="HOST:PORT of an engine that runs already")
    return parser.parse_args()


def _host_options(arguments: argparse.Namespace) -> HostOptions:
    return HostOptions(
        app=arguments.app.resolve(),
        port=arguments.port,
        state=arguments.state and arguments.state.resolve(),
        auth=arguments.auth,
        engine=arguments.engine and arguments.engine.removeprefix("grpc://"),
    )


if __name__ == "__main__":
    main()
