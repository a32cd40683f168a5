"""Ports on loopback for servers that may be killed and started again on the same one."""

import random
import socket
from collections.abc import Iterator

# Below the ports that systems choose themselves, so that nobody's outgoing connection takes one between our look and its use.
PORTS = range(18_000, 32_000)


def _free() -> Iterator[int]:
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_UNUSED = _free()


def free_ports() -> Iterator[int]:
    """Gives ports that nobody listens on now, none of them twice in a process."""
    return _UNUSED


def free_port() -> int:
    """A port that nobody listens on now, and that this process was not given before."""
    return next(_UNUSED)
