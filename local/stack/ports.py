"""Which ports of this machine can be had."""

import errno
import socket


def is_free(port: int) -> bool:
    """Tells whether nobody listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections still closing do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        return True


def free_or_any(port: int) -> int:
    """Returns the port if it is free, else 0, which lets the system choose."""
    return port if is_free(port) else 0
