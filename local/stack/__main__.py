"""`python -m local.stack`: the stack until Ctrl-C or SIGTERM."""

import asyncio
import sys

from pydantic import ValidationError

from local.stack.main import run
from local.stack.settings import StackSettings
from local.stack.stack import running


async def serve(settings: StackSettings) -> int:
    """Runs a stack until it is cancelled."""
    print(f"starting; logs are in {settings.folder / 'logs'}", flush=True)
    async with running(settings) as stack:
        print(f"ready base_url={stack.base_url} api_key={stack.api_key}", flush=True)
        await asyncio.get_running_loop().create_future()
    return 0


if __name__ == "__main__":
    try:
        chosen = StackSettings()
    except ValidationError as error:
        sys.exit(str(error))
    sys.exit(run(serve(chosen), when_stopped=0))
