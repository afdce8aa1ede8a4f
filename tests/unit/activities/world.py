"""Services that the activities' tests can look into."""

from asyncio import Semaphore
from dataclasses import dataclass, field
from typing import Any

from activities.run import Activity, run_activity
from activities.services import Services
from clients.guardrails.chain import Guardrails
from domain.catalog import Catalog
from domain.slot import Demand
from domain.video import Video
from domain.workflow import Step, StepRequest, StepResult
from tests.unit.examples import a_catalog
from tests.unit.fakes import FakeBlobStore, FakeClock, FakeRenderTimeTable, FakeVideosApi, FakeVideoTable
from tests.unit.listeners import Listeners

MAX_QUEUED_S = 3600.0


@dataclass
class World:
    """Everything around an activity, in memory."""

    catalog: Catalog = field(default_factory=a_catalog)
    clock: FakeClock = field(default_factory=FakeClock)
    videos: FakeVideoTable = field(default_factory=FakeVideoTable)
    contents: FakeBlobStore = field(default_factory=FakeBlobStore)
    inputs: FakeBlobStore = field(default_factory=FakeBlobStore)
    render_times: FakeRenderTimeTable = field(default_factory=FakeRenderTimeTable)
    api: FakeVideosApi = field(init=False)
    listeners: Listeners = field(init=False)
    guardrails: Guardrails | None = None

    def __post_init__(self) -> None:
        self.listeners = Listeners(self.clock)
        self.api = FakeVideosApi(self.clock)

    def services(self) -> Services:
        return Services(
            catalog=self.catalog,
            videos=self.videos.as_table(),
            contents=self.contents.as_store(),
            inputs=self.inputs.as_store(),
            api=self.api.as_api(),
            render_times=self.render_times.as_table(),
            announcer=self.listeners.announcer(self.videos.as_table(), self.contents.as_store()),
            clock=self.clock,
            copies=Semaphore(1),
            max_queued_s=MAX_QUEUED_S,
            guardrails=self.guardrails,
        )

    def record(self, video: Video) -> Video:
        """The video as it now is."""
        return self.videos.records[video.ref]


def a_step(
    step: Step, video: Video, *, trouble: Exception | None = None, attempt: int = 0, **changes: Any
) -> StepRequest:
    """A request to run a step for a video that has a slot at `east`, and met this trouble so often before."""
    troubles = {type(trouble).__name__: attempt} if trouble else {}
    first = StepRequest(video=video.ref, demand=Demand.of(video), pool=video.model, deployment="east")
    return first.model_copy(update={"step": step, "troubles": troubles, **changes})


async def run_step(body: Activity, first: StepRequest, world: World) -> list[StepResult]:
    """Run a step as the orchestration does, with another slot after each refusal, until something else follows."""
    answers, request = list[StepResult](), first
    while request and request.step is first.step:
        answer = await run_activity(body, request.model_dump(mode="json"), world.services())
        answers.append(StepResult.model_validate(answer))
        world.clock.advance(answers[-1].delay_s)
        request = request.after(answers[-1])
        if request and request.then in {Step.SUBMIT, Step.ACQUIRE}:  # the pool was told, or gave another slot
            request = first.model_copy(update={"troubles": request.troubles})
    return answers
