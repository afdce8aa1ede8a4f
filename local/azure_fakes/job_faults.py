"""Faults that befall a job rather than the wire."""

from local.azure_fakes.errors import GENERATION_FAILED, MODERATION_BLOCKED
from local.azure_fakes.faults import Effect, Fault
from local.azure_fakes.jobs import Job
from local.azure_fakes.world import World


def injected_error(fault: Fault | None) -> dict[str, str] | None:
    """Return the error with which a fault makes a job fail, if it does."""
    match fault:
        case Fault(effect=Effect.FAIL_JOB):
            return fault.body or GENERATION_FAILED
        case Fault(effect=Effect.MODERATE):
            return MODERATION_BLOCKED
        case _:
            return None


def befall(world: World, job: Job, fault: Fault | None) -> None:
    """Let a fault hit a job that exists: it fails or expires now."""
    if error := injected_error(fault):
        world.fail(job, error)
    if expires(fault):
        world.jobs.expire(job, world.clock.now())


def expires(fault: Fault | None) -> bool:
    """Say whether a fault ends the life of a job's content."""
    return fault is not None and fault.effect is Effect.EXPIRE
