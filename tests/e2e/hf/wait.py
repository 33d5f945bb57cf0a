"""Waiting for conditions, always with a limit, never for a time."""

import time

from hf import env


def eventually(condition, what, limit=10, step=0.005):
    """Returns the first true value of `condition()`; fails after `limit` seconds.

    `what` completes the sentence "timed out waiting until ...".
    """
    end = time.monotonic() + env.seconds(limit)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"timed out waiting until {what}; last seen: {value!r}")
        time.sleep(step)
        step = min(step * 1.5, 0.1)
