"""What accepting a video works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from clients.blob_store import BlobStore
from clients.character_table import CharacterTable
from clients.files import Files
from clients.guardrails.chain import Guardrails
from clients.orchestrations import Orchestrations
from clients.remote_files import RemoteFiles
from clients.video_table import VideoTable
from domain.catalog import Catalog
from domain.video import VideoRef


@dataclass(frozen=True)
class Intake:
    """Everything that accepting may need; made once, by the composition root.

    Attributes:
        catalog: What can be rendered.
        videos: The records.
        inputs: What videos are asked with.
        files: What tenants uploaded.
        characters: Who can be shown.
        orchestrations: The durable client.
        remote_files: Fetches what callers point to.
        clock: The present time, UTC.
        randomness: So many random bytes.
        sweep_grace: How long the sweeper leaves a new video alone.
        announce_soon: Has those who listen hear of a new video, and holds nobody up.
        guardrails: What may be asked for; None for everything.
    """

    catalog: Catalog
    videos: VideoTable
    inputs: BlobStore
    files: Files
    characters: CharacterTable
    orchestrations: Orchestrations
    remote_files: RemoteFiles
    clock: Callable[[], datetime]
    randomness: Callable[[int], bytes]
    sweep_grace: timedelta
    announce_soon: Callable[[VideoRef], None] = lambda _: None
    guardrails: Guardrails | None = None
