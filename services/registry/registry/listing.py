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


class Identified(Protocol):
    """A record with the ID by which its list is ordered."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Identified)


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists ordered by ID; a token is bound to the caller and to what is listed, and holds the last ID only."""

    tokens: PageTokens

    async def page(
        self, caller: Caller, request: ListRequest, what: str, fetch: Callable[[str, int], Awaitable[Sequence[T]]]
    ) -> tuple[Sequence[T], str]:
        """Returns the page that the request asks for and the token of the next one, "" at the end.

        `fetch(after, limit)` reads the records; `what` names the list, with its parent. Refuses PAGE_TOKEN.
        """
        digest = filter_digest(what)
        size = page_size(request.page_size)
        after = self.tokens.read(request.page_token, caller, digest)
        found = await fetch(after, size + 1)
        if len(found) <= size:
            return found, ""
        page = found[:size]
        return page, self.tokens.issue(caller, digest, None, page[-1].id)
