"""Who may do what: grants `role@scope` from the token, narrowed to what the called method allows."""

from collections.abc import Collection, Iterable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from kernel.faults import Forbidden

ScopeKind = Literal["state-body", "region", "nation", "system", "own"]
SCOPE_KINDS: dict[str, ScopeKind] = {"state-bodies": "state-body", "regions": "region", "systems": "system"}
OWN_ROLE = "servant"
UNIT_HEAD = "unit-head"
# A refusal goes in the trailers of an answer, which may not be long.
_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Grant:
    """An authority: a role within one scope, as the group path of the token says it.

    "/state-bodies/KGD/hr-officer" is `Grant("hr-officer", "state-body", "KGD")`, "/nation/inspector" is
    `Grant("inspector", "nation", "")`. A servant's reach to their own records is `Grant("servant", "own", <servant>)`:
    it comes from the claim `servant`, never from a path.
    """

    role: str
    scope_kind: ScopeKind
    scope: str

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Reads a group path; None where it is no grant: no role, no scope, an unknown kind of scope."""
        parts = path.split("/")
        if parts[0] != "" or not all(parts[1:]):
            return None
        match parts[1:]:
            case ["nation", role] if role != OWN_ROLE:
                return cls(role, "nation", "")
            case [kind, scope, role] if kind in SCOPE_KINDS and role != OWN_ROLE:
                return cls(role, SCOPE_KINDS[kind], scope)
        return None

    @property
    def path(self) -> str:
        """The group path of the grant."""
        if self.scope_kind == "nation":
            return f"/nation/{self.role}"
        return f"/{folder_of(self.scope_kind)}/{self.scope}/{self.role}"


def folder_of(kind: ScopeKind) -> str:
    """The folder of group paths in which scopes of a kind lie."""
    return next((folder for folder, each in SCOPE_KINDS.items() if each == kind), kind)


@dataclass(frozen=True, slots=True)
class Control:
    """Whose working time a servant controls today: Order 120, point 10 (`o120-p10`).

    `units` are those that the servant heads and the units beneath ("KGD/audit"); `people` are servants in units without a
    head whose position the servant's own supervises ("KGD/s-0147").
    """

    units: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()

    def holds(self, body: str, unit: str, servant: str) -> bool:
        """Whether a servant's record of a unit of a body is under it."""
        return f"{body}/{unit}" in self.units or f"{body}/{servant}" in self.people

    @property
    def paths(self) -> tuple[str, ...]:
        """What is controlled, as text: "/units/KGD/audit", "/people/KGD/s-0147"."""
        return (*(f"/units/{unit}" for unit in self.units), *(f"/people/{person}" for person in self.people))

    @property
    def bodies(self) -> frozenset[str]:
        """The bodies in which it lies."""
        return frozenset(each.partition("/")[0] for each in self.units | self.people)


class Relationships(Protocol):
    """The relationships of a service's records, looked up at each call that they open."""

    async def control(self, servant: str) -> Control:
        """Returns whose working time the servant controls today."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The records within a caller's grants: of the whole nation, of regions, of bodies, of systems, and their own; and those that they control."""

    nation: bool = False
    regions: frozenset[str] = frozenset()
    bodies: frozenset[str] = frozenset()
    systems: frozenset[str] = frozenset()
    servant: str | None = None
    control: Control = Control()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a person or a system, with the grants that count for the called method.

    `servant` is the registry's ID of the caller as a servant, if they are one: a name to look relationships up by, not
    an authority. `control` is what they control by a relationship that opens the called method.
    """

    subject: str
    client: str
    servant: str | None = None
    grants: tuple[Grant, ...] = ()
    control: Control = Control()

    @property
    def on_own_behalf(self) -> bool:
        """Whether the call reaches the caller's own records alone."""
        return not self.control.paths and all(grant.role == OWN_ROLE for grant in self.grants)

    @property
    def reach(self) -> Reach:
        """What grants and relationships reach together; a repository shows nothing outside of it."""
        return Reach(
            nation=any(grant.scope_kind == "nation" for grant in self.grants),
            regions=_scopes(self.grants, "region"),
            bodies=_scopes(self.grants, "state-body"),
            systems=_scopes(self.grants, "system"),
            servant=next(iter(_scopes(self.grants, "own")), None),
            control=self.control,
        )


@dataclass(frozen=True, slots=True)
class AccessRule:
    """The access rule of one method; `kinds` are the kinds of scope within which a grant counts for it.

    `purpose` says that whoever reaches more than their own records by it must say why.
    """

    method: str
    roles: frozenset[str]
    relationships: frozenset[str]
    kinds: frozenset[ScopeKind]
    purpose: bool = False

    def admits(
        self, subject: str, client: str, servant: str | None, grants: Iterable[Grant], control: Control = Control()
    ) -> Caller | None:
        """Returns the caller with the grants and the control that count here, or None where nothing of them opens the method."""
        counting = [grant for grant in grants if grant.role in self.roles and grant.scope_kind in self.kinds]
        if servant and OWN_ROLE in self.roles:
            counting.append(Grant(OWN_ROLE, "own", servant))
        held = control if UNIT_HEAD in self.relationships else Control()
        if not counting and not held.paths:
            return None
        return Caller(subject, client, servant, tuple(counting), held)

    @property
    def takes(self) -> str:
        """What opens the method: "/nation, /regions/*: operator", and relationships beside it."""
        places = ["/nation" if kind == "nation" else f"/{folder_of(kind)}/*" for kind in self.kinds if kind != "own"]
        granted = self.roles - {OWN_ROLE}
        besides = sorted({*self.relationships, *(self.roles & {OWN_ROLE})})
        return ", ".join([*([needed(places, granted)] if granted else []), *besides])


def needed(places: Iterable[str], roles: Iterable[str]) -> str:
    """Grants that would do: one of the roles at one of the places."""
    return f"{', '.join(sorted(places))}: {', '.join(sorted(roles))}"


def forbidden(method: str, takes: str, grants: Iterable[Grant]) -> Forbidden:
    """The refusal of a method that says what it takes, and what the caller has been granted."""
    paths = sorted({each.path for each in grants})
    shown = [*paths[:_MOST_SHOWN], *(["…"] if len(paths) > _MOST_SHOWN else [])]
    return Forbidden(method=method.removeprefix("/"), takes=takes, grants=", ".join(shown) or "—")


def grants_of(paths: Collection[str]) -> tuple[Grant, ...]:
    """Reads the grants of a token; a path that is no grant gives none."""
    return tuple(grant for grant in map(Grant.parse, paths) if grant is not None)


def _scopes(grants: Iterable[Grant], kind: ScopeKind) -> frozenset[str]:
    return frozenset(grant.scope for grant in grants if grant.scope_kind == kind)


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


def current_caller() -> Caller:
    """Returns who calls the RPC that is being answered; LookupError outside of an authorised RPC."""
    caller = _caller.get()
    if caller is None:
        raise LookupError("there is no caller outside of an authorised RPC")
    return caller


def caller_or_none() -> Caller | None:
    """Returns who calls, or None outside of an authorised RPC (a job, a consumer)."""
    return _caller.get()


def become(caller: Caller | None) -> None:
    """Makes `caller` the one of the current task; every RPC has a task of its own."""
    _caller.set(caller)
