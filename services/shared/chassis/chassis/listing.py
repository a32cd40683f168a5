"""Pages of a list, and the tokens that lead from one to the next."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chassis.access import Caller
from chassis.pages import PageTokens, filter_digest, page_size


class ListRequest(Protocol):
    """What every request of a list says."""

    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists in an order of their own; a token is bound to the caller and to what is listed, and holds the last key only."""

    tokens: PageTokens

    async def page(
        self,
        caller: Caller,
        request: ListRequest,
        what: str,
        key_of: Callable[[T], str],
        fetch: Callable[[str, int], Awaitable[Sequence[T]]],
    ) -> tuple[Sequence[T], str]:
        """Returns the page that the request asks for and the token of the next one, "" at the end.

        `fetch(after, limit)` reads the records after a key, "" for the first; `what` names the list, with its parent.
        Refuses PAGE_TOKEN.
        """
        digest, size = filter_digest(what), page_size(request.page_size)
        after = self.tokens.read(request.page_token, caller, digest)
        found = await fetch(after, size + 1)
        if len(found) <= size:
            return found, ""
        return found[:size], self.tokens.issue(caller, digest, None, key_of(found[size - 1]))
