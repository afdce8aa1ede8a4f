"""What is sent to a deployment to have a job created.

Source: OpenAI's API reference, videos: create, remix, edits, extensions.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from clients.multipart import InputStream, MultipartStream
from domain.catalog import Deployment
from domain.source import Source
from domain.video import Video

_PATHS = {"edit": "videos/edits", "extension": "videos/extensions"}


class InputFile(NamedTuple):
    """A reference image to send along."""

    name: str
    content: bytes
    content_type: str


class Creation(NamedTuple):
    """A POST.

    Attributes:
        path: Below the deployment's endpoint.
        parts: Its body, as httpx takes it.
    """

    path: str
    parts: Mapping[str, Any]


def creation_of(video: Video, deployment: Deployment, file: InputFile | InputStream | None) -> Creation:
    """How a deployment is asked for a video's job.

    Args:
        video: What is wanted.
        deployment: Who shall render it.
        file: What goes with it; a video to work from is sent as a stream, unless its job is still there.
    """
    fields = {"prompt": video.prompt}
    if video.source is None:
        fields |= {"seconds": str(video.seconds), "size": video.size}
        shown = enumerate(video.cast.character_ids if video.cast else ())
        return _from_nothing(fields | {f"characters[{n}][id]": named for n, named in shown}, deployment, file)
    if video.operation == "extension":
        fields["seconds"] = str(video.seconds)
    return _from_video(video.source, video.operation, fields, deployment, file)


def _from_nothing(fields: Mapping[str, str], deployment: Deployment, file: InputFile | InputStream | None) -> Creation:
    # A field without a file name makes the body multipart, as OpenAI's own clients send it even without a file.
    named = {"model": deployment.upstream_model, **fields}
    parts: dict[str, Any] = {name: (None, value) for name, value in named.items()}
    return Creation("videos", {"files": parts | {"input_reference": file} if file else parts})


def _from_video(
    source: Source,
    operation: str,
    fields: Mapping[str, str],
    deployment: Deployment,
    file: InputFile | InputStream | None,
) -> Creation:
    if operation == "remix":
        return Creation(f"videos/{source.upstream_id}/remix", {"json": fields})
    if isinstance(file, InputStream):
        body = MultipartStream({"model": deployment.upstream_model, **fields}, "video", file)
        return Creation(_PATHS[operation], {"content": body, "headers": body.headers})
    return Creation(_PATHS[operation], {"json": {**fields, "video": {"id": source.upstream_id}}})
