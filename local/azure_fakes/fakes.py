"""Runs a whole set of fakes on this machine."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from local.azure_fakes.app import create_app, create_vault_app
from local.azure_fakes.certificates import VaultCertificates
from local.azure_fakes.server import serve
from local.azure_fakes.world import World


@dataclass(frozen=True)
class Fakes:
    """Where a running set of fakes is found.

    Attributes:
        world: Its state.
        url: Everything but the vault.
        vault_url: The Key Vault, and Entra as `AZURE_AUTHORITY_HOST`.
        vault_ca: PEM file that a client of either must trust.
    """

    world: World
    url: str
    vault_url: str
    vault_ca: Path


@asynccontextmanager
async def run_fakes(
    *, port: int = 0, vault_port: int = 0, folder: Path | None = None, media_folder: Path | None = None
) -> AsyncGenerator[Fakes]:
    """Run the fakes inside the block.

    Args:
        port: TCP port of everything but the vault; 0 takes a free one.
        vault_port: TCP port of the vault; 0 takes a free one.
        folder: Where state survives a restart; `None` keeps none.
        media_folder: Where rendered media are cached; several sets may share it.

    Yields:
        Where they are found.
    """
    with tempfile.TemporaryDirectory() as temporary:
        home = folder or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        world = World(media_folder or home / "media", folder)
        certificates = VaultCertificates(home)
        async with (
            world,
            serve(create_app(world), port) as http_port,
            serve(create_vault_app(world), vault_port, certificates.server_context()) as https_port,
        ):
            yield Fakes(
                world,
                f"http://127.0.0.1:{http_port}",
                f"https://127.0.0.1:{https_port}",
                certificates.authority_file.resolve(),
            )
