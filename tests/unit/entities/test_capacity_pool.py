"""The entity keeps a pool's state between operations, and lets the pool decide."""

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

from domain.capacity import RECLAIM, Lease, Pool, Reclaim
from domain.catalog import Catalog
from domain.errors import UpstreamUnauthorized
from domain.slot import Verdict
from domain.video import Video
from domain.workflow import PoolCall, Step, StepRequest, StepResult
from entities.capacity_pool import capacity_pool
from tests.unit.examples import NOW, PRICE, a_deployment, a_model_catalog, a_video, an_id

FIRST, SECOND = a_video(), a_video(video_id=an_id(1))
DENIED = Verdict.on(UpstreamUnauthorized("HTTP 401"))


class FakeContext:
    """An entity's context whose state goes through JSON, as the engine's does."""

    def __init__(self, model: str) -> None:
        self.entity_id = SimpleNamespace(key=model)
        self.operation = ""
        self.state: str | None = None

    def get_state(self, intended_type: type) -> Any:
        return intended_type(json.loads(self.state)) if self.state else None

    def set_state(self, state: Any) -> None:
        self.state = json.dumps(state)


class Entities:
    """The pools of a catalog's models."""

    def __init__(self, catalog: Catalog) -> None:
        self._entity = capacity_pool(catalog, timedelta(hours=1))
        self._contexts = {model: FakeContext(model) for model in catalog.models}
        self.now = NOW

    def call(self, request: StepRequest) -> StepResult:
        """Do a step of the workflow at the pool that the request names."""
        call = PoolCall(request=request, now=self.now).model_dump(mode="json", exclude_defaults=True)
        return StepResult.model_validate(self._operate(request.pool, request.step, call))

    def leases(self, model: str) -> list[Lease]:
        return list(Pool.model_validate(self._contexts[model].get_state(dict)).leases.values())

    def reclaim(self, model: str, *leases: Lease) -> None:
        call = Reclaim(leases=leases, now=self.now)
        assert self._operate(model, RECLAIM, call.model_dump(mode="json")) is None

    def _operate(self, model: str, operation: str, call: dict[str, Any]) -> dict[str, Any] | None:
        context = self._contexts[model]
        context.operation = operation
        return self._entity(cast("Any", context), call)


def one_slot() -> Entities:
    return Entities(a_model_catalog(**{"sora-2": [a_deployment(max_concurrent=1)]}))


def with_fallback() -> Entities:
    return Entities(
        a_model_catalog(
            fallbacks={"sora-2": ["pro"]}, **{"sora-2": [a_deployment()], "pro": [a_deployment(name="west")]}
        )
    )


def asking(video: Video) -> StepRequest:
    return StepRequest.first(video)


def releasing(video: Video, **changes: Any) -> StepRequest:
    return asking(video).model_copy(update={"step": Step.RELEASE, "deployment": "east", **changes})


def test_a_slot_goes_from_one_video_to_the_next():
    entities = one_slot()
    assert entities.call(asking(FIRST)).deployment == "east"
    assert entities.call(asking(SECOND)).again
    assert entities.call(releasing(FIRST)) == StepResult.done(wake=[SECOND.video_id])
    assert entities.call(asking(SECOND)).deployment == "east"


def test_a_probe_that_was_confirmed_lets_everybody_in():
    entities = one_slot()
    entities.call(asking(FIRST))
    entities.call(releasing(FIRST, verdict=DENIED))
    assert entities.call(asking(FIRST)).again
    entities.now += timedelta(seconds=a_deployment().cooldown_s)
    assert entities.call(asking(FIRST)).probing
    confirming = asking(FIRST).model_copy(update={"step": Step.REPORT})
    assert entities.call(confirming) == StepResult.done()
    assert entities.call(releasing(FIRST)) == StepResult.done()
    second = entities.call(asking(SECOND))
    assert (second.deployment, second.probing) == ("east", False)


def test_what_the_sweeper_takes_back_goes_to_the_next():
    entities = one_slot()
    entities.call(asking(FIRST))
    entities.call(asking(SECOND))
    entities.reclaim("sora-2", *entities.leases("sora-2"))
    assert entities.call(asking(SECOND)).deployment == "east"


def test_a_model_without_a_working_deployment_sends_on_who_may_fall_back():
    entities = with_fallback()
    entities.call(asking(FIRST))
    entities.call(releasing(FIRST, verdict=DENIED))
    assert entities.call(asking(FIRST)) == StepResult.elsewhere("pro")
    assert entities.call(asking(a_video(video_id=an_id(2), may_fall_back=False))).again


def test_a_job_that_runs_at_another_model_keeps_its_slot_there():
    entities = with_fallback()
    rendering = FIRST.submitting("west", NOW, usd_per_second=PRICE).in_progress("job-1", NOW)
    assert entities.call(asking(rendering)) == StepResult.elsewhere("pro")
    assert entities.call(asking(rendering).model_copy(update={"pool": "pro"})).deployment == "west"


def test_a_model_that_the_configuration_has_lost_renders_nothing():
    entities = one_slot()
    entities._contexts["sora-1"] = FakeContext("sora-1")
    lost = entities.call(asking(a_video(model="sora-1"))).failure
    assert lost
    assert lost.code == "deployment_not_found"
