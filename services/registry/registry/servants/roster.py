"""Taking people over one after another: who is known already decides what a new row means."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kernel.faults import Conflict, NotFound, WrongState
from kernel.names import servant_name

from registry.names import position_name
from registry.positions.domain import Position
from registry.servants.domain import AppointmentTerms, NewServant, Order, Servant
from registry.servants.iin import Iin

Posts = Mapping[tuple[str, str], Position]


class Outcome(StrEnum):
    """What became of a row that was taken."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


def orders(terms: Iterable[AppointmentTerms], posts: Posts) -> list[Order]:
    """The terms with their posts; NotFound for a position that is none of `posts`."""
    ordered = []
    for one in terms:
        post = posts.get((one.body, one.position))
        if post is None:
            raise NotFound(position_name(one.body, one.position))
        ordered.append(Order(one, post))
    return ordered


@dataclass(slots=True)
class Roster:
    """The people whose IDs or IINs a batch of rows names, and the positions within the caller's reach.

    `visible` holds the IDs of those whom the caller may see; of the others no row learns more than it said itself. `erased` holds
    those IDs of the rows that belonged to somebody who was erased: others pass over whatever is told of them.
    """

    posts: Posts
    people: dict[str, Servant]
    visible: set[str]
    erased: frozenset[str] = frozenset()
    owners: dict[Iin, str] = field(init=False)

    def __post_init__(self) -> None:
        self.owners = {servant.iin: servant.id for servant in self.people.values() if servant.iin is not None}

    def create(self, new: NewServant) -> Servant:
        """Takes a person who must not be known; refuses as `take` does, and ALREADY_EXISTS for anyone known."""
        self._refuse_strangers(new)
        if new.id in self.people:
            raise Conflict(servant_name(new.id))
        return self._kept(new.appointed(orders(new.terms, self.posts)))

    def take(self, new: NewServant) -> tuple[Outcome, Servant]:
        """Takes a row of an import: new, changed, or there already with the same content.

        Refuses IIN_KNOWN_ELSEWHERE (a transfer case) where the number belongs to somebody out of the caller's sight,
        ALREADY_EXISTS where it belongs to another servant or the ID to another person, SERVANT_ERASED where it
        belonged to one, NOT_FOUND (position), APPOINTMENTS_OVERLAP.
        """
        self._refuse_strangers(new)
        ordered = orders(new.terms, self.posts)
        known = self.people.get(new.id)
        if known is None:
            return Outcome.CREATED, self._kept(new.appointed(ordered))
        merged = known.merged(new.display_name, ordered)
        return (Outcome.UNCHANGED if merged == known else Outcome.UPDATED), self._kept(merged)

    def _refuse_strangers(self, new: NewServant) -> None:
        owner = self.owners.get(new.iin)
        if owner is not None and owner not in self.visible:
            raise WrongState("IIN_KNOWN_ELSEWHERE")
        if owner is not None and owner != new.id:
            raise Conflict(servant_name(owner))
        if owner is None and new.id in self.people:
            raise Conflict(servant_name(new.id))
        if new.id in self.erased:
            raise WrongState("SERVANT_ERASED", servant=servant_name(new.id))

    def _kept(self, servant: Servant) -> Servant:
        self.people[servant.id] = servant
        self.visible.add(servant.id)
        if servant.iin is not None:
            self.owners[servant.iin] = servant.id
        return servant
