"""Protected facts as they are given to the person: opened, or with why that cannot be."""

from collections.abc import Callable, Mapping
from typing import Any

from registry.protected.domain import ProtectedFact, SealedFact
from registry.protected.keys import SensitiveKeys
from registry.protected.sealing import opened, written

# How PostgreSQL writes bytes in JSON.
_HEX = "\\x"


def opening(keys: SensitiveKeys) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Returns what makes of a stored row, as JSON has it, what its person is given."""

    def given(row: Mapping[str, Any]) -> Mapping[str, Any]:
        content = bytes.fromhex(row["content"].removeprefix(_HEX))
        fact = opened(SealedFact(row["id"], row["servant"], row["key"], content, row["revision"]), keys)
        shown = written(fact.content) if isinstance(fact, ProtectedFact) else {"unread": fact.why.value}
        return {"id": row["id"], "servant": row["servant"], "revision": row["revision"], **shown}

    return given
