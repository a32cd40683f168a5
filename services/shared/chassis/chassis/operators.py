"""Who gives a command of the command line: themselves by name, and as whom the machine knows them."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getuser

from kernel.faults import Malformed
from kernel.identifiers import new_id
from kernel.text import line

from chassis.access import Caller, grants_of
from chassis.calls import Call, working_for

_EVERYTHING = ("/nation/operator",)
_LONGEST = 100


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who gives the command: in a container everybody is the same user of the machine."""
    parser.add_argument("--by", help="who does it, one line: the audit names them, and the user of this machine")


@contextmanager
def operating(given: argparse.Namespace, *, looks: bool = False) -> Iterator[Caller]:
    """Whoever gives a command, and says who they are unless it only looks; the block works for them. Malformed where nobody is named.

    Nobody has proven that name, unlike a call's: the audit names the machine's user beside it, in the client's place.
    """
    if given.by is None and not looks:
        raise Malformed({"--by": 'who does it: --by "A. Serikova"'})
    by = machine_user() if given.by is None else line(given.by, "--by", _LONGEST)
    caller = Caller(by, f"command {given.command} as {machine_user()}", grants=grants_of(_EVERYTHING))
    with working_for(Call(f"command:{given.command}", new_id(), caller)):
        yield caller


def machine_user() -> str:
    """As whom this machine knows whoever is at work."""
    try:
        return getuser()
    except (KeyError, OSError):  # a container knows users by number
        return f"user {os.getuid()}"
