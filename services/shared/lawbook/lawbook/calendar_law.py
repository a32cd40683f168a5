"""What the production calendars are made of: holidays, days off and transfers, with when they hold and when they were known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from kernel.days import DaySpan
from kernel.text import LocalizedText

from lawbook.production_calendar import ProductionCalendar, Transfer, Week, days_of
from lawbook.provision import NotInForce
from lawbook.reader import LawUnreadable
from lawbook.source import Act, Confidence, check_fields, confidence_of, text_of

EVER = date.min


@dataclass(frozen=True, slots=True)
class DatedDays:
    """Days of a holiday: yearly ones ("MM-DD") or single dates, for dates within `holds`, as known from and to."""

    yearly: tuple[str, ...]
    single: tuple[date, ...]
    holds: DaySpan
    known: DaySpan
    source: str
    confidence: Confidence

    def in_year(self, year: int, known_on: date) -> Iterator[date]:
        """Yields its dates in the year as they were known on a date."""
        if not self.known.holds(known_on):
            return
        for day in (*(date.fromisoformat(f"{year}-{yearly}") for yearly in self.yearly), *self.single):
            if day.year == year and self.holds.holds(day):
                yield day


@dataclass(frozen=True, slots=True)
class Holiday:
    """A holiday, or a day off in every regime, with the days on which it falls."""

    id: str
    title: LocalizedText
    days: tuple[DatedDays, ...]


@dataclass(frozen=True, slots=True)
class PublishedTransfer:
    """A transfer of a day off by the labour authority, for the weeks that it names."""

    transfer: Transfer
    weeks: tuple[Week, ...]
    known: DaySpan
    source: str


@dataclass(frozen=True, slots=True)
class YearVersion:
    """A year's calendar as it was known from `version` on."""

    year: int
    version: date
    confidence: Confidence
    source: str


@dataclass(frozen=True, slots=True)
class CalendarLaw:
    """Everything that the calendars are computed from."""

    holidays: tuple[Holiday, ...]
    days_off: tuple[Holiday, ...]
    transfers: tuple[PublishedTransfer, ...]
    versions: tuple[YearVersion, ...]

    def years(self) -> tuple[int, ...]:
        """Returns the years that have a calendar."""
        return tuple(sorted({version.year for version in self.versions}))

    def version(self, year: int, as_known_on: date | None) -> date:
        """Returns the newest version of the year's calendar, or the newest known on a date; NotInForce if there is none."""
        known = [each.version for each in self.versions if each.year == year and (as_known_on is None or each.version <= as_known_on)]
        if not known:
            raise NotInForce(f"calendars/{year}", as_known_on or date(year, 1, 1))
        return max(known)

    def compute(self, year: int, week: Week, hours: Sequence[int], version: date) -> ProductionCalendar:
        """Returns the year's calendar for the week in one of its versions; `hours` are those from Monday to Sunday."""
        made = next(each for each in self.versions if (each.year, each.version) == (year, version))
        transfers = (
            each.transfer for each in self.transfers if each.transfer.free.year == year and week in each.weeks and each.known.holds(version)
        )
        days = days_of(year, hours, _in_year(self.holidays, year, version), _in_year(self.days_off, year, version), transfers)
        return ProductionCalendar(year, week, version, made.confidence, days)


def calendar_law_of(files: Mapping[str, Mapping[str, Any]], acts: Mapping[str, Act]) -> CalendarLaw:
    """Returns the calendar law that the files holidays, days-off, transfers and years hold."""
    check_fields(files, {"holidays", "days-off", "transfers", "years"}, set(), "calendars")
    return CalendarLaw(
        holidays=_holidays("holidays", files["holidays"], acts),
        days_off=_holidays("days-off", files["days-off"], acts),
        transfers=tuple(_transfer(entry, acts) for entry in files["transfers"]["transfers"]),
        versions=tuple(_version(entry, acts) for entry in files["years"]["calendars"]),
    )


def _in_year(holidays: Iterable[Holiday], year: int, known_on: date) -> list[date]:
    return [day for holiday in holidays for days in holiday.days for day in days.in_year(year, known_on)]


def _holidays(name: str, data: Mapping[str, Any], acts: Mapping[str, Act]) -> tuple[Holiday, ...]:
    found = []
    for holiday_id, holiday in data.items():
        where = f"{name}: {holiday_id}"
        check_fields(holiday, {"title", "falls"}, set(), where)
        days = tuple(_dated_days(entry, acts, where) for entry in holiday["falls"])
        found.append(Holiday(holiday_id, text_of(holiday["title"], where), days))
    return tuple(found)


def _dated_days(entry: Mapping[str, Any], acts: Mapping[str, Act], where: str) -> DatedDays:
    check_fields(entry, {"source", "confidence"}, {"yearly", "dates", "since", "until", "known_since", "known_until"}, where)
    if ("yearly" in entry) == ("dates" in entry):
        raise LawUnreadable(f"{where}: falls on yearly days or on dates")
    acts[entry["source"]]  # refuses a source that the book lacks
    return DatedDays(
        yearly=tuple(entry.get("yearly", ())),
        single=tuple(entry.get("dates", ())),
        holds=DaySpan(entry.get("since", EVER), entry.get("until")),
        known=DaySpan(entry.get("known_since", EVER), entry.get("known_until")),
        source=entry["source"],
        confidence=confidence_of(entry["confidence"], where),
    )


def _transfer(entry: Mapping[str, Any], acts: Mapping[str, Act]) -> PublishedTransfer:
    check_fields(entry, {"worked", "free", "weeks", "known_since", "source", "confidence"}, {"known_until"}, "transfers")
    acts[entry["source"]]  # refuses a source that the book lacks
    known = DaySpan(entry["known_since"], entry.get("known_until"))
    return PublishedTransfer(Transfer(entry["worked"], entry["free"]), tuple(entry["weeks"]), known, entry["source"])


def _version(entry: Mapping[str, Any], acts: Mapping[str, Act]) -> YearVersion:
    check_fields(entry, {"year", "version", "source", "confidence"}, set(), "years")
    acts[entry["source"]]  # refuses a source that the book lacks
    return YearVersion(entry["year"], entry["version"], confidence_of(entry["confidence"], f"years: {entry['year']}"), entry["source"])
