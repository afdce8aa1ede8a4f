"""More videos than slots, on the real stack: a small run of `benchmarks.capacity_stack`."""

from benchmarks.capacity_stack import Plan, run_on_stack

PLAN = Plan(
    backlog=30, others=9, others_at_s=1, lone_at_s=3, outage_at_s=2, outage_s=3, failing="south", render_time_s=1
)


async def test_every_video_is_rendered_once_and_no_deployment_is_given_more_than_it_bears():
    run, _ = await run_on_stack(PLAN)  # which raises if a video fails
    assert len(run.jobs) == PLAN.videos
    assert run.refused == 0
    for name, limits in run.limits.items():
        assert run.most_running[name] <= limits.cap
        assert run.most_starts(name) <= limits.per_minute
