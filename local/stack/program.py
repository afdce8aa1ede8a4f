"""How to start one of the stack's processes and how it says where it is."""

import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """A process to be supervised.

    Attributes:
        name: Names the process and its log file.
        command: The arguments, but for those that give a port.
        port_options: Port name -> the option that sets it.
        ready: Matches what the process has printed once it serves. Its named groups are the process's address, and hold
            every port by its name.
        env: The whole environment.
        last_wish: The signal that the process gets when its supervisor is killed.
    """

    name: str
    command: Sequence[str]
    port_options: Mapping[str, str]
    ready: re.Pattern[str]
    env: Mapping[str, str]
    last_wish: signal.Signals = signal.SIGKILL

    def arguments(self, ports: Mapping[str, int]) -> list[str]:
        """Returns the whole command line; a port that is not given is any free one."""
        options = [(option, str(ports.get(name, 0))) for name, option in self.port_options.items()]
        return [*self.command, *(word for option in options for word in option)]
