"""Where the messages come from that a use case is being given: for what is counted once however often it is delivered."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from chassis.parking import Origin


@dataclass(frozen=True, slots=True)
class Source:
    """A message's place and its headers; it is `whole`, or a part of the message that lay there."""

    origin: Origin
    headers: Mapping[str, str]
    whole: bool = True


_sources: ContextVar[Sequence[Source]] = ContextVar("tartip_sources", default=())


def sources() -> Sequence[Source]:
    """The sources of the messages that are being applied, in their order; none outside of a delivery."""
    return _sources.get()


@contextmanager
def coming_from(given: Sequence[Source]) -> Iterator[None]:
    """Everything inside is done with messages that came from there."""
    token = _sources.set(given)
    try:
        yield
    finally:
        _sources.reset(token)
