"""/admin/keys: what callers are known by, what they may ask for, and how much of it."""

from datetime import timedelta
from secrets import token_bytes
from typing import Annotated

from fastapi import APIRouter, Query

from clients.admin_rows import Note
from domain.api_key import KEY_IDS, SECRET_BYTES, ApiKey, KeySecret, KeySettings, digest_of, secret_of
from domain.errors import InvalidRequest
from domain.tenant import Tenant
from domain.timed_id import ID_RANDOM_BYTES
from front_door.admin_fields import Patch, bounded, patched
from front_door.key_wire import KeyAnswer, KeyList, KeyRotation, KeyWithSecret, NewKey, RevokedKey
from front_door.scribe import FromOperator, Scribe
from front_door.services import FrontDoorServices, Services

router = APIRouter(prefix="/keys")


@router.post("")
async def create(fields: NewKey, services: Services, scribe: FromOperator) -> KeyWithSecret:
    """Make a key; its secret is shown this once. A tenant without a record gets one."""
    now = services.clock()
    _check(bounded(fields), services)
    if fields.expires_at and fields.expires_at <= now:
        raise InvalidRequest("The expires_at is over already.", param="expires_at")
    if await services.administration.tenants.find(fields.tenant) is None:
        tenant = Tenant(name=fields.tenant, created_at=now)
        await services.administration.tenants.ensure(tenant, scribe.entry("tenant.create", tenant.name, after=tenant))
    secret = secret_of(token_bytes(SECRET_BYTES))
    key = ApiKey(
        **dict(fields),
        key_id=KEY_IDS.new(now, token_bytes(ID_RANDOM_BYTES)),
        created_at=now,
        secrets=(KeySecret(sha256=digest_of(secret)),),
    )
    await services.administration.keys.insert(key, scribe.entry("key.create", key.key_id, key.tenant, after=key))
    return KeyWithSecret.showing(secret, key, now)


@router.get("")
async def list_keys(
    services: Services,
    tenant: Annotated[str | None, Query(description="Only this tenant's.")] = None,
    revoked: Annotated[bool, Query(description="Those that were revoked, instead of the others.")] = False,  # noqa: FBT002 - a query parameter
    after: Annotated[str | None, Query(description="The last id of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> KeyList:
    """List keys, the newest first."""
    keys = await services.administration.keys.page(after=after, limit=limit + 1, tenant=tenant, revoked=revoked)
    data = [_answer(key, services) for key in keys[:limit]]
    return KeyList(data=data, last_id=data[-1].id if data else None, has_more=len(keys) > limit)


@router.get("/{key_id}")
async def retrieve(key_id: str, services: Services) -> KeyAnswer:
    """Read a key; one that was revoked stays on record."""
    return _answer(await services.administration.keys.get(key_id), services)


@router.patch("/{key_id}")
async def change(key_id: str, patch: Patch, services: Services, scribe: FromOperator) -> KeyAnswer:
    """Change a key; everywhere within ten seconds."""

    def changed(kept: ApiKey) -> ApiKey:
        settings = patched(kept, patch, KeySettings)
        if "allowance" in patch:
            _check(settings, services)
        return kept.with_settings(settings)

    return _answer(await services.administration.keys.amend(key_id, changed, _note("key.change", scribe)), services)


@router.post("/{key_id}/rotate")
async def rotate(
    key_id: str, services: Services, scribe: FromOperator, fields: KeyRotation | None = None
) -> KeyWithSecret:
    """Make a new secret, shown this once; the one before is accepted for a while as well."""
    now, overlap = services.clock(), timedelta(seconds=(fields or KeyRotation()).overlap_s)
    secret = secret_of(token_bytes(SECRET_BYTES))
    rotated = await services.administration.keys.amend(
        key_id, lambda kept: kept.rotated(digest_of(secret), now, overlap=overlap), _note("key.rotate", scribe)
    )
    return KeyWithSecret.showing(secret, rotated, now)


@router.delete("/{key_id}")
async def revoke(key_id: str, services: Services, scribe: FromOperator) -> RevokedKey:
    """Give up a key for good; everywhere within ten seconds."""
    now = services.clock()
    await services.administration.keys.amend(key_id, lambda kept: kept.revoked(now), _note("key.revoke", scribe))
    return RevokedKey(id=key_id)


def _check(settings: KeySettings, services: FrontDoorServices) -> None:
    """A name that nobody knows allows nothing, and is likely a mistake.

    Raises:
        InvalidRequest: There is such a one.
    """
    sizes = {size for deployment in services.catalog.deployments() for size in deployment.sizes}
    for param, allowed, known in (
        ("models", settings.allowance.models, services.catalog.models.keys()),
        ("sizes", settings.allowance.sizes, sizes),
    ):
        if unknown := (allowed or frozenset()) - known:
            there_are = ", ".join(sorted(known))
            raise InvalidRequest(f"There is no {param[:-1]} '{min(unknown)}'. There are: {there_are}.", param=param)


def _note(action: str, scribe: Scribe) -> Note[ApiKey]:
    return lambda before, after: scribe.entry(action, after.key_id, after.tenant, before=before, after=after)


def _answer(key: ApiKey, services: FrontDoorServices) -> KeyAnswer:
    return KeyAnswer.of(key, services.clock())
