"""What is published of a finding is exactly what the consumers' tests expect."""

from dataclasses import replace
from datetime import UTC, date, datetime

from chassis.testing.contracts import contract, unset_fields
from google.type.date_pb2 import Date
from tartip.timetracking.v1.events_pb2 import FindingChanged
from tartip.timetracking.v1.workday_service_pb2 import FINDING_KIND_UNKNOWN_BADGE, FindingKind, FindingState
from timetracking.findings.domain import Claim, Finding, State
from timetracking.findings.events import TOPIC, message
from timetracking.findings.texts import FindingTexts
from timetracking.workdays.domain import FindingKind as Kind
from timetracking.workdays.messages import KINDS

from ..samples import TUESDAY, WEDNESDAY, second

EVENT = "01987d3c-6f00-7a10-8000-000000000501"
AT = datetime(2026, 11, 26, 0, 0, 1, tzinfo=UTC)
REST = Claim("serikova", "rest_too_short", TUESDAY, second("2026-11-24T23:50"), 33_000, "lc-83", until=WEDNESDAY)
SHORT = Finding(REST, "KGD", "serikova", None, None, State.RAISED, 2, "7d3f0c2b9a1e4f58")


def test_a_finding_is_published_as_the_contract_says() -> None:
    assert message(SHORT, AT, EVENT) == contract(TOPIC, FindingChanged)


def test_the_contract_shows_every_field_but_the_device_and_a_decision() -> None:
    """A finding is of a servant or of a device; nobody decides on one yet."""
    assert unset_fields(contract(TOPIC, FindingChanged)) == {"device", "decision"}


def test_a_finding_of_a_device_names_the_device_and_no_badge_and_no_servant() -> None:
    claim = Claim("gate-1/hq:99", "unknown_badge", TUESDAY, second("2026-11-24T08:55"), 3, "lc-79")
    told = message(Finding(claim, "KGD", None, "gate-1", "hq:99", State.WITHDRAWN, 5, "e"), AT, EVENT)
    assert (told.device, told.servant, told.kind, told.seconds) == ("gate-1", "", FINDING_KIND_UNKNOWN_BADGE, 3)
    assert (told.state, told.revision, told.HasField("until")) == (FindingState.FINDING_STATE_WITHDRAWN, 5, False)
    assert b"hq:99" not in told.SerializeToString()


def test_the_identity_follows_from_what_is_found_and_from_nothing_else() -> None:
    """Anyone can compute the ID of a finding: UUIDv5 of subject, date, kind and first second."""
    assert str(REST.id) == contract(TOPIC, FindingChanged).finding
    assert replace(REST, seconds=1, until=None, rule="x", reads=("a",)).id == REST.id
    others = [replace(REST, subject="x"), replace(REST, kind="late"), replace(REST, first=1), replace(REST, date=date(2026, 1, 1))]
    assert len({each.id for each in (REST, *others)}) == 5


def test_every_kind_and_state_has_its_value_and_every_kind_its_text() -> None:
    assert list(KINDS) == [name.removeprefix("FINDING_KIND_").lower() for name, value in FindingKind.items() if value]
    assert {kind.value for kind in Kind} <= set(KINDS)
    assert {f"FINDING_STATE_{state.upper()}" for state in State} == set(FindingState.keys()) - {"FINDING_STATE_UNSPECIFIED"}
    texts = FindingTexts.load()
    assert set(texts.rows) == set(KINDS)
    assert {texts.severity(kind) for kind in texts.rows} <= {"info", "warning", "breach"}


def test_the_message_is_of_the_day_on_which_it_began() -> None:
    assert message(SHORT, AT, EVENT).date == Date(year=2026, month=11, day=24)
