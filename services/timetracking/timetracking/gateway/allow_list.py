"""Which devices may speak to us."""

from typing import Protocol

from timetracking.gateway.domain import EnrolledDevice


class AllowList(Protocol):
    """The enrolled devices, by their serials."""

    async def find(self, serial: str) -> EnrolledDevice | None:
        """Returns the device of that serial, or None where none is enrolled; a device enrolled just now is found within seconds.

        Raises kernel.faults.Unavailable, or what its database raises, where it cannot tell.
        """
        ...

    def knows(self, serial: str) -> bool:
        """Says whether a device of that serial was found of late, without asking anybody."""
        ...
