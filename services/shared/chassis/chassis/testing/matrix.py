"""The access matrix, docs/access-matrix.csv: what each RPC answers each kind of caller, inside and outside of their scope.

It is written and read by people. A service's tests call every RPC as every caller and compare; `e2e_tests/gates` compares it with what
the RPCs declare.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CSV = Path(__file__).parents[5] / "docs" / "access-matrix.csv"
PLACES = ("inside", "outside")
# The roles in which a service under test enters its database: held by row-level security behind the filters, and by the filters alone.
WALLS = {"app": "both walls", "worker": "filters alone"}

# The grant of each caller inside and outside: of the body KGD, its region 75, its systems; of others. The nation has no outside.
GRANTS: Mapping[str, tuple[str, str]] = {
    "hr-officer@body": ("/state-bodies/KGD/hr-officer", "/state-bodies/MF/hr-officer"),
    "inspector@region": ("/regions/75/inspector", "/regions/10/inspector"),
    "inspector@nation": ("/nation/inspector", ""),
    "auditor@body": ("/state-bodies/KGD/auditor", "/state-bodies/MF/auditor"),
    "auditor@region": ("/regions/75/auditor", "/regions/10/auditor"),
    "integrator@body": ("/state-bodies/KGD/integrator", "/state-bodies/MF/integrator"),
    "integrator@region": ("/regions/75/integrator", "/regions/10/integrator"),
    "integrator@nation": ("/nation/integrator", ""),
    "operator@region": ("/regions/75/operator", "/regions/10/operator"),
    "device-gateway@system": ("/systems/hq/device-gateway", "/systems/elsewhere/device-gateway"),
}
SERVANT, UNIT_HEAD, NOBODY = "servant", "unit-head", "nobody"
CALLERS = (NOBODY, SERVANT, UNIT_HEAD, *GRANTS)


@dataclass(frozen=True, slots=True)
class Someone:
    """A caller of a kind: the grants of their token, and who they are as a servant."""

    kind: str
    place: str
    grants: tuple[str, ...] = ()
    servant: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}, {self.place}"


@dataclass(frozen=True, slots=True)
class People:
    """Who is a servant, and who heads a unit, inside and outside, in a service's tests."""

    own: str
    other: str
    head: str
    other_head: str


def callers(people: People) -> Iterator[Someone]:
    """Every kind of caller, inside and outside; nobody and the nation stand in one place only."""
    yield Someone(NOBODY, "outside")
    yield Someone(SERVANT, "inside", servant=people.own)
    yield Someone(SERVANT, "outside", servant=people.other)
    yield Someone(UNIT_HEAD, "inside", servant=people.head)
    yield Someone(UNIT_HEAD, "outside", servant=people.other_head)
    for kind, grants in GRANTS.items():
        for place, grant in zip(PLACES, grants, strict=True):
            if grant:
                yield Someone(kind, place, (grant,))


@cache
def matrix() -> Mapping[tuple[str, str, str], str]:
    """What is to be answered by RPC ("/tartip.registry.v1.ServantService/GetServant"), place and kind of caller; "" where nobody stands."""
    with CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {(f"/tartip.{row['rpc']}", row["place"], kind): row[kind] for row in rows for kind in CALLERS}


def expected(rpc: str, someone: Someone) -> str:
    """What the matrix says that the RPC answers; KeyError where it does not know the RPC."""
    return matrix()[rpc, someone.place, someone.kind]
