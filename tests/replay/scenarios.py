"""What deployments may do to a video, told as the answers of its steps."""

from collections.abc import Mapping, Sequence

from domain.failures import Failure, FailureCode
from domain.workflow import Step, StepResult

TICK_S = 0.01

type Answers = Mapping[Step, Sequence[StepResult]]
"""What each step answers, time after time."""

_DONE = StepResult.done()
_AGAIN = StepResult.retry(TICK_S)
_MODERATED = StepResult.failed(Failure(code="moderation_blocked", message="Blocked by moderation."))
_EXPIRED = StepResult.failed(Failure(code=FailureCode.CONTENT_EXPIRED, message="Gone."))

SCENARIOS: Mapping[str, Answers] = {
    "completed": {
        Step.SUBMIT: [StepResult.done(delay_s=TICK_S)],
        Step.CHECK: [_AGAIN, _AGAIN, _DONE],
        Step.COPY: [_DONE],
        Step.END: [_DONE],
    },
    "completed_by_the_copy": {
        Step.SUBMIT: [StepResult.done(delay_s=TICK_S)],
        Step.CHECK: [_AGAIN, _DONE],
        Step.COPY: [StepResult.end()],
    },
    "overloaded_then_completed": {
        Step.SUBMIT: [_AGAIN, _AGAIN, StepResult.done(delay_s=TICK_S)],
        Step.CHECK: [_DONE],
        Step.COPY: [_AGAIN, _DONE],
        Step.END: [_AGAIN, _DONE],
    },
    "moderated": {
        Step.SUBMIT: [StepResult.done(delay_s=TICK_S)],
        Step.CHECK: [_AGAIN, _MODERATED],
        Step.END: [_DONE],
    },
    "rejected": {Step.SUBMIT: [_MODERATED], Step.END: [_DONE]},
    "expired": {Step.SUBMIT: [_DONE], Step.CHECK: [_DONE], Step.COPY: [_EXPIRED], Step.END: [_DONE]},
    "continued_as_new": {
        Step.SUBMIT: [_DONE],
        Step.CHECK: [*[_AGAIN] * 40, _DONE],
        Step.COPY: [_DONE],
        Step.END: [_DONE],
    },
}
