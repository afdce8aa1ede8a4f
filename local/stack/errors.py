"""Why a stack does not run."""


class StartError(Exception):
    """A part of the stack could not be started, now or again; the message says what to do or ends with its log."""
