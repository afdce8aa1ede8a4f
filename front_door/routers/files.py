"""/files: upload, list, read, delete, and the content."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from domain.file import UPLOADABLE, Purpose
from front_door.content import Download, download_response
from front_door.file_wire import DeletedFile, FileAnswer, FileList
from front_door.keep_file import keep_file
from front_door.services import Services, Tenant
from front_door.upload_form import read_upload

router = APIRouter(prefix="/files", tags=["files"])

_PAGE_LIMIT = 1_000
_UPLOAD_BODY: dict[str, Any] = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"type": "string", "enum": UPLOADABLE},
        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
        "expires_after[seconds]": {"type": "string", "examples": ["86400"]},
    },
}
_UPLOAD_DOCS: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD_BODY}}}
}


@router.post("", openapi_extra=_UPLOAD_DOCS)
async def upload(request: Request, tenant: Tenant, services: Services) -> FileAnswer:
    """Upload a file."""
    async with read_upload(request, max_bytes=services.max_file_bytes) as sent:
        return FileAnswer.of(await keep_file(sent, tenant=tenant, services=services))


class PageQuery(BaseModel):
    """Which files are listed.

    Attributes:
        after: The last id of the page before.
        limit: At most so many; a page never holds more than a thousand.
    """

    after: str | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = _PAGE_LIMIT
    order: Literal["asc", "desc"] = "desc"
    purpose: Purpose | None = None


@router.get("")
async def list_files(tenant: Tenant, services: Services, query: Annotated[PageQuery, Query()]) -> FileList:
    """List the caller's files by creation time."""
    page = await services.files.records.page(
        tenant,
        after=query.after,
        limit=min(query.limit, _PAGE_LIMIT),
        newest_first=query.order == "desc",
        purpose=query.purpose,
    )
    data = [FileAnswer.of(file) for file in page.files]
    return FileList(
        data=data,
        first_id=data[0].id if data else None,
        last_id=data[-1].id if data else None,
        has_more=page.has_more,
    )


@router.get("/{file_id}")
async def retrieve(file_id: str, tenant: Tenant, services: Services) -> FileAnswer:
    """Read what is known of a file."""
    return FileAnswer.of(await services.files.records.get(tenant, file_id))


@router.delete("/{file_id}")
async def delete(file_id: str, tenant: Tenant, services: Services) -> DeletedFile:
    """Delete a file and its content. Videos that were asked with it have a copy of their own."""
    await services.files.records.get(tenant, file_id)
    await services.files.remove(tenant, file_id)
    return DeletedFile(id=file_id)


@router.head("/{file_id}/content", include_in_schema=False)
@router.get("/{file_id}/content")
async def content(file_id: str, request: Request, tenant: Tenant, services: Services) -> Response:
    """Read a file."""
    file = await services.files.records.get(tenant, file_id)
    download = Download(
        services.files.blobs, file.blob, "application/octet-stream", file.size_bytes, version=file.version
    )
    return await download_response(download, request, services)
