"""What becomes of those who wait for a deployment that fails, or does not let us in."""

from datetime import timedelta

from domain.capacity import GUARD_S, LOCKED_OUT, Fleet, Pool, fallback_for
from domain.condition import FAULTS_UNTIL_OPEN, LONGEST_REST_S, Condition
from domain.failures import Failure, FailureCode
from domain.slot import UNANSWERED, Outcome
from domain.video import VideoRef
from tests.unit.domain.pool_world import COOLDOWN_S, DAY, PoolWorld, a_broken_world, a_demand, a_world
from tests.unit.examples import NOW, a_deployment, a_model_catalog, an_id

LOCKED_OUT_S = LOCKED_OUT.total_seconds()
LOCKED = Condition(faults=FAULTS_UNTIL_OPEN, refused_since=NOW, rests_until=NOW + DAY)
"""A deployment that lets nobody in for long."""


def refuse_all(world: PoolWorld, seconds: float, outcome: Outcome, code: FailureCode) -> None:
    """Let time go by in which everybody asks when he should, and no job is taken."""
    end = world.now + timedelta(seconds=seconds)
    while world.slots or world.called or min(world.timers.values(), default=end) < end:
        for video in list(world.slots):
            world.refuse(video, outcome, code=code)
        if not world.called:
            world.pass_time_until(min(world.timers.values()))
        world.answer_calls()
    world.pass_time_until(end)


def test_an_open_circuit_gets_one_probe_and_opens_up_when_it_was_taken():
    world = a_broken_world({"max_concurrent": 3})
    first, second, third = world.many(3)
    assert not world.slots
    world.pass_time(COOLDOWN_S)
    world.answer_calls()
    assert (world.slots, world.probing) == ({first: "a"}, {first})
    world.report(first)
    assert world.called == {second, third}


def test_a_probe_that_fails_doubles_the_rest():
    world = a_broken_world()
    first = world.new()
    world.pass_time(COOLDOWN_S)
    world.answer_calls()
    world.refuse(first, Outcome.FAILED)
    world.answer_calls()
    assert world.timers[first] - world.now == timedelta(seconds=2 * COOLDOWN_S)


def test_a_probe_that_was_confirmed_is_none_when_the_circuit_opens_again():
    world = a_broken_world({"max_concurrent": 3})
    first, second, third = world.many(3)
    world.pass_time(COOLDOWN_S)
    world.answer_calls()
    world.report(first)
    world.answer_calls()
    world.refuse(second, Outcome.REFUSED)
    world.end(third)
    world.pass_time(COOLDOWN_S)
    world.answer_calls()
    assert world.probing == {second}


def test_failures_count_only_in_a_row():
    world = a_world({"max_concurrent": 3})
    first, second = world.many(2)
    for _ in range(FAULTS_UNTIL_OPEN - 1):
        world.refuse(first, Outcome.FAILED)
        world.answer_calls()
    world.end(second)
    world.refuse(first, Outcome.FAILED)
    assert not world.pool.conditions["a"].is_open


def test_a_probe_that_is_confirmed_twice_says_the_same():
    world = a_broken_world()
    world.pass_time(COOLDOWN_S)
    probing = world.new()
    world.report(probing)
    known = world.pool.model_copy(deep=True)
    world.report(probing)
    assert world.pool == known


def test_jobs_that_are_not_answered_open_the_circuit_and_keep_their_slots():
    world = a_world({"max_concurrent": FAULTS_UNTIL_OPEN})
    unanswered = world.many(FAULTS_UNTIL_OPEN)
    other, waiting = world.new(fallback="sora-2-pro"), world.new()
    for video in unanswered:
        assert not world.called
        world.report(video, UNANSWERED)
    assert world.condition(world.deployments[0]).is_open
    assert world.running() == {"a": FAULTS_UNTIL_OPEN}
    assert world.called == {other}
    world.answer_calls()
    assert world.elsewhere == {other: "sora-2-pro"}
    world.end(*unanswered)
    world.pass_time(COOLDOWN_S)
    world.answer_calls()
    assert world.probing == {waiting}


def test_a_probe_that_is_not_answered_stays_the_only_one_and_lengthens_the_rest():
    world = a_broken_world({"max_concurrent": 2})
    world.pass_time(COOLDOWN_S)
    probing, waiting = world.many(2)
    world.report(probing, UNANSWERED)
    world.pass_time(2 * COOLDOWN_S)
    world.ask(waiting)
    assert waiting not in world.slots
    world.report(probing)
    world.answer_calls()
    assert waiting in world.slots


def test_who_has_no_slot_has_nothing_to_tell():
    world = a_world()
    _, waiting = world.many(2)
    known = world.pool.model_copy(deep=True)
    world.report(waiting, UNANSWERED)
    assert world.pool == known


def test_one_broken_deployment_leaves_its_jobs_to_the_others():
    world = a_world({"priority": 1}, {"priority": 2, "max_concurrent": 9})
    video = world.new()
    for _ in range(FAULTS_UNTIL_OPEN):
        assert world.slots[video] == "a"
        world.refuse(video, Outcome.FAILED)
        world.answer_calls()
    assert world.slots[video] == "b"


def test_who_may_fall_back_is_sent_on_when_every_circuit_is_open_and_called_when_the_last_one_opens():
    world = a_world({}, {})
    first, second = world.many(2)
    waiting = world.new(fallback="sora-2-pro")
    world.refuse(first, Outcome.REFUSED)
    world.answer_calls()
    assert not world.elsewhere
    world.refuse(second, Outcome.REFUSED)
    assert waiting in world.called
    world.ask(waiting)
    assert world.elsewhere == {waiting: "sora-2-pro"}
    assert waiting not in world.pool.line


def test_who_may_not_fall_back_waits_for_the_probe_and_one_of_them_rings():
    world = a_world()
    refused, ringing, waiting = world.many(3)
    world.refuse(refused, Outcome.REFUSED)
    world.end(refused)
    assert world.called == {ringing}
    world.answer_calls()
    assert world.timers[ringing] - NOW == timedelta(seconds=COOLDOWN_S)
    assert world.timers[waiting] - NOW == timedelta(seconds=GUARD_S)


def test_who_may_fall_back_serves_as_the_probe_when_one_is_due():
    world = a_broken_world()
    world.pass_time(COOLDOWN_S)
    first, second = world.new(fallback="sora-2-pro"), world.new(fallback="sora-2-pro")
    assert world.probing == {first}
    assert world.elsewhere == {second: "sora-2-pro"}


def test_each_open_circuit_has_a_probe_of_its_own():
    world = a_broken_world({}, {})
    world.pass_time(COOLDOWN_S)
    assert set(world.many(2)) == world.probing


def test_the_last_in_the_chain_gets_some_time_before_the_first_is_asked_again():
    world = a_world()
    world.pool.conditions["a"] = LOCKED
    video = world.new(fallback="sora-2", starts_again=True)
    assert world.timers == {video: NOW + timedelta(seconds=GUARD_S)}
    world.pass_time(GUARD_S)
    world.answer_calls()
    assert (world.elsewhere, world.failures) == ({video: "sora-2"}, {})


def test_where_nobody_is_left_who_could_the_chain_starts_again_at_once():
    world = a_world({"retires_on": NOW.date() - DAY})
    video = world.new(fallback="sora-2", starts_again=True)
    assert world.elsewhere == {video: "sora-2"}


def test_those_of_a_chain_who_are_left_are_asked_in_turns_and_not_without_a_pause():
    chain = a_model_catalog(
        fallbacks={"a": ("b", "c")},
        a=[a_deployment(name="a", retires_on=NOW.date() - DAY)],
        b=[a_deployment(name="b")],
        c=[a_deployment(name="c")],
    )
    pools = {model: Pool(conditions={model: LOCKED}) for model in "abc"}
    video, demand = VideoRef(tenant="ann", video_id=an_id()), a_demand(model="a")
    asked, model, now = list[tuple[str, float]](), "a", NOW
    while now <= NOW + timedelta(seconds=2 * GUARD_S):
        asked.append((model, (now - NOW).total_seconds()))
        fallback = fallback_for(demand, chain, after=model, today=now.date())
        result = pools[model].acquire(video, demand, Fleet.of(chain, model, DAY), now, fallback=fallback)
        model, now = result.pool or model, now + timedelta(seconds=result.delay_s)
    again = [("c", GUARD_S), ("b", GUARD_S), ("c", GUARD_S)]
    assert asked == [("a", 0), ("b", 0), ("c", 0), *again, ("c", 2 * GUARD_S), ("b", 2 * GUARD_S), ("c", 2 * GUARD_S)]


# --- locked out


def test_who_is_let_in_nowhere_for_long_hears_why():
    world = a_world({}, {})
    video = world.new()
    refuse_all(world, LOCKED_OUT_S - 1, Outcome.REFUSED, FailureCode.UNAUTHORIZED)
    assert not world.failures
    refuse_all(world, 1 + LONGEST_REST_S, Outcome.REFUSED, FailureCode.UNAUTHORIZED)
    assert world.failures == {video: Failure(code=FailureCode.UNAUTHORIZED, message="It is refused.")}
    assert len(world.pool.line) == 0


def test_who_only_waits_for_one_that_lets_nobody_in_hears_so_when_he_asks_again():
    world = a_world()
    world.many(5)
    refuse_all(world, GUARD_S + 1, Outcome.REFUSED, FailureCode.DEPLOYMENT_NOT_FOUND)
    assert {failure.code for failure in world.failures.values()} == {FailureCode.DEPLOYMENT_NOT_FOUND}
    assert len(world.failures) == 5


def test_who_comes_later_gets_as_much_time():
    world = a_broken_world()
    world.pass_time(10 * LOCKED_OUT_S)
    late = world.new()
    assert world.probing == {late}
    refuse_all(world, LOCKED_OUT_S - 1, Outcome.REFUSED, FailureCode.UNAUTHORIZED)
    assert late in world.pool.line


def test_nobody_gives_up_while_a_probe_is_due():
    world = a_broken_world()
    video = world.new()
    world.pass_time(2 * LOCKED_OUT_S)
    assert world.ask(video).probing


def test_nobody_gives_up_where_only_some_are_locked_out():
    world = a_world({}, {})
    world.pool.conditions |= {"a": LOCKED, "b": LOCKED.model_copy(update={"refused_since": None})}
    video = world.new()
    world.pass_time(GUARD_S)
    world.answer_calls()
    assert video in world.pool.line
