"""What the caller may choose about a stack, read from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).parents[2]


class StackSettings(BaseSettings):
    """A stack's settings; each field is the environment variable of the same name in capitals.

    Attributes:
        port: Where the first function host listens; 0 takes a free port.
        state: The folder of everything the stack keeps. An empty one is a fresh world.
        render_time_s: How long the fake deployments render a video.
        workers: Function host processes that share the engine. The first has `port`, the others take free ones.
        telemetry: Whether the app sends spans and metrics to the fakes.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True)

    port: Annotated[int, Field(ge=0, le=65535)] = 7071
    state: Path | None = None
    render_time_s: Annotated[float, Field(gt=0)] = 6
    workers: Annotated[int, Field(ge=1)] = 1
    telemetry: bool = False

    @property
    def folder(self) -> Path:
        """The state folder, absolute."""
        return (self.state or ROOT / ".local" / "state").absolute()

    @property
    def stack_file(self) -> Path:
        """Where the running stack describes itself."""
        return (self.folder if self.state else ROOT / ".local") / "stack.json"
