"""Passages on their way to the platform: what is acknowledged, what is refused by name, what is to be sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tartip.timetracking.v1.error_reason_pb2 import ERROR_REASON_IMPOSSIBLE_TIME, ERROR_REASON_MALFORMED
from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest, RecordPassagesResponse

from tartip_client.refusals import Refusal, refusal_in

PASSAGES_MOST = 1_000
"""Of one request, as the contract says."""
ANSWERED_WITHIN_S = 60.0
"""A stream that has not acknowledged all within this is ended, and what is left is sent by another."""
FINAL = frozenset({ERROR_REASON_MALFORMED, ERROR_REASON_IMPOSSIBLE_TIME})
"""Reasons that lie in the passage itself: the platform has parked it for a person to look at, and would say the same of it again.

Every other reason, one that is younger than this client too, lies in what the platform knows today: a device is enrolled or reinstated
later, or once more where a database came back from a backup.
"""
CUT = Refusal("UNAVAILABLE", "the stream was cut")


@dataclass(frozen=True, slots=True)
class RefusedPassage:
    """A passage that the platform did not take: keep it and send it again later, unless the refusal is `final`."""

    passage: Passage
    refusal: Refusal

    @property
    def final(self) -> bool:
        """Whether it need not be kept: what is wrong is the passage itself, and the platform has parked it."""
        return self.refusal.known in FINAL


class Waiting:
    """The passages of one sending that are not acknowledged yet, in their order."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages, self._acknowledged = tuple(passages), 0
        self.refused: list[RefusedPassage] = []

    def __bool__(self) -> bool:
        return self._acknowledged < len(self._passages)

    def requests(self) -> Iterator[RecordPassagesRequest]:
        """Yields the requests that carry what is left; the sequence of a passage is its place in the sending, from 1 on."""
        for first in range(self._acknowledged, len(self._passages), PASSAGES_MOST):
            yield RecordPassagesRequest(first_sequence=first + 1, passages=self._passages[first : first + PASSAGES_MOST])

    def take(self, answer: RecordPassagesResponse) -> bool:
        """Takes an acknowledgement: everything up to its sequence is in Kafka or refused by name; whether less is left than before."""
        for each in answer.refused:
            self.refused.append(RefusedPassage(self._passages[each.sequence - 1], refusal_in(each.refusal)))
        before, self._acknowledged = self._acknowledged, max(self._acknowledged, answer.acknowledged_sequence)
        return self._acknowledged > before


def broken(refusal: Refusal) -> Refusal:
    """Returns the refusal that ended a stream, or that it was cut.

    Of a line that breaks, be it by a proxy, no reason comes and any code may. Whoever still writes when the other side ends a stream may
    be told something of the line too, instead of why.
    """
    if refusal.reason or refusal.code not in ("INTERNAL", "UNKNOWN", "CANCELLED", "DEADLINE_EXCEEDED"):
        return refusal
    return replace(CUT, message=f"{CUT.message}: {refusal.code} {refusal.message}")
