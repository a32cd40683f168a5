"""How long a call may take, what is repeated, and how long is waited before: arithmetic, without a clock of its own."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tartip_client.refusals import Refusal

log = logging.getLogger("tartip_client")
TOLD_AGAIN_AFTER_S = 60.0
"""Then after twice as long each time, up to an hour: who waits without an end says so, and does not fill the log."""
LONGEST_SILENCE_S = 3_600.0
AWAY = frozenset({"UNAVAILABLE", "RESOURCE_EXHAUSTED"})
"""What may be gone in a moment. All else would be answered alike a second time."""
READS = ("Get", "List", "Explain", "Verify")
"""How methods begin that change nothing; a test holds every other single call of the platform to have a request_id."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient a call is: within `deadline_s` seconds it is made up to `attempts` times.

    Where the platform says after how many seconds to come again, so long is waited and a little longer, so that those who were sent
    away together do not come back together. Else from `first_wait_s` on twice as long each time, up to `longest_wait_s`, of which a
    half is drawn. A wait that the deadline would not survive is not begun. Not gRPC's own retryPolicy: it tries five times at most, and
    knows nothing of RetryInfo.
    """

    deadline_s: float | None = 30.0  # as long as the platform works on a call itself
    attempts: int = 10_000  # the deadline comes first, also where one is told to come again each second
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0

    def wait_s(self, refusal: Refusal, attempt: int, left_s: float, drawn: float) -> float | None:
        """Returns how long to wait after the refusal of this attempt (1 is the first), None to give up; `drawn` is 0 to 1."""
        if refusal.code not in AWAY or attempt >= self.attempts:
            return None
        if refusal.retry_after_s is not None:
            wait = refusal.retry_after_s + drawn * self.first_wait_s
        else:
            wait = self._grown(attempt) * (1 + drawn) / 2
        return wait if wait < left_s else None

    def _grown(self, attempt: int) -> float:
        return min(self.longest_wait_s, self.first_wait_s * 2.0 ** min(attempt - 1, 60))


ONCE = Policy(attempts=1)
"""What is refused is refused: nothing is repeated but for a new token."""
PATIENT = Policy(deadline_s=None, attempts=2**63, longest_wait_s=30.0)
"""For what runs by itself: it goes on however long the platform is away."""


class Tries:
    """The attempts of one call, or of one stream since it last got on.

    Where there is no deadline nobody is told by an exception that nothing comes: the log is, from the second attempt on that failed.
    """

    def __init__(
        self,
        policy: Policy,
        deadline_s: float | None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._policy, self._deadline_s, self._clock, self._draw = policy, deadline_s, clock, draw
        self._told = False
        self.got_on()

    def got_on(self) -> None:
        """Begins anew: there was an answer."""
        if self._told:
            log.warning("the platform answers again")
        self._began, self._made, self._renewed = self._clock(), 1, False
        self._failed_first, self._told, self._tell_after_s = self._began, False, 0.0

    def left_s(self) -> float | None:
        """Returns the seconds left until the deadline, never less than none; None where there is no deadline."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - (self._clock() - self._began))

    def again_s(self, refusal: Refusal) -> float | None:
        """Returns how long to wait before the next attempt, None where this was the last one.

        A token that does not count is replaced once.
        """
        left = self.left_s()
        if refusal.code == "UNAUTHENTICATED" and not self._renewed:
            self._renewed = True
            return 0.0
        wait = self._policy.wait_s(refusal, self._made, float("inf") if left is None else left, self._draw())
        if wait is not None and left is None:
            self._tell(refusal)
        self._made += 1
        return wait

    def _tell(self, refusal: Refusal) -> None:
        """Says why nothing comes; not at the first break, which a moment later is none any more."""
        if self._made == 1:
            self._failed_first = self._clock()
            return
        waited_s = self._clock() - self._failed_first
        if waited_s >= self._tell_after_s:
            log.warning("nothing comes for %d s, in %d attempts, which go on: %s", waited_s, self._made, refusal)
            self._told, self._tell_after_s = True, waited_s + min(max(waited_s, TOLD_AGAIN_AFTER_S), LONGEST_SILENCE_S)


def repeatable(method: str, request: object) -> bool:
    """Whether a single call may be made again though nobody knows what became of the first one: it reads, or it has a request_id.

    `method` is the whole path: "/tartip.registry.v1.StateBodyService/GetStateBody".
    """
    return has_request_id(request) or method.rpartition("/")[2].startswith(READS)


def has_request_id(request: object) -> bool:
    """Whether a request has a place for the ID that makes a repetition harmless."""
    descriptor = getattr(request, "DESCRIPTOR", None)
    return descriptor is not None and "request_id" in descriptor.fields_by_name
