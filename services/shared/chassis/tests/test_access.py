"""Grants and what they reach."""

import pytest
from chassis.access import AccessRule, Caller, Control, Grant, Reach, ScopeKind, become, current_caller, forbidden, grants_of
from chassis.access_rules import AccessNotDeclared, access_rules
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from hypothesis import given
from hypothesis import strategies as st
from tartip.access.v1 import access_pb2
from tartip.regimes.v1 import assignment_service_pb2, labour_order_rules_service_pb2, law_service_pb2, plan_service_pb2
from tartip.registry.v1 import servant_service_pb2, state_body_service_pb2
from tartip.timetracking.v1 import device_service_pb2, passage_service_pb2, remote_session_service_pb2, workday_service_pb2

ROLES = ("hr-officer", "inspector", "operator", "integrator")
GRANTS = st.lists(
    st.builds(
        lambda role, kind, scope: Grant(role, kind, "" if kind == "nation" else scope),
        st.sampled_from(ROLES),
        st.sampled_from(["state-body", "region", "nation", "system"]),
        st.sampled_from(["A", "B"]),
    ),
    max_size=4,
)
WITHIN_BODY: frozenset[ScopeKind] = frozenset({"state-body", "region", "nation"})
FILES = (
    assignment_service_pb2,
    labour_order_rules_service_pb2,
    law_service_pb2,
    plan_service_pb2,
    servant_service_pb2,
    state_body_service_pb2,
    device_service_pb2,
    passage_service_pb2,
    remote_session_service_pb2,
    workday_service_pb2,
)


@pytest.mark.parametrize(
    ("path", "grant"),
    [
        ("/state-bodies/KGD/hr-officer", Grant("hr-officer", "state-body", "KGD")),
        ("/regions/75/inspector", Grant("inspector", "region", "75")),
        ("/nation/inspector", Grant("inspector", "nation", "")),
        ("/systems/hq/device-gateway", Grant("device-gateway", "system", "hq")),
    ],
)
def test_a_group_path_is_a_role_within_a_scope(path: str, grant: Grant) -> None:
    assert Grant.parse(path) == grant
    assert grant.path == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "hr-officer",
        "/hr-officer",
        "/state-bodies",
        "/state-bodies/KGD",
        "/state-bodies//hr-officer",
        "/state-bodies/KGD/",
        "/state-bodies/KGD/hr-officer/more",
        "state-bodies/KGD/hr-officer",
        "/regions/inspector",
        "/nation",
        "/nation/",
        "/nations/inspector",
        "/own/s-0001/servant",
        "/state-bodies/KGD/servant",
        "/nation/servant",
    ],
)
def test_a_path_without_role_or_scope_grants_nothing(path: str) -> None:
    assert Grant.parse(path) is None
    assert grants_of([path]) == ()


def test_a_missing_scope_never_means_nation() -> None:
    rule = AccessRule("/m", frozenset({"inspector"}), frozenset(), WITHIN_BODY)
    assert rule.admits("a", "portal", None, grants_of(["/inspector", "/regions/inspector"])) is None


def test_an_officer_of_one_body_who_inspects_another_is_not_its_officer() -> None:
    grants = grants_of(["/state-bodies/A/hr-officer", "/state-bodies/B/inspector"])
    caller = AccessRule("/m", frozenset({"hr-officer"}), frozenset(), WITHIN_BODY).admits("a", "portal", None, grants)
    assert caller is not None
    assert caller.reach == Reach(bodies=frozenset({"A"}))


@given(
    GRANTS,
    GRANTS,
    st.frozensets(st.sampled_from(ROLES), min_size=1),
    st.sampled_from([WITHIN_BODY, frozenset({"region", "nation"}), frozenset({"system"})]),
)
def test_any_two_sets_of_grants_of_one_person_reach_what_each_reaches_and_no_more(
    some: list[Grant], others: list[Grant], roles: frozenset[str], kinds: frozenset[ScopeKind]
) -> None:
    rule = AccessRule("/m", roles, frozenset(), kinds)

    def reach(grants: list[Grant]) -> Reach:
        caller = rule.admits("a", "p", None, grants)
        return caller.reach if caller is not None else Reach()

    one, other, both = reach(some), reach(others), reach(some + others)
    assert both == Reach(one.nation or other.nation, one.regions | other.regions, one.bodies | other.bodies, one.systems | other.systems)
    assert all(Grant(role, kind, scope) in some + others for role, kind, scope in _held(rule, some + others))


def _held(rule: AccessRule, grants: list[Grant]) -> set[tuple[str, ScopeKind, str]]:
    caller = rule.admits("a", "p", None, grants)
    return {(grant.role, grant.scope_kind, grant.scope) for grant in caller.grants} if caller is not None else set()


def test_a_servant_reaches_their_own_records_only_where_the_method_lets_servants_in() -> None:
    own = AccessRule("/m", frozenset({"servant", "hr-officer"}), frozenset(), WITHIN_BODY)
    officers = AccessRule("/m", frozenset({"hr-officer"}), frozenset(), WITHIN_BODY)
    grants = grants_of(["/state-bodies/A/hr-officer"])
    let_in, not_let_in = own.admits("a", "p", "s-1", grants), officers.admits("a", "p", "s-1", grants)
    assert let_in is not None
    assert let_in.reach == Reach(bodies=frozenset({"A"}), servant="s-1")
    assert not_let_in is not None
    assert not_let_in.reach.servant is None
    assert not_let_in.servant == "s-1"


def test_a_servant_without_the_claim_is_nobody() -> None:
    rule = AccessRule("/m", frozenset({"servant"}), frozenset({"unit-head"}), WITHIN_BODY)
    assert rule.admits("a", "p", None, ()) is None
    assert rule.admits("a", "p", "", ()) is None


def test_a_relationship_lets_in_whom_the_records_know_and_reaches_what_they_control_alone() -> None:
    rule, control = AccessRule("/m", frozenset({"hr-officer"}), frozenset({"unit-head"}), WITHIN_BODY), Control(frozenset({"KGD/audit"}))
    caller = rule.admits("a", "p", "s-1", (), control)
    assert caller is not None
    assert caller.reach == Reach(control=control)
    assert rule.admits("a", "p", "s-1", (), Control()) is None


def test_a_relationship_counts_only_where_the_method_names_it() -> None:
    rule, control = AccessRule("/m", frozenset({"hr-officer"}), frozenset(), WITHIN_BODY), Control(frozenset({"KGD/audit"}))
    assert rule.admits("a", "p", "s-1", (), control) is None
    caller = rule.admits("a", "p", "s-1", grants_of(["/state-bodies/A/hr-officer"]), control)
    assert caller is not None
    assert caller.reach == Reach(bodies=frozenset({"A"}))


def test_a_grant_narrower_than_the_method_does_not_open_it() -> None:
    rules = access_rules([state_body_service_pb2.DESCRIPTOR.services_by_name["StateBodyService"]])
    create = rules["/tartip.registry.v1.StateBodyService/CreateStateBody"]
    assert create.admits("a", "p", None, grants_of(["/state-bodies/KGD/operator"])) is None
    assert create.admits("a", "p", None, grants_of(["/systems/hq/operator"])) is None
    assert create.admits("a", "p", None, grants_of(["/regions/75/operator"])) is not None


def test_only_a_system_submits_passages() -> None:
    rules = access_rules([passage_service_pb2.DESCRIPTOR.services_by_name["PassageService"]])
    record = rules["/tartip.timetracking.v1.PassageService/RecordPassages"]
    assert record.admits("a", "p", None, grants_of(["/nation/device-gateway", "/state-bodies/KGD/device-gateway"])) is None
    caller = record.admits("a", "p", None, grants_of(["/systems/hq/device-gateway"]))
    assert caller is not None
    assert caller.reach == Reach(systems=frozenset({"hq"}))


def test_every_method_of_the_platform_declares_its_access() -> None:
    services = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]
    rules = access_rules(services)
    assert len(rules) == sum(len(service.methods) for service in services)


@pytest.mark.parametrize(
    ("access", "missing"),
    [
        (None, "no option"),
        (access_pb2.Access(grants=["hr-officer"]), "no scope"),
        (access_pb2.Access(scope=access_pb2.SCOPE_OWN), "no grant"),
    ],
)
def test_a_method_without_a_whole_access_option_is_an_error(access: access_pb2.Access | None, missing: str) -> None:
    with pytest.raises(AccessNotDeclared, match=missing):
        access_rules([_service_with(access)])


@pytest.mark.parametrize("demanded", [True, False])
def test_the_option_says_whether_a_purpose_is_demanded(demanded: bool) -> None:
    access = access_pb2.Access(grants=["hr-officer"], scope=access_pb2.SCOPE_STATE_BODY, purpose=demanded)
    assert [rule.purpose for rule in access_rules([_service_with(access)]).values()] == [demanded]


def test_there_is_no_caller_outside_of_a_call() -> None:
    become(None)
    with pytest.raises(LookupError):
        current_caller()
    caller = Caller("a", "portal")
    become(caller)
    assert current_caller() is caller
    become(None)


def _service_with(access: access_pb2.Access | None) -> ServiceDescriptor:
    file = descriptor_pb2.FileDescriptorProto(name="planted.proto", package="planted", dependency=["tartip/access/v1/access.proto"])
    file.message_type.add(name="Empty")
    method = file.service.add(name="Planted").method.add(name="Call", input_type=".planted.Empty", output_type=".planted.Empty")
    if access is not None:
        method.options.Extensions[access_pb2.access].CopyFrom(access)
    pool = descriptor_pool.DescriptorPool()
    for needed in (descriptor_pb2.DESCRIPTOR, access_pb2.DESCRIPTOR):
        pool.AddSerializedFile(needed.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("planted.Planted")


def test_a_refusal_shows_some_of_many_grants_since_it_goes_in_trailers() -> None:
    refused = forbidden("/tartip.x.v1.X/Y", "—", [Grant("hr-officer", "state-body", f"B{number:02}") for number in range(300)])
    assert refused.facts["method"] == "tartip.x.v1.X/Y"
    assert str(refused.facts["grants"]).endswith("/state-bodies/B09/hr-officer, …")
    assert len(str(refused.facts["grants"])) < 400


def test_what_a_method_takes_is_its_roles_where_they_count_and_its_relationships() -> None:
    own = AccessRule("/m", frozenset({"servant", "auditor"}), frozenset({"unit-head"}), frozenset({"nation", "region"}))
    assert own.takes == "/nation, /regions/*: auditor, servant, unit-head"
    assert AccessRule("/m", frozenset({"servant"}), frozenset(), frozenset({"nation"})).takes == "servant"
