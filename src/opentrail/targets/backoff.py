"""When a delivery is tried again, and when it is given up.

As EventBridge: exponential back-off with jitter, until an age or a number of attempts is reached,
whichever comes first. Source: EventBridge user guide, "How EventBridge retries delivering events".
"""

from __future__ import annotations

from hashlib import blake2b

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 600.0
LONGEST_WISH_SECONDS = 3600.0
"""A target that asks for a longer pause is asked after this one."""


def pause_seconds(delivery_id: str, attempts: int, wished: float = 0.0) -> float:
    """The pause before the next attempt.

    The jitter comes from the id, so that what failed together does not come back together, and a
    run can be repeated exactly.

    Args:
        attempts: Made so far; at least 1.
        wished: Seconds that the target asks for (Retry-After); 0 if for none.
    """
    # 2 ** attempts would be a number of a thousand digits for a delivery that never ends.
    full = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 20))
    digest = blake2b(f"{delivery_id}/{attempts}".encode(), digest_size=4).digest()
    share = int.from_bytes(digest, "big") / 2**32
    return max(full * (0.5 + share / 2), min(wished, LONGEST_WISH_SECONDS))


def why_given_up(
    *, attempts: int, max_attempts: int, age_seconds: float, max_age_seconds: int
) -> str:
    """The reason to give up, "" as long as there is none.

    Args:
        attempts: Made so far, the first one among them.
        max_attempts: Tries after the first one.
        age_seconds: Of the delivery when the next attempt would be made.
    """
    if attempts > max_attempts:
        return f"{attempts} attempts failed"
    if age_seconds > max_age_seconds:
        return f"it would be older than {max_age_seconds} s at the next attempt"
    return ""
