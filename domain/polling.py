"""When to ask a deployment how far a job is: seldom at first, densely near the expected end."""

FIRST_CHECK = 0.6
"""The first check comes after this share of the expected render time,"""
APPROACH = 0.7
"""every further one after this share of what is expected to remain,"""
OVERDUE = 0.1
"""and past the expected end after this share of the time gone by."""
SHORTEST_S = 0.02
LONGEST_S = 60.0


def next_check_s(*, elapsed_s: float, expected_s: float, progress: int = 0) -> float:
    """Seconds until the next status check.

    Args:
        elapsed_s: Time since the job was created.
        expected_s: How long such a job usually takes.
        progress: What the deployment says, in percent; a job that is ahead or behind moves the expected end.
    """
    expected_s = _expected_from_progress(elapsed_s, expected_s, progress)
    remaining_s = expected_s - elapsed_s
    floor_s = max(expected_s * 0.04, SHORTEST_S)
    if elapsed_s < expected_s * FIRST_CHECK / 2:
        wait_s = expected_s * FIRST_CHECK - elapsed_s
    elif remaining_s > 0:
        wait_s = max(remaining_s * APPROACH, floor_s)
    else:
        wait_s = max(elapsed_s * OVERDUE, floor_s)
    return min(wait_s, LONGEST_S)


def poll_hint_ms(*, elapsed_s: float, expected_s: float) -> int:
    """What to send as `openai-poll-after-ms`: openai-python keeps the first one it sees for all its polls."""
    remaining_s = max(expected_s - elapsed_s, 0.0)
    return int(min(max(remaining_s * 100, 250), 5000))


def _expected_from_progress(elapsed_s: float, expected_s: float, progress: int) -> float:
    """Believe a reported progress as far as it goes: it weighs more the further the job is."""
    if progress in {0, 100}:
        return expected_s
    projected_s = elapsed_s * 100 / progress
    weight = progress / 100
    return projected_s * weight + expected_s * (1 - weight)
