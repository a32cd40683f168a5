"""Showing the law that the machines apply. It is the same for everyone, so nothing is filtered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kernel.faults import NotFound
from kernel.text import LocalizedText
from lawbook import Lawbook, NotInForce, ProductionCalendar, Provision, Week

from regimes.names import provision_name


@dataclass(frozen=True, slots=True)
class ShownProvision:
    """A provision with the words that people read it by."""

    provision: Provision
    title: LocalizedText
    citation: LocalizedText


@dataclass(frozen=True, slots=True)
class GetProvision:
    """Shows the value of a parameter on a date."""

    law: Lawbook

    def __call__(self, parameter: str, on: date) -> ShownProvision:
        """Returns the provision; refuses NOT_FOUND, NOT_IN_FORCE."""
        if parameter not in self.law.parameters():
            raise NotFound(provision_name(parameter))
        provision = self.law.require(parameter, on)
        return ShownProvision(provision, self.law.parameter(parameter).title, self.law.source(provision.source).citation)


@dataclass(frozen=True, slots=True)
class ListProvisions:
    """Shows all parameters in force on a date."""

    law: Lawbook

    async def __call__(self, on: date, after: str, limit: int) -> Sequence[ShownProvision]:
        """Returns at most `limit` provisions with an ID above `after`, by ID."""
        shown: list[ShownProvision] = []
        for parameter in self.law.parameters():
            if parameter > after and len(shown) < limit:
                try:
                    shown.append(GetProvision(self.law)(parameter, on))
                except NotInForce:
                    continue
        return shown


@dataclass(frozen=True, slots=True)
class GetProductionCalendar:
    """Shows the production calendar of a year."""

    law: Lawbook

    def __call__(self, year: int, week: Week, as_known_on: date | None) -> ProductionCalendar:
        """Returns the newest version, or the newest known on a date; refuses NOT_IN_FORCE."""
        return self.law.calendar(year, week, as_known_on)
