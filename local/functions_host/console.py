"""What the host and the app write to stderr."""

import logging
import sys

# Libraries that report every request or step at INFO; the app's own loggers pass.
_CHATTY = ("azure", "asyncio", "durabletask", "grpc", "httpcore", "httpx", "local", "urllib3", "uvicorn")


def configure_logging() -> None:
    """Log INFO and above of the app, and what goes wrong in everything below it."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
