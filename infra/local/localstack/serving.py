"""A server of others' making in a process of ours: it serves until it is asked to stop, and says so where it ends by itself."""

import signal
import threading

from chassis.testing.daemons import LAST_OCTETS, Daemon

LOOK_AGAIN_S = 0.2


def asked_to_stop() -> threading.Event:
    """An event that is set once somebody asks this process to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def served(server: Daemon, stop: threading.Event) -> int:
    """Waits until it is asked to stop (0), or the server has ended by itself (1)."""
    while not stop.wait(LOOK_AGAIN_S):
        if not server.running:
            print(f"{server.name} ended by itself. It said last, in {server.log}:\n{server.said[-LAST_OCTETS:]}", flush=True)
            return 1
    return 0
