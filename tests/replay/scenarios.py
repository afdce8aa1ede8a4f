"""What deployments may do to a video, told as the answers of its steps."""

from collections.abc import Mapping, Sequence

from domain.capacity import NOBODY_CAN
from domain.failures import Failure, FailureCode
from domain.slot import Outcome, Verdict
from domain.workflow import Step, StepResult

TICK_S = 0.01

type Answers = Mapping[Step, Sequence[StepResult]]
"""What each step answers, time after time."""

_DONE = StepResult.done()
_SLOT = StepResult.granted("east", probing=False, wake=())
_AGAIN = StepResult.retry(TICK_S)
_RENDERING = StepResult.done(delay_s=TICK_S)
_BUSY = StepResult.give_back(Verdict(outcome=Outcome.TOO_FAST, error="HTTP 429"))
_MODERATED = StepResult.failed(Failure(code="moderation_blocked", message="Blocked by moderation."))
_EXPIRED = StepResult.failed(Failure(code=FailureCode.CONTENT_EXPIRED, message="Gone."))

SCENARIOS: Mapping[str, Answers] = {
    "completed": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [_RENDERING],
        Step.CHECK: [_AGAIN, _AGAIN, _DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [_DONE],
        Step.END: [_DONE],
    },
    "completed_by_the_copy": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [_RENDERING],
        Step.CHECK: [_AGAIN, _DONE],
        Step.RELEASE: [StepResult.done(wake=["video_that_waits"])],
        Step.COPY: [StepResult.end()],
    },
    "waited_in_the_line": {
        Step.ACQUIRE: [_AGAIN, StepResult.elsewhere("sora-2-pro"), _AGAIN, _SLOT],
        Step.SUBMIT: [_RENDERING],
        Step.CHECK: [_DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [StepResult.end()],
    },
    "probed": {
        Step.ACQUIRE: [StepResult.granted("east", probing=True, wake=())],
        Step.SUBMIT: [_DONE],
        Step.REPORT: [StepResult.done(wake=["video_that_waits"])],
        Step.CHECK: [_AGAIN, _DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [StepResult.end()],
    },
    "refused_then_completed": {
        Step.ACQUIRE: [_SLOT, _AGAIN, _SLOT],
        Step.SUBMIT: [_BUSY, _AGAIN, _RENDERING],
        Step.CHECK: [_DONE],
        Step.RELEASE: [_DONE, _DONE],
        Step.COPY: [_AGAIN, _DONE],
        Step.END: [_AGAIN, _DONE],
    },
    "unanswered_then_completed": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [StepResult.unanswered(TICK_S), _AGAIN, _RENDERING],
        Step.REPORT: [_DONE],
        Step.CHECK: [_DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [StepResult.end()],
    },
    "moderated": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [_RENDERING],
        Step.CHECK: [_AGAIN, _MODERATED],
        Step.RELEASE: [_DONE],
        Step.END: [_DONE],
    },
    "rejected": {Step.ACQUIRE: [_SLOT], Step.SUBMIT: [_MODERATED], Step.RELEASE: [_DONE], Step.END: [_DONE]},
    "nobody_can": {Step.ACQUIRE: [StepResult.failed(NOBODY_CAN)], Step.END: [_DONE]},
    "expired": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [_DONE],
        Step.CHECK: [_DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [_EXPIRED],
        Step.END: [_DONE],
    },
    "continued_as_new": {
        Step.ACQUIRE: [_SLOT],
        Step.SUBMIT: [_DONE],
        Step.CHECK: [*[_AGAIN] * 40, _DONE],
        Step.RELEASE: [_DONE],
        Step.COPY: [_DONE],
        Step.END: [_DONE],
    },
}
