"""Protected facts and limits over real gRPC, and what is left of them outside of the answers."""

import logging
from datetime import date, timedelta
from typing import Any

import pytest
from chassis.testing.answers import outcome, refused
from chassis.testing.fixtures import MakeDatabase
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, generate_latest
from registry.protected.keys import SensitiveKeys
from structlog.testing import capture_logs
from tartip.registry.v1 import protected_fact_service_pb2 as pf
from tartip.registry.v1 import servant_service_pb2 as sv
from tartip.registry.v1 import state_body_service_pb2 as sb

from ..samples import key
from ..serving import FOR, HR, MARCH, Registry, appointment, day, new_body, new_fact, new_position, new_servant, new_unit, serving, with_id

ID = "0197a6f2-2c1e-7a3b-8a51-0a5c1f1e0003"
SERIKOVA = "servants/serikova"
JANUARY = date(2026, 1, 12)
LIST = pf.ListProtectedFactsRequest(parent=SERIKOVA)
ENGLISH = {"language": "en"}


def limits(since: date = date(2026, 1, 1), until: date = date(2026, 12, 31), servant: str = SERIKOVA) -> pf.ListServantLimitsRequest:
    return pf.ListServantLimitsRequest(parent=servant, since=day(since), until=day(until))


@pytest.mark.parametrize(
    "request_",
    [
        new_fact(),
        new_fact(until=date(2026, 9, 30)),
        new_fact(kind=pf.PROTECTED_FACT_KIND_CHILD, child_born=date(2022, 5, 4)),
        new_fact(kind=pf.PROTECTED_FACT_KIND_CHILD_WITH_DISABILITY, child_born=date(2012, 5, 4)),
        new_fact(kind=pf.PROTECTED_FACT_KIND_DISABILITY, disability_group=2),
        new_fact(kind=pf.PROTECTED_FACT_KIND_MEDICAL_BAR, barred=[pf.RESTRICTED_WORK_NIGHT, pf.RESTRICTED_WORK_REST_DAY]),
    ],
    ids=lambda request: pf.ProtectedFactKind.Name(request.protected_fact.kind).removeprefix("PROTECTED_FACT_KIND_"),
)
async def test_a_fact_comes_back_as_it_was_recorded(registry: Registry, request_: pf.RecordProtectedFactRequest) -> None:
    hr = await registry.portal(HR)
    recorded = await hr.protected.RecordProtectedFact(request_)
    expected = pf.ProtectedFact(name=recorded.name, etag="r1")
    expected.MergeFrom(request_.protected_fact)
    assert recorded == expected
    assert recorded.name.startswith(f"{SERIKOVA}/protectedFacts/")
    assert list((await hr.protected.ListProtectedFacts(LIST, metadata=FOR)).protected_facts) == [expected]
    own = await registry.portal((), "serikova")
    assert list((await own.protected.ListProtectedFacts(LIST)).protected_facts) == [expected]


async def test_an_officer_says_what_facts_are_listed_for_and_the_record_keeps_it(registry: Registry) -> None:
    hr = await registry.portal(HR, **ENGLISH)
    refusal = await refused(hr.protected.ListProtectedFacts(LIST))
    assert (refusal.reason, list(refusal.violations)) == ("MALFORMED", ["tartip-purpose"])
    await hr.protected.ListProtectedFacts(LIST, metadata=FOR)
    rows = await registry.database.rows("SELECT purpose, body FROM audit_records WHERE action = 'protected-fact.list'")
    assert [tuple(row) for row in rows] == [("personnel-records", "KGD")]


async def test_facts_come_page_by_page_in_the_order_in_which_they_were_recorded(registry: Registry) -> None:
    hr = await registry.portal(HR)
    names = [(await hr.protected.RecordProtectedFact(new_fact(document=f"№ {number}"))).name for number in range(3)]
    first = await hr.protected.ListProtectedFacts(pf.ListProtectedFactsRequest(parent=SERIKOVA, page_size=2), metadata=FOR)
    token = first.next_page_token
    second = await hr.protected.ListProtectedFacts(
        pf.ListProtectedFactsRequest(parent=SERIKOVA, page_size=2, page_token=token), metadata=FOR
    )
    assert [fact.name for page in (first, second) for fact in page.protected_facts] == names
    assert not second.next_page_token


async def test_a_request_is_done_once_and_what_is_sensitive_is_not_kept_for_its_repetition(registry: Registry) -> None:
    hr = await registry.portal(HR, **ENGLISH)
    request = with_id(new_fact(), ID)
    recorded = await hr.protected.RecordProtectedFact(request)
    again = await hr.protected.RecordProtectedFact(request)
    assert again == pf.ProtectedFact(name=recorded.name, etag="r1")
    assert len((await hr.protected.ListProtectedFacts(LIST, metadata=FOR)).protected_facts) == 1
    other = with_id(new_fact(document="№ 119"), ID)
    assert (await refused(hr.protected.RecordProtectedFact(other))).reason == "REQUEST_ID_REUSED"


async def test_a_fact_ends_on_the_state_that_was_seen(registry: Registry) -> None:
    hr = await registry.portal(HR, **ENGLISH)
    fact = await hr.protected.RecordProtectedFact(new_fact())
    ended = await hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=fact.name, until=day(MARCH), etag=fact.etag))
    assert (ended.until, ended.etag, ended.document) == (day(MARCH), "r2", fact.document)
    stale = await refused(hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=fact.name, until=day(MARCH), etag="r1")))
    assert stale.reason == "STALE_ETAG"
    early = await refused(hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=fact.name, until=day(date(2026, 1, 1)))))
    assert (early.reason, early.violations) == ("MALFORMED", {"until": "not before the first day"})
    strange = await refused(
        hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=f"{SERIKOVA}/protectedFacts/{ID}", until=day(MARCH)))
    )
    assert strange.reason == "NOT_FOUND"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": pf.PROTECTED_FACT_KIND_UNSPECIFIED}, "kind"),
        ({"kind": pf.PROTECTED_FACT_KIND_MEDICAL_BAR, "barred": [0]}, "barred"),
        ({"kind": pf.PROTECTED_FACT_KIND_CHILD}, "child_born"),
        ({"disability_group": 1}, "disability_group"),
        ({"until": date(2026, 1, 1)}, "until"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(registry: Registry, wrong: dict[str, Any], field: str) -> None:
    refusal = await refused((await registry.portal(HR)).protected.RecordProtectedFact(new_fact(**wrong)))
    assert (refusal.code, list(refusal.violations)) == ("INVALID_ARGUMENT", [f"protected_fact.{field}"])


async def test_limits_are_shown_with_their_articles_and_never_the_fact(registry: Registry) -> None:
    hr, own = await registry.portal(HR), await registry.portal((), "serikova", **ENGLISH)
    await hr.protected.RecordProtectedFact(new_fact(kind=pf.PROTECTED_FACT_KIND_DISABILITY, disability_group=2, until=date(2026, 6, 30)))
    before, during, after = (await own.protected.ListServantLimits(limits())).servant_limits
    assert (during.since, during.until) == (day(date(2026, 1, 12)), day(date(2026, 6, 30)))
    assert (during.night_work, during.overtime, during.rest_day_work) == (pf.LIMIT_BY_CONSENT, pf.LIMIT_BARRED, pf.LIMIT_FREE)
    assert during.weekly_hours == 36
    assert [basis.rule for basis in during.legal_bases] == ["lc-76", "lc-77", "lc-69"]
    assert during.legal_bases[0].citation.en == "Labour Code, article 76"
    assert during.legal_bases[0].edition
    for each in (before, after):
        assert (each.night_work, each.overtime, each.rest_day_work, each.weekly_hours) == (*[pf.LIMIT_FREE] * 3, 40)
        assert not each.legal_bases
    assert not [word for word in ("disab", "118", "certificate") if word in str(during)]


@pytest.mark.parametrize(
    ("since", "until", "reason"),
    [
        (MARCH, MARCH - timedelta(days=1), "MALFORMED"),
        (MARCH, MARCH + timedelta(days=366), "MALFORMED"),
        (date(2015, 12, 31), date(2016, 1, 1), "NOT_IN_FORCE"),
        (MARCH, MARCH + timedelta(days=365), "OK"),
    ],
)
async def test_limits_are_asked_for_a_span_of_a_year_at_most(registry: Registry, since: date, until: date, reason: str) -> None:
    own = await registry.portal((), "serikova")
    assert await outcome(own.protected.ListServantLimits(limits(since, until))) == reason


async def test_a_body_sees_facts_as_long_as_it_employs_the_person_and_before(registry: Registry) -> None:
    """KGD until 31 January, MF from 1 March: on 2 February KGD has let the person go, and MF prepares."""
    operator = await registry.portal(("/regions/75/operator",))
    await operator.bodies.CreateStateBody(new_body("MF"))
    kgd, mf = await registry.portal(HR), await registry.portal(("/state-bodies/MF/hr-officer",))
    await mf.bodies.CreateUnit(new_unit("tax", "MF"))
    await mf.servants.CreatePosition(new_position("1", "tax", "MF"))
    both = await registry.portal((*HR, "/state-bodies/MF/hr-officer"))
    await kgd.servants.CreateServant(new_servant("akhmetov", 1))
    held = (await kgd.servants.GetServant(sv.GetServantRequest(name="servants/akhmetov"))).appointments[0].name
    asked = pf.ListProtectedFactsRequest(parent="servants/akhmetov")
    recorded = await kgd.protected.RecordProtectedFact(new_fact("akhmetov"))
    assert await outcome(mf.protected.ListProtectedFacts(asked, metadata=FOR)) == "NOT_FOUND"
    await kgd.servants.EndAppointment(sv.EndAppointmentRequest(name=held, until=day(date(2026, 2, 2))))
    assert await outcome(kgd.protected.ListProtectedFacts(asked, metadata=FOR)) == "OK"
    await kgd.servants.EndAppointment(sv.EndAppointmentRequest(name=held, until=day(date(2026, 1, 31))))
    assert await outcome(kgd.protected.ListProtectedFacts(asked, metadata=FOR)) == "NOT_FOUND"
    assert await outcome(kgd.protected.RecordProtectedFact(new_fact("akhmetov"))) == "NOT_FOUND"
    assert await outcome(kgd.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=recorded.name, until=day(MARCH)))) == "NOT_FOUND"
    assert await outcome(kgd.protected.ListServantLimits(limits(servant="servants/akhmetov"))) == "NOT_FOUND"
    assert await outcome(kgd.servants.GetServant(sv.GetServantRequest(name="servants/akhmetov"))) == "OK"
    await both.servants.CreateAppointment(
        sv.CreateAppointmentRequest(parent="servants/akhmetov", appointment=appointment("1", MARCH, body="MF"))
    )
    assert [fact.name for fact in (await mf.protected.ListProtectedFacts(asked, metadata=FOR)).protected_facts] == [recorded.name]
    own = await registry.portal((), "akhmetov")
    assert await outcome(own.protected.ListProtectedFacts(asked, metadata=FOR)) == "OK"


async def test_a_duty_in_a_body_opens_no_protected_fact_to_it(registry: Registry) -> None:
    operator = await registry.portal(("/regions/75/operator",))
    await operator.bodies.CreateStateBody(new_body("MF"))
    mf = await registry.portal(("/state-bodies/MF/hr-officer",))
    await mf.bodies.CreateUnit(new_unit("tax", "MF"))
    await mf.servants.CreatePosition(new_position("1", "tax", "MF"))
    both = await registry.portal((*HR, "/state-bodies/MF/hr-officer"))
    acting = appointment("1", MARCH, body="MF", kind=sv.APPOINTMENT_KIND_ACTING)
    await both.servants.CreateAppointment(sv.CreateAppointmentRequest(parent=SERIKOVA, appointment=acting))
    assert await outcome(mf.servants.GetServant(sv.GetServantRequest(name=SERIKOVA))) == "OK"
    assert await outcome(mf.protected.ListProtectedFacts(LIST, metadata=FOR)) == "NOT_FOUND"


@pytest.mark.parametrize("grant", ["/regions/75/hr-officer", "/nation/hr-officer"])
async def test_a_grant_that_is_wider_than_the_body_opens_no_protected_fact(registry: Registry, grant: str) -> None:
    wide = await registry.portal((grant,))
    calls = [
        wide.protected.RecordProtectedFact(new_fact()),
        wide.protected.ListProtectedFacts(LIST, metadata=FOR),
        wide.protected.ListServantLimits(limits()),
    ]
    assert [await outcome(call) for call in calls] == ["NOT_FOUND"] * 3


async def test_a_head_is_shown_the_limits_of_those_in_the_unit_and_no_longer_of_those_who_left(registry: Registry) -> None:
    hr = await registry.portal(HR)
    await hr.servants.CreateServant(new_servant("anna1", 8, appointment("18")))
    await hr.bodies.AppointUnitHead(
        sb.AppointUnitHeadRequest(name="stateBodies/KGD/units/audit", head="servants/anna1", since=day(JANUARY))
    )
    await hr.protected.RecordProtectedFact(new_fact())
    head = await registry.portal((), "anna1")
    shown = (await head.protected.ListServantLimits(limits(MARCH, MARCH))).servant_limits
    assert [each.night_work for each in shown] == [pf.LIMIT_BARRED]
    await hr.servants.EndAppointment(sv.EndAppointmentRequest(name=registry.held, until=day(date(2026, 2, 1))))
    assert await outcome(head.servants.GetServant(sv.GetServantRequest(name=SERIKOVA))) == "OK"
    assert await outcome(head.protected.ListServantLimits(limits(MARCH, MARCH))) == "NOT_FOUND"


async def test_hidden_and_absent_are_refused_alike(registry: Registry) -> None:
    stranger = await registry.portal(("/state-bodies/MF/hr-officer",), **ENGLISH)
    hidden = await refused(stranger.protected.ListProtectedFacts(LIST, metadata=FOR))
    absent = await refused(stranger.protected.ListProtectedFacts(pf.ListProtectedFactsRequest(parent="servants/nobody00"), metadata=FOR))
    assert hidden.text.replace("serikova", "nobody00") == absent.text
    assert hidden.code == absent.code == "NOT_FOUND"


async def test_without_keys_the_registry_answers_and_shows_no_protected_fact(emptied: MakeDatabase) -> None:
    async with serving(await emptied("registry"), keys=SensitiveKeys()) as registry:
        await registry.fill()
        hr = await registry.portal(HR, **ENGLISH)
        assert await outcome(hr.servants.GetServant(sv.GetServantRequest(name=SERIKOVA))) == "OK"
        end = pf.EndProtectedFactRequest(name=f"{SERIKOVA}/protectedFacts/{ID}", until=day(MARCH))
        calls = [
            hr.protected.RecordProtectedFact(new_fact()),
            hr.protected.ListProtectedFacts(LIST, metadata=FOR),
            hr.protected.EndProtectedFact(end),
            hr.protected.ListServantLimits(limits()),
        ]
        for call in calls:
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "SENSITIVE_KEYS_ABSENT")
            assert refusal.text == "The platform was told no keys for protected facts: none are shown or taken. Tell the operator."


async def test_a_fact_whose_key_is_gone_says_so_and_keeps_back_no_other(emptied: MakeDatabase) -> None:
    database = await emptied("registry")
    async with serving(database) as registry:
        await registry.fill()
        hr = await registry.portal(HR)
        old = await hr.protected.RecordProtectedFact(new_fact())
        await hr.servants.CreateServant(new_servant("anna1", 1, appointment("18")))
        heading = sb.AppointUnitHeadRequest(name="stateBodies/KGD/units/audit", head="servants/anna1", since=day(JANUARY))
        await hr.bodies.AppointUnitHead(heading)
    async with serving(database, keys=SensitiveKeys.told(key("autumn"))) as registry:
        hr = await registry.portal(HR, **ENGLISH)
        new = await hr.protected.RecordProtectedFact(new_fact())
        listed = (await hr.protected.ListProtectedFacts(LIST, metadata=FOR)).protected_facts
        assert list(listed) == [pf.ProtectedFact(name=old.name, etag="r1", unread=pf.UNREAD_REASON_KEY_ABSENT), new]
        for call in (
            hr.protected.ListServantLimits(limits()),
            hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=old.name, until=day(MARCH))),
        ):
            refusal = await refused(call)
            assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "PROTECTED_FACT_UNREAD")
            assert refusal.facts == {"resource": old.name, "key": "spring", "why": "key-absent"}
        own = await registry.portal((), "serikova")
        assert await outcome(own.protected.ListServantLimits(limits())) == "PROTECTED_FACT_UNREAD"
        head = await registry.portal((), "anna1", **ENGLISH)
        refusal = await refused(head.protected.ListServantLimits(limits()))
        assert (refusal.code, refusal.reason, refusal.facts) == ("FAILED_PRECONDITION", "LIMITS_UNREAD", {})
        assert refusal.text == "The limits cannot be shown now. Ask the HR service."
        assert await outcome(hr.protected.EndProtectedFact(pf.EndProtectedFactRequest(name=new.name, until=day(MARCH)))) == "OK"


async def test_a_row_that_was_moved_to_another_servant_does_not_open(registry: Registry) -> None:
    hr = await registry.portal(HR)
    fact = await hr.protected.RecordProtectedFact(new_fact())
    await hr.servants.CreateServant(new_servant("akhmetov", 1))
    await registry.database.rows("UPDATE protected_facts SET servant = 'akhmetov'")
    (moved,) = (
        await hr.protected.ListProtectedFacts(pf.ListProtectedFactsRequest(parent="servants/akhmetov"), metadata=FOR)
    ).protected_facts
    assert moved == pf.ProtectedFact(name=fact.name.replace("serikova", "akhmetov"), etag="r1", unread=pf.UNREAD_REASON_DAMAGED)


# Words of the story below, none of which stands anywhere but in answers to those who may know.
SECRETS = (b"Zhazira-7731", "Жазира-7731".encode(), b"2019-05-04", b"pregnancy", b"child-with", b"PREGNANCY", b"CHILD_WITH", b"2026-08-19")


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """Every span of the calls."""
    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("chassis.interceptors.telemetry.tracer", provider.get_tracer("test"))
    return kept


async def test_a_story_leaves_nothing_of_a_fact_in_tables_topics_logs_traces_metrics_and_refusals(
    emptied: MakeDatabase, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[bytes] = []
    with capture_logs() as logged, caplog.at_level(logging.DEBUG):
        async with serving(await emptied("registry")) as registry:
            await registry.fill()
            hr, stranger = await registry.portal(HR, **ENGLISH), await registry.portal(("/state-bodies/MF/hr-officer",), **ENGLISH)
            requests = [
                with_id(new_fact(document="Zhazira-7731", until=date(2026, 8, 19)), ID),
                new_fact(document="Жазира-7731", kind=pf.PROTECTED_FACT_KIND_CHILD_WITH_DISABILITY, child_born=date(2019, 5, 4)),
            ]
            facts = [await hr.protected.RecordProtectedFact(request) for request in requests]
            await hr.protected.RecordProtectedFact(requests[0])
            await hr.protected.ListProtectedFacts(LIST, metadata=FOR)
            end = with_id(pf.EndProtectedFactRequest(name=facts[0].name, until=day(date(2026, 8, 19))), ID)
            await hr.protected.EndProtectedFact(end)
            wrong = new_fact(document="Zhazira-7731\n", kind=pf.PROTECTED_FACT_KIND_CHILD, child_born=date(2026, 8, 19))
            for call in (hr.protected.RecordProtectedFact(wrong), stranger.protected.RecordProtectedFact(requests[1])):
                told.append(str(await refused(call)).encode())
            told.append(str(await hr.protected.ListServantLimits(limits())).encode())
            await registry.refusals.write()
            tables = await registry.database.rows(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            )
            for (table,) in tables:
                for row in await registry.database.rows(f'SELECT * FROM "{table}"'):
                    told.append(b"|".join(value if isinstance(value, bytes) else str(value).encode() for value in row))
            records = await registry.records()
    told += [str(logged).encode(), caplog.text.encode(), generate_latest(REGISTRY)]
    told += [span.to_json().encode() for span in spans.get_finished_spans()]
    assert [(secret, line[:200]) for secret in SECRETS for line in told if secret in line] == []
    assert sum(b"RecordProtectedFact" in line for line in told) > 3, "the search looks where the story was"
    assert {span.name for span in spans.get_finished_spans()} >= {"tartip.registry.v1.ProtectedFactService/RecordProtectedFact"}
    assert [action for action, _ in records if action.startswith(("protected", "servant-limit"))] == [
        *["protected-fact.record"] * 2,
        "protected-fact.list",
        "servant-limit.list",
    ]
