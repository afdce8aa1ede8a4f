"""However creations go wrong, whoever dies, and however alike the prompts are: one job for each video.

What is asked of an upstream: a creation that was not answered takes effect within `SETTLE_S`, or never.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activities.run import run_activity
from activities.submit_render_job import submit_render_job
from clients.creations import InputFile
from domain.catalog import Deployment
from domain.errors import OutcomeUnknown, UpstreamOverloaded, UpstreamUnavailable
from domain.render_job import RenderJob
from domain.submission import ANSWER_LIMIT_S, SETTLE_S, UNANSWERED_LIMIT
from domain.video import Video, VideoRef, VideoState
from domain.workflow import Step, StepResult
from tests.unit.activities.world import World, a_step
from tests.unit.examples import a_source, a_video, an_id
from tests.unit.fakes import FakeVideosApi, FakeVideoTable

MOST_VIDEOS = 4
CREATION: Mapping[str, Any] = {}
REMIX = {"operation": "remix", "source": a_source()}
OTHER_REMIX = {"operation": "remix", "source": a_source(upstream_id="job-98")}
EXTENSION = {"operation": "extension", "source": a_source()}
SETTLED = timedelta(seconds=SETTLE_S) - timedelta(microseconds=1)
TURNS = 20
"""Of the event loop; more than a step takes between two things that it waits for."""


class ProcessDied(Exception):
    """Stands for a SIGKILL at this very place."""


@dataclass
class Creation:
    """A POST on its way.

    Attributes:
        answer: What the caller gets, unless it dies before.
        latest: When it takes effect at the latest, if at all.
        job: What came of it.
    """

    video: Video
    answer: asyncio.Future[RenderJob]
    due_at: datetime
    latest: datetime
    job: RenderJob | None = None


class Upstream(FakeVideosApi):
    """Nothing is answered, and nothing takes effect, before it is told to."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock)
        self.world = world
        self.creations_sent = list[Creation]()

    async def create(
        self,
        deployment: Deployment,  # noqa: ARG002 - as the real one has it
        video: Video,
        input_file: InputFile | None = None,  # noqa: ARG002 - as the real one has it
    ) -> RenderJob:
        earlier = {c.job.upstream_id for c in self.creations_sent if c.job and c.video.ref == video.ref}
        assert not earlier & self.unclaimed(), "it was asked for again, though its job can be listed"
        due_at = self.world.clock() + timedelta(seconds=ANSWER_LIMIT_S)
        latest = due_at + SETTLED
        creation = Creation(video, asyncio.get_running_loop().create_future(), due_at, latest)
        self.creations_sent.append(creation)
        return await creation.answer

    def unclaimed(self) -> set[str]:
        """The jobs that are nobody's."""
        claimed = {upstream_id for _, upstream_id in self.world.videos.claims}
        return {upstream_id for _, upstream_id in self.jobs} - claimed

    def unanswered(self) -> list[Creation]:
        return [creation for creation in self.creations_sent if not creation.answer.done()]

    def without_effect(self) -> list[Creation]:
        """What may still take effect."""
        return [c for c in self.creations_sent if c.job is None and self.world.clock() <= c.latest]

    def take_effect(self, creation: Creation) -> RenderJob:
        creation.job = creation.job or self.add_job(creation.video)
        return creation.job

    def break_off(self, creation: Creation, error: Exception) -> None:
        creation.answer.set_exception(error)
        creation.latest = min(creation.latest, self.world.clock() + SETTLED)


class MortalTable(FakeVideoTable):
    """Whoever writes may die just before or just after it."""

    lives: float = float("inf")
    """So many halves of a write are survived."""

    async def amend(self, *args: Any, **kwargs: Any) -> Video:
        self._live()
        video = await super().amend(*args, **kwargs)
        self._live()
        return video

    async def claim(self, *args: Any, **kwargs: Any) -> Any:
        self._live()
        claimed = await super().claim(*args, **kwargs)
        self._live()
        return claimed

    def _live(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            self.lives = float("inf")
            raise ProcessDied


class NeverPayingTwice(RuleBasedStateMachine):
    """Videos, their creations, and all that befalls them."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.table = MortalTable()
        self.world = World(videos=self.table)
        self.upstream = self.world.api = Upstream(self.world)
        self.videos = list[Video]()
        self.runs = dict[asyncio.Task[Any], VideoRef]()

    @precondition(lambda self: len(self.videos) < MOST_VIDEOS)
    @rule(
        prompt=st.sampled_from(["A fox.", "A fox.", "A cat."]),
        making=st.sampled_from([CREATION, CREATION, CREATION, REMIX, OTHER_REMIX, EXTENSION]),
    )
    def accept(self, prompt: str, making: Mapping[str, Any]) -> None:
        number, now = len(self.videos), self.world.clock()
        video = a_video(video_id=an_id(number, now), created_at=now, prompt=prompt, **making)
        self.videos.append(self.world.videos.add(video))
        self.run(number)

    @precondition(lambda self: self.videos)
    @rule(number=st.integers(0, MOST_VIDEOS - 1))
    def run(self, number: int) -> None:
        """Run the step, once more perhaps while it is still running: its host was taken for dead."""
        video = self.videos[number % len(self.videos)]
        request = a_step(Step.SUBMIT, video).model_dump(mode="json")
        if video.ref in self.runs.values():
            self.table.lives = float("inf")  # a second run, and a death while it is put right, are one too many
        if not self.world.record(video).has_ended:
            step = run_activity(submit_render_job, request, self.world.services())
            self.runner.run(self._start(step, video.ref))

    @precondition(lambda self: self.upstream.without_effect())
    @rule(which=st.integers(0, 9))
    def take_effect(self, which: int) -> None:
        waiting = self.upstream.without_effect()
        self.upstream.take_effect(waiting[which % len(waiting)])

    @precondition(lambda self: self.upstream.unanswered())
    @rule(which=st.integers(0, 9), how=st.sampled_from(["well", "broken off", "refused"]))
    def answer(self, which: int, how: str) -> None:
        waiting = self.upstream.unanswered()
        creation = waiting[which % len(waiting)]
        if how == "well":
            creation.answer.set_result(self.upstream.take_effect(creation))
        elif how == "broken off" or creation.job:
            self.upstream.break_off(creation, OutcomeUnknown("HTTP 500"))
        else:
            creation.answer.set_exception(UpstreamOverloaded("HTTP 429"))
            self.upstream.creations_sent.remove(creation)
        self.runner.run(self._go_on())

    @rule()
    def kill_the_host(self) -> None:
        for task in self.runs:
            task.cancel()
        self.runner.run(self._go_on())

    @precondition(lambda self: len(set(self.runs.values())) == len(self.runs))
    @rule(lives=st.integers(0, 5))
    def die_while_writing(self, lives: int) -> None:
        self.table.lives = lives

    @rule(down=st.booleans())
    def list_jobs_or_not(self, down: bool) -> None:
        self.upstream.fails.clear()
        if down:
            self.upstream.fails["created_since"] = UpstreamUnavailable("HTTP 503")

    @rule(seconds=st.sampled_from([0.3, 1, 5, 10, 20]))
    def wait(self, seconds: float) -> None:
        until = self.world.clock() + timedelta(seconds=seconds)
        for creation in sorted(self.upstream.unanswered(), key=lambda creation: creation.due_at):
            if creation.due_at <= until:
                self.world.clock.now = creation.due_at
                self.upstream.break_off(creation, TimeoutError())
                self.runner.run(self._go_on())
        self.world.clock.now = until

    @invariant()
    def no_two_videos_share_a_job(self) -> None:
        owned = Counter(record.upstream_id for record in self.world.videos.records.values() if record.upstream_id)
        assert all(count == 1 for count in owned.values())

    def teardown(self) -> None:
        """Nothing goes wrong any more: every video comes to its end, and nothing is left over."""
        try:
            self._come_to_an_end()
            records = list(self.world.videos.records.values())
            owned = {record.upstream_id for record in records}
            orphans = Counter(job.prompt for job in self.upstream.jobs.values() if job.upstream_id not in owned)
            failed = Counter[str | None](record.prompt for record in records if record.state is VideoState.FAILED)
            assert all(count <= UNANSWERED_LIMIT * failed[prompt] for prompt, count in orphans.items())
        finally:
            self.kill_the_host()
            self.runner.close()

    def _come_to_an_end(self) -> None:
        self.table.lives = float("inf")
        self.list_jobs_or_not(down=False)
        for creation in self.upstream.unanswered():
            self.upstream.break_off(creation, OutcomeUnknown("HTTP 500"))
        self.runner.run(self._go_on())
        while waiting := [number for number, video in enumerate(self.videos) if self._is_waiting(video)]:
            for number in waiting:
                self.run(number)
            for creation in self.upstream.unanswered():
                creation.answer.set_result(self.upstream.take_effect(creation))
            self.runner.run(self._go_on())
            self._let_a_second_pass()
        while self.upstream.without_effect():
            self._let_a_second_pass()

    def _is_waiting(self, video: Video) -> bool:
        return self.world.record(video).state in {VideoState.QUEUED, VideoState.SUBMITTING}

    def _let_a_second_pass(self) -> None:
        """Whatever may still take effect does so at the last moment."""
        late = self.upstream.without_effect()
        self.world.clock.now = min([self.world.clock() + timedelta(seconds=1), *(creation.latest for creation in late)])
        for creation in late:
            if creation.latest == self.world.clock():
                self.upstream.take_effect(creation)

    async def _start(self, step: Coroutine[Any, Any, dict[str, Any]], ref: VideoRef) -> None:
        self.runs[asyncio.create_task(step)] = ref
        await self._go_on()

    async def _go_on(self) -> None:
        """Let every run come as far as it can."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        for task in [task for task in self.runs if task.done()]:
            ref = self.runs.pop(task)
            with suppress(ProcessDied, asyncio.CancelledError):
                await self._end_if_failed(ref, StepResult.model_validate(task.result()))

    async def _end_if_failed(self, ref: VideoRef, result: StepResult) -> None:
        if failure := result.failure:
            record = self.world.videos.records[ref]
            self.world.videos.records[ref] = record if record.has_ended else record.failed(failure, self.world.clock())


TestNeverPayingTwice = NeverPayingTwice.TestCase
TestNeverPayingTwice.settings = settings(
    max_examples=50, stateful_step_count=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)  # what it finds takes minutes to shrink
