"""Event numbers whose events are no passages.

A terminal numbers everything that happens: doors, heartbeats, unrecognised faces. Only passages go on to Kafka, so the event
before a passage is often one that nobody will ever see, and its number would look missing. The gateway therefore names the
nearest earlier event that was not ignored. It remembers in memory only: after a restart, or with two gateways behind one
address, one ignored event may look missing until the device's next passage.
"""

from collections.abc import Iterable

_REMEMBERED = 4_096  # numbers a device; a busy door makes some hundred events between two passages


class SkippedNumbers:
    """For each device the numbers of its ignored events, each with the number before it."""

    def __init__(self) -> None:
        self._before: dict[str, dict[int, int]] = {}

    def note(self, device: str, skipped: Iterable[tuple[int, int]]) -> None:
        """Remembers ignored events: (their number, the number before)."""
        known = self._before.setdefault(device, {})
        for number, before in skipped:
            if before < number:  # a counter that began anew tells nothing about what lies between
                known.pop(number, None)
                known[number] = before
        while len(known) > _REMEMBERED:
            del known[next(iter(known))]

    def nearest(self, device: str, number: int | None) -> int | None:
        """Returns the number itself, or, if its event was ignored, that of the nearest one before it that was not."""
        known = self._before.get(device, {})
        while number is not None and number in known:
            number = known[number]
        return number
