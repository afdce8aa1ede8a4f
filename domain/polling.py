"""When to ask a deployment how far a job is: seldom at first, densely near the expected end.

Every check costs the orchestration eight history events, so a render that takes as long as expected gets three: one on
the way, for its progress, one shortly before the end and one at it. One that takes longer is asked for at growing
intervals, which never exceed a tenth of the time gone by.
"""

FIRST_CHECK = 0.6
"""The first check comes after this share of the expected render time,"""
APPROACH = 0.9
"""every further one after this share of what is expected to remain,"""
OVERDUE = 0.1
"""and past the expected end after at most this share of the time gone by."""
SHORTEST = 0.04
"""No two checks are closer than this share of the expected render time,"""
SHORTEST_S = 0.02
"""nor than this."""
LONGEST_S = 120.0


def next_check_s(*, elapsed_s: float, expected_s: float, progress: int = 0) -> float:
    """Seconds until the next status check.

    Args:
        elapsed_s: Time since the job was created.
        expected_s: How long such a job usually takes.
        progress: What the deployment says, in percent; a job that is ahead or behind moves the expected end.
    """
    end_s = _expected_end_s(elapsed_s, expected_s, progress)
    shortest_s = max(expected_s * SHORTEST, SHORTEST_S)
    remaining_s = end_s - elapsed_s
    if elapsed_s < end_s * FIRST_CHECK / 2:
        wait_s = end_s * FIRST_CHECK - elapsed_s
    elif remaining_s > 0:
        wait_s = remaining_s * APPROACH
    else:
        wait_s = min(-remaining_s, elapsed_s * OVERDUE)
    return min(max(wait_s, shortest_s), LONGEST_S)


def poll_hint_ms(*, elapsed_s: float, expected_s: float) -> int:
    """What to send as `openai-poll-after-ms`: openai-python keeps the first one it sees for all its polls."""
    remaining_s = max(expected_s - elapsed_s, 0.0)
    return int(min(max(remaining_s * 100, 250), 5000))


def _expected_end_s(elapsed_s: float, expected_s: float, progress: int) -> float:
    """Believe a reported progress as far as it goes: it weighs more the further the job is."""
    if progress in {0, 100}:
        return expected_s
    projected_s = elapsed_s * 100 / progress
    weight = progress / 100
    return projected_s * weight + expected_s * (1 - weight)
