"""Facts to what is stored of them and back: one length for all, bound to the row that holds them."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import structlog
from kernel.days import DaySpan

from registry.protected.domain import Content, KeptFact, ProtectedFact, ProtectedFactKind, RestrictedWork, SealedFact, Unread, UnreadFact
from registry.protected.keys import KeyAbsent, NotWhatWasSealed, SensitiveKeys

log = structlog.get_logger(__name__)

# The longest content, a document of 200 letters of four bytes with all else, has some 1,050; blanks fill up what is shorter, so that
# the length of a row tells neither the kind nor the document.
LENGTH = 1_280


def sealed(fact: ProtectedFact, keys: SensitiveKeys) -> SealedFact:
    """The fact as it is stored, encrypted under the current key; SENSITIVE_KEYS_ABSENT where there is none."""
    row = SealedFact(fact.id, fact.servant, keys.current, b"", fact.revision)
    return replace(row, content=keys.encrypt(_padded(fact.content), _place(row)))


def opened(stored: SealedFact, keys: SensitiveKeys) -> KeptFact:
    """The stored fact, or why it cannot be read."""
    try:
        plain = keys.decrypt(stored.key, stored.content, _place(stored))
    except KeyAbsent:
        return UnreadFact(stored.id, stored.servant, stored.key, Unread.KEY_ABSENT, stored.revision)
    except NotWhatWasSealed:
        log.error("a protected fact is not what was sealed", fact=stored.id, key=stored.key)
        return UnreadFact(stored.id, stored.servant, stored.key, Unread.DAMAGED, stored.revision)
    return ProtectedFact(stored.id, stored.servant, _read(json.loads(plain)), stored.revision)


def _place(row: SealedFact) -> bytes:
    """What the encryption is bound to: nothing opens in another row, for another servant, under another name or as another revision.

    So an older content of the row is not taken for the newest; a row that was put back whole, revision and all, is not told apart.
    """
    return "\0".join(("registry", "protected_facts", row.id, row.servant, row.key, str(row.revision))).encode()


def written(content: Content) -> Mapping[str, Any]:
    """What is written down of a fact, as JSON takes it."""
    return {
        "kind": content.kind.value,
        "since": content.span.since.isoformat(),
        "until": content.span.until and content.span.until.isoformat(),
        "document": content.document,
        "child_born": content.child_born and content.child_born.isoformat(),
        "group": content.group,
        "barred": sorted(work.value for work in content.barred),
    }


def _padded(content: Content) -> bytes:
    plain = json.dumps(written(content), ensure_ascii=False).encode()
    if len(plain) > LENGTH:
        raise ValueError(f"the content of a protected fact has at most {LENGTH} bytes")
    return plain.ljust(LENGTH)


def _read(told: Mapping[str, Any]) -> Content:
    span = DaySpan(date.fromisoformat(told["since"]), _day(told["until"]))
    barred = frozenset(RestrictedWork(work) for work in told["barred"])
    return Content(ProtectedFactKind(told["kind"]), span, told["document"], _day(told["child_born"]), told["group"], barred)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
