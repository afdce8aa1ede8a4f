"""The file that goes with a creation: an image, or the video to work from."""

from activities.services import Services
from clients.creations import InputFile
from clients.multipart import InputStream
from domain.errors import NotFound
from domain.failures import FailureCode, VideoFailed
from domain.source import Source
from domain.video import Video


async def open_input_file(video: Video, services: Services) -> InputFile | InputStream | None:
    """What the deployment needs along with the request: an image whole, a video as a stream.

    Raises:
        VideoFailed: It is gone.
    """
    try:
        return await _source(video.source, services) if video.source else await _reference(video, services)
    except NotFound as error:
        raise VideoFailed(FailureCode.INPUT_MISSING, error.message) from error


async def _reference(video: Video, services: Services) -> InputFile | None:
    if (stored := video.input_reference) is None:
        return None
    return InputFile(stored.blob.rpartition("/")[2], await services.inputs.read(stored.blob), stored.content_type)


async def _source(source: Source, services: Services) -> InputStream | None:
    if source.upstream_id:
        return None
    if (stored := source.content) is None:
        raise NotFound("The video to work from is gone, here and at the deployment.")
    store = services.inputs if source.own_upload else services.contents
    await store.read(stored.blob, length=1)  # one that is gone must not be noticed in the midst of a request
    return InputStream("source.mp4", lambda: store.blocks(stored), stored.size_bytes, stored.content_type)
