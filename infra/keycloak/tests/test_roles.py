"""Which grants there may be; the roles are those that the RPCs of the platform know."""

import pytest
from chassis.access import OWN_ROLE, SCOPE_KINDS, Grant
from chassis.testing.matrix import GRANTS
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Malformed
from localstack.methods import all_methods
from realm.declared import Declared
from realm.roles import ROLES, Holder, grant_for, groups_of
from tartip.access.v1 import access_pb2

HOLDERS = st.sampled_from(["person", "system"])
KINDS = st.sampled_from([*SCOPE_KINDS.values(), "nation"])


def why(holder: Holder, path: str) -> str:
    with pytest.raises(Malformed) as refused:
        grant_for(holder, path)
    return str(refused.value.violations["grant"])


@given(HOLDERS, st.sampled_from(sorted(ROLES)), KINDS, st.from_regex("[A-Za-z0-9-]{2,10}", fullmatch=True))
def test_a_role_stands_where_it_may_and_nowhere_else(holder: Holder, role: str, kind: str, scope: str) -> None:
    grant = Grant(role, kind, "" if kind == "nation" else scope)  # type: ignore[arg-type]
    if kind in ROLES[role].kinds and holder == ROLES[role].holder:
        assert grant_for(holder, grant.path) == grant
    else:
        assert why(holder, grant.path)


@given(HOLDERS, st.text("/abAB-0 .nation", max_size=40))
def test_any_other_text_is_no_grant(holder: Holder, path: str) -> None:
    grant = Grant.parse(path)
    if grant is None or grant.role not in ROLES:
        assert repr(path) in why(holder, path)


@pytest.mark.parametrize(
    ("holder", "path", "says"),
    [
        ("person", "state-bodies/KGD/hr-officer", "it has the form /state-bodies/KGD/ROLE"),
        ("person", "/state-bodies/KGD", "it has the form"),
        ("person", "/nation/king", "there is no role 'king'; there are auditor, device-gateway"),
        ("person", "/nation/servant", "it has the form"),
        ("person", "/nation/hr-officer", "may stand under /state-bodies/… alone"),
        ("person", "/state-bodies/KGD/inspector", "may stand under /regions/… or /nation alone"),
        ("system", "/nation/inspector", "is held by a person, not by a system"),
        ("person", "/nation/integrator", "is held by a system, not by a person"),
        ("person", "/state-bodies/a b/hr-officer", "must match [A-Za-z0-9-]{2,40}"),
    ],
)
def test_a_refusal_says_what_would_be_right(holder: Holder, path: str, says: str) -> None:
    assert says in why(holder, path)


def test_a_scope_has_a_group_for_each_role_that_may_stand_under_it() -> None:
    assert groups_of("state-body", "KGD") == [f"/state-bodies/KGD/{role}" for role in ("hr-officer", "auditor", "integrator")]
    assert groups_of("system", "hq") == ["/systems/hq/device-gateway"]
    with pytest.raises(Malformed, match="MALFORMED"):
        groups_of("state-body", "K/GD")


def test_every_role_that_an_rpc_admits_is_known_and_no_other() -> None:
    admitted = {role for method in all_methods() for role in method.descriptor.GetOptions().Extensions[access_pb2.access].grants}
    assert admitted - {OWN_ROLE} == set(ROLES)


def test_the_grants_of_the_declared_realm_and_of_the_tests_are_such() -> None:
    declared = Declared.read()
    paths = [path for path in declared.groups if Grant.parse(path)]
    assert paths
    for path in [*paths, *(each for pair in GRANTS.values() for each in pair if each)]:
        grant = Grant.parse(path)
        assert grant
        assert grant_for(ROLES[grant.role].holder, path) == grant
