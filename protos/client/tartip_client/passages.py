"""Passages on their way to the platform: what is acknowledged, what is refused by name, what is to be sent again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tartip.timetracking.v1.passage_service_pb2 import Passage, RecordPassagesRequest, RecordPassagesResponse

from tartip_client.refusals import Refusal, refusal_in

PASSAGES_MOST = 1_000
"""Of one request, as the contract says."""
ANSWERED_WITHIN_S = 60.0
"""A stream that has not acknowledged all within this is ended, and what is left is sent by another."""
CUT = Refusal("UNAVAILABLE", "the stream ended before everything was acknowledged")


@dataclass(frozen=True, slots=True)
class RefusedPassage:
    """A passage that the platform did not take, and will not: it keeps it for a person to look at where it can be read."""

    passage: Passage
    refusal: Refusal


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

    Whoever still writes when the other side ends a stream may be told something of the line instead of why; then no reason came.
    """
    return CUT if not refusal.reason and refusal.code in ("INTERNAL", "UNKNOWN", "CANCELLED", "DEADLINE_EXCEEDED") else refusal
