"""Where a list goes on: page tokens that only we can make, for one caller and one filter.

A token holds IDs only, since anyone can read it and names would leak; its signature binds it to who asked for what.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date

from kernel.faults import Malformed

from chassis.access import Caller

PAGE_TOKEN = "PAGE_TOKEN"
_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Position:
    """The last entry that was shown, and the moment or day the list stands for ("" if it has none)."""

    last: str
    as_of: str


class PageTokens:
    """Makes and reads page tokens under one key, which all processes of a service share."""

    def __init__(self, key: str | bytes) -> None:
        self._key = key.encode() if isinstance(key, str) else key
        if not self._key:
            raise ValueError("page tokens need a key")

    def issue(self, caller: Caller, filter_digest: str, as_of: date | str | None, last: str) -> str:
        """The token that goes on after the entry `last` (its ID, or the IDs of its sort key)."""
        content = json.dumps([last, as_of.isoformat() if isinstance(as_of, date) else as_of or ""], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._signature(caller, filter_digest, content) + content).decode().rstrip("=")

    def read(self, token: str, caller: Caller, filter_digest: str) -> str:
        """The entry after which the page begins; "" for an empty token, which asks for the first page.

        Raises Malformed, reason PAGE_TOKEN, for a token that was not issued to this caller for this filter.
        """
        return self.position(token, caller, filter_digest).last

    def position(self, token: str, caller: Caller, filter_digest: str) -> Position:
        """As `read`, with the `as_of` that the first page was asked for."""
        if not token:
            return Position("", "")
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise _refused() from None
        signature, content = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(caller, filter_digest, content)):
            raise _refused()
        last, as_of = json.loads(content)
        return Position(last, as_of)

    def _signature(self, caller: Caller, filter_digest: str, content: bytes) -> bytes:
        bound = json.dumps([caller.subject, caller.client, filter_digest]).encode()
        return hmac.digest(self._key, len(bound).to_bytes(4, "big") + bound + content, "sha256")[:_SIGNATURE_BYTES]


def filter_digest(*parts: object) -> str:
    """A short name for a list's filter and order: the same parts give the same digest, others another."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()[:32]


def page_size(requested: int, default: int = 50, most: int = 500) -> int:
    """How many entries a page holds: what was asked for, at most `most`; the default where nothing was asked for."""
    return min(requested, most) if requested > 0 else default


def _refused() -> Malformed:
    return Malformed({"page_token": "a token that this list gave to you, for the same filter"}, reason=PAGE_TOKEN)
