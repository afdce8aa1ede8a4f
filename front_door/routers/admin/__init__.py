"""/admin: what only whoever runs the service may see and do; one module per resource."""

from fastapi import APIRouter

from front_door.routers.admin import audit, deployments, keys, ledger, tenants, webhooks

router = APIRouter(tags=["admin"])
router.include_router(deployments.router)
router.include_router(webhooks.router)
router.include_router(keys.router)
router.include_router(tenants.router)
router.include_router(ledger.router)
router.include_router(audit.router)
