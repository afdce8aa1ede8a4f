"""One stack at a time on one state folder: two would overwrite each other's data."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from local.stack.errors import StartError


@contextmanager
def sole_user_of(folder: Path) -> Generator[None]:
    """Makes the state folder if needed and holds it for the length of the context, or of this process.

    Raises:
        StartError: Another stack holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"another stack runs on {folder}: stop it, or choose another folder: STATE=…") from None
        yield
