"""An activity is called with JSON and answers JSON; a failed video is an answer, our own fault is not."""

import json

import pytest
from pydantic import ValidationError

from activities.run import run_activity
from activities.services import Services
from domain.errors import UpstreamOverloaded
from domain.failures import FailureCode, VideoFailed
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import a_video

BUSY = UpstreamOverloaded("HTTP 429")
REQUEST = a_step(Step.CHECK, a_video(), trouble=BUSY, attempt=3)


async def test_a_result_comes_back_as_json(world: World):
    async def body(request: StepRequest, services: Services) -> StepResult:
        assert request == REQUEST
        return StepResult.retry(2.5, BUSY)

    answer = await run_activity(body, REQUEST.model_dump(mode="json"), world.services())
    assert StepResult.model_validate(json.loads(json.dumps(answer))) == StepResult.retry(2.5, BUSY)


async def test_a_failed_video_is_an_answer(world: World):
    async def body(request: StepRequest, services: Services) -> StepResult:
        raise VideoFailed(FailureCode.CANCELLED, "Cancelled.")

    answer = await run_activity(body, REQUEST.model_dump(mode="json"), world.services())
    assert answer["failure"] == {"code": "cancelled", "message": "Cancelled."}


async def test_our_own_fault_is_raised_for_the_orchestration_to_try_again(world: World):
    async def body(request: StepRequest, services: Services) -> StepResult:
        raise ConnectionError("our storage")

    with pytest.raises(ConnectionError):
        await run_activity(body, REQUEST.model_dump(mode="json"), world.services())


async def test_what_is_no_request_is_refused(world: World):
    async def body(request: StepRequest, services: Services) -> StepResult:
        raise AssertionError

    with pytest.raises(ValidationError):
        await run_activity(body, {"step": "check_render_job"}, world.services())
