"""Pages of a list, and the tokens that lead from one to the next."""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chassis.access import Caller
from chassis.clock import Clock
from chassis.pages import PageTokens, page_size


class ListRequest(Protocol):
    """What every request of a list says."""

    @property
    def page_size(self) -> int: ...
    @property
    def page_token(self) -> str: ...


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listing:
    """Lists ordered by ID; a token is bound to the caller and to what is listed, and holds the last ID only."""

    tokens: PageTokens
    clock: Clock

    async def page(
        self,
        caller: Caller,
        request: ListRequest,
        what: str,
        id_of: Callable[[T], str],
        fetch: Callable[[str, int], Awaitable[Sequence[T]]],
    ) -> tuple[Sequence[T], str]:
        """Returns the page that the request asks for and the token of the next one, "" at the end.

        `fetch(after, limit)` reads the records; `what` names the list, with its parent. Refuses PAGE_TOKEN.
        """
        digest = hashlib.sha256(what.encode()).hexdigest()
        size = page_size(request.page_size)
        after = self.tokens.read(request.page_token, caller, digest) if request.page_token else ""
        found = await fetch(after, size + 1)
        if len(found) <= size:
            return found, ""
        page = found[:size]
        return page, self.tokens.issue(caller, digest, self.clock(), id_of(page[-1]))
