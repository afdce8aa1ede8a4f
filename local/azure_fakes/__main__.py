"""`python -m local.azure_fakes`: runs the fakes until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import signal
from pathlib import Path

import uvloop

from local.azure_fakes.fakes import run_fakes


def parse_arguments() -> argparse.Namespace:
    """Return the command line's arguments."""
    parser = argparse.ArgumentParser(prog="python -m local.azure_fakes", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of everything but the vault (0: a free one)")
    parser.add_argument("--vault-port", type=int, default=0, help="port of the Key Vault (0: a free one)")
    parser.add_argument("--state", type=Path, help="folder in which jobs and settings survive a restart")
    parser.add_argument("--media", type=Path, help="folder that caches rendered videos")
    return parser.parse_args()


async def main(arguments: argparse.Namespace) -> None:
    """Run the fakes until a signal says stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with run_fakes(
        port=arguments.port, vault_port=arguments.vault_port, folder=arguments.state, media_folder=arguments.media
    ) as fakes:
        print(f"ready {fakes.url} vault={fakes.vault_url} vault_ca={fakes.vault_ca}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main(parse_arguments()))
