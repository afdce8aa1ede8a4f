"""How long to wait before an attempt is made again."""


def backoff_s(attempt: int, *, first_s: float = 1.0, longest_s: float = 60.0) -> float:
    """Exponential backoff, without randomness: each video has a history of its own.

    Args:
        attempt: How many attempts failed before, from 0.
        first_s: The first wait.
        longest_s: The bound.
    """
    return min(first_s * 2.0 ** min(attempt, 30), longest_s)
