"""Which roles there are, within which kinds of scope each may stand, and who may hold it: here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chassis.access import SCOPE_KINDS, Grant, ScopeKind
from kernel.faults import Malformed
from kernel.identifiers import check_id
from kernel.names import BODY_ID, CODE

Holder = Literal["person", "system"]


@dataclass(frozen=True, slots=True)
class Role:
    """A role: the kinds of scope under which it may stand, and whether people or systems hold it."""

    kinds: tuple[ScopeKind, ...]
    holder: Holder


ROLES: Mapping[str, Role] = {
    "hr-officer": Role(("state-body",), "person"),
    "inspector": Role(("region", "nation"), "person"),
    "auditor": Role(("state-body", "region"), "person"),
    "operator": Role(("region",), "person"),
    "integrator": Role(("state-body", "region", "nation"), "system"),
    "device-gateway": Role(("system",), "system"),
}
# The form of a scope's ID, as the services take it.
SCOPES: Mapping[ScopeKind, str] = {"state-body": BODY_ID, "region": CODE + "{1,10}", "system": "[A-Za-z0-9._-]{1,64}"}
FIELDS: Mapping[ScopeKind, str] = {"state-body": "state_body", "region": "region", "system": "system"}


def groups_of(kind: ScopeKind, scope: str) -> list[str]:
    """Returns the group paths of a scope, one a role that may stand under it: those of the body KGD begin with `/state-bodies/KGD/`.

    Malformed where the scope's ID has another form.
    """
    check_id(scope, FIELDS[kind], SCOPES[kind])
    return [Grant(name, kind, scope).path for name, role in ROLES.items() if kind in role.kinds]


def grant_for(holder: Holder, path: str) -> Grant:
    """Reads a grant that people, or systems, may hold: "/state-bodies/KGD/integrator". Malformed, with what would be right."""
    grant = Grant.parse(path)
    if grant is None:
        raise _wrong(f"{path!r} is no grant: it has the form /state-bodies/KGD/ROLE, /regions/75/ROLE, /nation/ROLE or /systems/hq/ROLE")
    role = ROLES.get(grant.role)
    if role is None:
        raise _wrong(f"{path!r}: there is no role {grant.role!r}; there are {', '.join(sorted(ROLES))}")
    if grant.scope_kind not in role.kinds:
        raise _wrong(f"{path!r}: {grant.role} may stand under {' or '.join(map(_folder, role.kinds))} alone")
    if role.holder != holder:
        raise _wrong(f"{path!r}: {grant.role} is held by a {role.holder}, not by a {holder}")
    if grant.scope_kind in SCOPES:
        check_id(grant.scope, "grant", SCOPES[grant.scope_kind])
    return grant


def _folder(kind: ScopeKind) -> str:
    return next((f"/{folder}/…" for folder, each in SCOPE_KINDS.items() if each == kind), f"/{kind}")


def _wrong(why: str) -> Malformed:
    return Malformed({"grant": why})
