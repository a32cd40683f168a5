from datetime import date

import pytest
from chassis.access import Caller
from chassis.pages import PageTokens, Position, filter_digest, page_size
from kernel.faults import Malformed

AIDA = Caller("aida", "portal")
BOLAT = Caller("bolat", "portal")
KGD = filter_digest("stateBodies/KGD", "active")
tokens = PageTokens("a key")


def test_a_token_leads_on_after_the_last_entry() -> None:
    token = tokens.issue(AIDA, KGD, date(2026, 11, 2), "0197-a/2")
    assert tokens.read(token, AIDA, KGD) == "0197-a/2"
    assert tokens.position(token, AIDA, KGD) == Position("0197-a/2", "2026-11-02")


def test_no_token_is_the_first_page() -> None:
    assert tokens.read("", AIDA, KGD) == ""


def test_a_token_serves_only_its_caller_its_filter_and_its_key() -> None:
    token = tokens.issue(AIDA, KGD, None, "x")
    for reader, caller, digest in (
        (tokens, BOLAT, KGD),
        (tokens, Caller("aida", "another"), KGD),
        (tokens, AIDA, filter_digest("stateBodies/MF", "active")),
        (PageTokens("another key"), AIDA, KGD),
    ):
        with pytest.raises(Malformed) as refused:
            reader.read(token, caller, digest)
        assert refused.value.reason == "PAGE_TOKEN"


def test_a_token_that_was_changed_anywhere_is_refused() -> None:
    token = tokens.issue(AIDA, KGD, None, "entry")
    for place in range(len(token) - 1):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(Malformed):
            tokens.read(other, AIDA, KGD)


@pytest.mark.parametrize("token", ["?", "AAAA", "not a token", "ё", "A" * 200])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Malformed):
        tokens.read(token, AIDA, KGD)


def test_a_filter_is_its_parts_and_not_their_text() -> None:
    assert filter_digest("a", "bc") != filter_digest("ab", "c")


def test_a_page_is_capped_and_never_refused() -> None:
    assert [page_size(asked) for asked in (-1, 0, 1, 50, 500, 501, 10**9)] == [50, 50, 1, 50, 500, 500, 500]
