"""Which tokens count."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from chassis.access import Grant
from chassis.auth import CACHE_S, LEEWAY_S, Claims, TokenRefused, TokenVerifier
from chassis.issuer_keys import UNKNOWN_KEY_S, IssuerKeys, IssuerRefused
from chassis.testing.tokens import AUDIENCE, LIFE_S, Tokens
from joserfc.jwk import RSAKey
from kernel.faults import Unavailable


@pytest.fixture
def issuer() -> Tokens:
    return Tokens()


@pytest_asyncio.fixture
async def verifier(issuer: Tokens) -> AsyncIterator[TokenVerifier]:
    async with issuer.verifier().running() as running:
        yield running


async def _why(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await verifier.verify(token)
    return refused.value.why


async def test_a_valid_token_says_who_calls(issuer: Tokens, verifier: TokenVerifier) -> None:
    token = issuer.mint("anna", ["/state-bodies/KGD/hr-officer", "/nowhere"], servant="s-1", client="portal")
    claims = await verifier.verify(token)
    assert (claims.subject, claims.client, claims.servant) == ("anna", "portal", "s-1")
    assert claims.grants == (Grant("hr-officer", "state-body", "KGD"),)


@pytest.mark.parametrize("kind", ["RSA", "EC"])
async def test_rsa_and_elliptic_keys_both_count(issuer: Tokens, kind: str) -> None:
    issuer.rotate(kind)
    async with issuer.verifier().running() as verifier:
        assert (await verifier.verify(issuer.mint("anna"))).subject == "anna"


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"exp": None}, "claim-exp"),
        ({"iss": "http://issuer.test/realms/other"}, "claim-iss"),
        ({"iss": "http://issuer.test/realms/tartip/"}, "claim-iss"),
        ({"iss": None}, "claim-iss"),
        ({"aud": "account"}, "claim-aud"),
        ({"aud": None}, "claim-aud"),
        ({"sub": None}, "claim-sub"),
        ({"typ": "ID"}, "type"),
        ({"typ": "Refresh"}, "type"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(issuer: Tokens, verifier: TokenVerifier, claims: dict[str, object], why: str) -> None:
    assert await _why(verifier, issuer.mint("anna", claims=claims)) == why


async def _at(issuer: Tokens, now: int, claim: str, instant: int) -> Claims:
    """What a token says whose claim is set to an instant, at the moment `now` of the server."""
    token = issuer.mint("anna", claims={"iat": now, "exp": now + LIFE_S} | {claim: instant})
    async with issuer.verifier(clock=lambda: now).running() as verifier:
        return await verifier.verify(token)


@pytest.mark.parametrize(
    ("claim", "from_now", "why"), [("exp", -LEEWAY_S, "expired"), ("nbf", LEEWAY_S + 1, "claim-nbf"), ("iat", LEEWAY_S + 1, "claim-iat")]
)
async def test_a_token_of_another_time_is_refused(issuer: Tokens, claim: str, from_now: int, why: str) -> None:
    now = int(time.time())
    with pytest.raises(TokenRefused) as refused:
        await _at(issuer, now, claim, now + from_now)
    assert refused.value.why == why


@pytest.mark.parametrize(("claim", "from_now"), [("exp", 1 - LEEWAY_S), ("nbf", LEEWAY_S), ("iat", LEEWAY_S)])
async def test_clocks_may_differ_a_little(issuer: Tokens, claim: str, from_now: int) -> None:
    now = int(time.time())
    assert (await _at(issuer, now, claim, now + from_now)).subject == "anna"


async def test_the_type_of_a_token_may_be_missing(issuer: Tokens, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.mint("anna", claims={"typ": None}))).subject == "anna"


async def test_one_audience_of_several_is_enough(issuer: Tokens, verifier: TokenVerifier) -> None:
    assert (await verifier.verify(issuer.mint("anna", claims={"aud": ["account", AUDIENCE]}))).subject == "anna"


async def test_an_unsigned_token_is_refused(issuer: Tokens, verifier: TokenVerifier) -> None:
    for algorithm in ("none", "None", "nOnE", ""):
        assert await _why(verifier, _token(issuer, {"alg": algorithm, "kid": issuer.keys[-1].kid}, b"")) == "algorithm"


async def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(issuer: Tokens, verifier: TokenVerifier) -> None:
    public = issuer.keys[-1].as_pem(private=False)
    header = {"alg": "HS256", "kid": issuer.keys[-1].kid}
    signed = hmac.digest(public, _token(issuer, header, b"").rsplit(".", 1)[0].encode(), hashlib.sha256)
    assert await _why(verifier, _token(issuer, header, signed)) == "algorithm"


async def test_a_token_signed_by_someone_else_under_a_known_key_id_is_refused(issuer: Tokens, verifier: TokenVerifier) -> None:
    stranger = RSAKey.generate_key(2048, {"kid": str(issuer.keys[-1].kid), "alg": "RS256"})
    assert await _why(verifier, issuer.sign(issuer.claims("anna"), stranger)) == "signature"


async def test_a_token_of_another_realm_is_refused(verifier: TokenVerifier) -> None:
    other = Tokens("http://issuer.test/realms/other")
    assert await _why(verifier, other.mint("anna")) == "unknown-key"


async def test_a_token_whose_claims_were_changed_is_refused(issuer: Tokens, verifier: TokenVerifier) -> None:
    head, _, signature = issuer.mint("anna").split(".")
    claims = _part(issuer.claims("anna", ["/nation/inspector"]))
    assert await _why(verifier, f"{head}.{claims}.{signature}") == "signature"


async def test_a_key_is_not_used_with_another_algorithm_than_its_own(issuer: Tokens, verifier: TokenVerifier) -> None:
    key = RSAKey.import_key({**issuer.keys[-1].as_dict(private=True), "alg": "PS256"})
    assert await _why(verifier, issuer.sign(issuer.claims("anna"), key)) == "unknown-key"


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "a.b.c.d", "....", "W10.e30.", "x" * 9000, "ё.ё.ё", "bnVsbA.e30.x", "W1tb" * 1900 + ".e30.x"]
)
async def test_what_is_no_token_is_refused(verifier: TokenVerifier, token: str) -> None:
    assert await _why(verifier, token) == "form"


async def test_a_servant_claim_that_is_no_text_makes_nobody_a_servant(issuer: Tokens, verifier: TokenVerifier) -> None:
    claims = await verifier.verify(issuer.mint("anna", claims={"servant": 7, "grants": "/nation/inspector", "azp": 7}))
    assert (claims.servant, claims.grants, claims.client) == (None, (), "")


async def test_known_keys_go_on_working_while_the_issuer_is_away(issuer: Tokens, verifier: TokenVerifier) -> None:
    issuer.away = True
    assert (await verifier.verify(issuer.mint("anna"))).subject == "anna"


async def test_without_any_key_the_answer_is_unavailable_until_the_issuer_is_back(issuer: Tokens) -> None:
    issuer.away = True
    async with issuer.verifier().running() as verifier:
        assert not verifier.ready
        with pytest.raises(Unavailable):
            await verifier.verify(issuer.mint("anna"))


async def test_a_new_key_of_the_issuer_works_at_once(issuer: Tokens, verifier: TokenVerifier) -> None:
    issuer.rotate()
    assert (await verifier.verify(issuer.mint("anna"))).subject == "anna"


async def test_five_hundred_unknown_keys_at_once_cost_one_request(issuer: Tokens, verifier: TokenVerifier) -> None:
    strangers = Tokens(issuer.issuer)
    token = strangers.mint("mallory")
    before = issuer.fetches
    answers = await asyncio.gather(*(verifier.verify(token) for _ in range(500)), return_exceptions=True)
    assert all(isinstance(answer, TokenRefused) for answer in answers)
    assert issuer.fetches == before + 1


async def test_the_issuer_is_asked_again_for_an_unknown_key_after_a_while(issuer: Tokens) -> None:
    now = 1000.0
    keys = IssuerKeys(issuer, issuer.issuer, False, clock=lambda: now)
    assert await keys.for_kid("stranger", "RS256") is None
    now += UNKNOWN_KEY_S - 0.1
    assert await keys.for_kid("stranger", "RS256") is None
    assert issuer.fetches == 1
    now += 0.2
    assert await keys.for_kid("stranger", "RS256") is None
    assert issuer.fetches == 2


async def test_a_token_of_a_withdrawn_key_lives_a_minute_at_most(issuer: Tokens) -> None:
    now = time.time()
    async with issuer.verifier(clock=lambda: now).running() as verifier:
        token = issuer.mint("anna")
        await verifier.verify(token)
        issuer.keys.clear()
        issuer.rotate()
        await verifier.verify(issuer.mint("bolat"))  # an unknown key: the set is read anew, without the old one
        now += CACHE_S - 1
        assert (await verifier.verify(token)).subject == "anna"
        now += 2
        assert await _why(verifier, token) == "unknown-key"


async def test_a_remembered_token_ends_when_it_expires(issuer: Tokens) -> None:
    now = time.time()
    async with issuer.verifier(clock=lambda: now).running() as verifier:
        token = issuer.mint("anna", claims={"exp": int(now) + 10})
        await verifier.verify(token)
        now += 10 + LEEWAY_S + 1
        assert await _why(verifier, token) == "expired"


async def test_a_demo_sign_in_is_refused_unless_it_is_let_in_by_name() -> None:
    demo = Tokens(demo=True)
    with pytest.raises(IssuerRefused, match="TARTIP_ALLOW_DEMO_ISSUER"):
        async with TokenVerifier(demo.issuer, AUDIENCE, source=demo).running():
            pass
    async with TokenVerifier(demo.issuer, AUDIENCE, allow_demo_issuer=True, source=demo).running() as verifier:
        assert (await verifier.verify(demo.mint("anna"))).subject == "anna"


async def test_an_issuer_that_calls_itself_by_another_name_is_refused(issuer: Tokens) -> None:
    with pytest.raises(IssuerRefused, match="calls itself"):
        async with TokenVerifier(issuer.issuer + "/", AUDIENCE, source=issuer).running():
            pass


async def test_keys_are_read_over_http_by_discovery(issuer: Tokens) -> None:
    async with issuer.serving() as url, TokenVerifier(url, AUDIENCE).running() as verifier:
        assert (await verifier.verify(issuer.mint("anna"))).subject == "anna"


async def test_an_issuer_that_answers_nonsense_is_away(issuer: Tokens) -> None:
    async with issuer.serving() as url, TokenVerifier(url + "/nowhere", AUDIENCE).running() as verifier:
        assert not verifier.ready


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _token(issuer: Tokens, header: Mapping[str, object], signature: bytes) -> str:
    return f"{_part(header)}.{_part(issuer.claims('anna'))}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
