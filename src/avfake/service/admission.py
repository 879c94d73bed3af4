"""How many requests are taken at once; the others are told when to come again."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from avfake.service.problems import ProblemError

_LONGEST_RETRY = 60
_MEMORY = 0.9  # of the mean of seconds per clip: how much the newest request leaves of it


class Admission:
    """Counts requests in; used in the event loop alone.

    Args:
        capacity: requests at once.
        slots: clips that are worked on at once, to guess a wait from.
    """

    def __init__(self, capacity: int, slots: int) -> None:
        self._capacity, self._slots = capacity, slots
        self._seconds = 1.0
        self.waiting = 0
        self.stopping = False

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place for one request.

        Raises:
            ProblemError: there is none, or the service stops.
        """
        if self.stopping:
            raise ProblemError("stopping", "no new work is taken", {"Retry-After": "5"})
        if self.waiting >= self._capacity:
            raise ProblemError(
                "queue-full", f"{self.waiting} requests are waiting", {"Retry-After": str(self._retry())}
            )
        self.waiting += 1
        begin = monotonic()
        try:
            yield
        finally:
            # Of the wait in the queue only a share is this request's own.
            own = (monotonic() - begin) * min(1.0, self._slots / self.waiting)
            self._seconds = _MEMORY * self._seconds + (1 - _MEMORY) * own
            self.waiting -= 1

    def _retry(self) -> int:
        return min(_LONGEST_RETRY, max(1, math.ceil(self._seconds * self.waiting / self._slots / 2)))
