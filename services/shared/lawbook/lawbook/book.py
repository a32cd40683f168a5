"""The lawbook as one object, read once and pure afterwards."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from kernel.faults import NotFound

from lawbook.calendar_law import CalendarLaw, calendar_law_of
from lawbook.production_calendar import ProductionCalendar, Week
from lawbook.provision import NotInForce, Parameter, Provision, parameter_of
from lawbook.reader import LawUnreadable, read
from lawbook.rule import Rule, wordings_of
from lawbook.source import LOWERED, Act, Source, act_of, citation_of, text_of

HERE = Path(__file__).parent
FOLDERS = ("calendars", "law", "rules", "sources")


class Lawbook:
    """The law as dated data: every question names the date whose law is meant."""

    def __init__(
        self,
        edition: str,
        parameters: Mapping[str, Parameter],
        rules: Mapping[str, tuple[Rule, ...]],
        sources: Mapping[str, Source],
        calendars: CalendarLaw,
    ) -> None:
        self.edition = edition
        self._parameters = parameters
        self._rules = rules
        self._sources = sources
        self._calendars = calendars
        self._made: dict[tuple[int, Week, date], ProductionCalendar] = {}

    def require(self, parameter: str, on: date) -> Provision:
        """Returns what the law sets for `parameter` on the date; NotInForce before its first, NotFound if there is none."""
        return self.parameter(parameter).on(on)

    def parameter(self, parameter: str) -> Parameter:
        """Returns a parameter with its title, unit and all its provisions; NotFound if there is none of that ID."""
        try:
            return self._parameters[parameter]
        except KeyError:
            raise NotFound(f"provisions/{parameter}") from None

    def parameters(self) -> tuple[str, ...]:
        """Returns the IDs of all parameters in order."""
        return tuple(self._parameters)

    def rule(self, rule_id: str, on: date) -> Rule:
        """Returns the wording of the rule that holds on the date, one step less certain once its act has ended.

        NotInForce outside the rule's spans, NotFound if there is no such rule.
        """
        for wording in self.wordings(rule_id):
            if wording.since <= on and (wording.until is None or on <= wording.until):
                ended = self._sources[wording.source].act.ended(on)
                return replace(wording, confidence=LOWERED[wording.confidence]) if ended else wording
        raise NotInForce(rule_id, on)

    def wordings(self, rule_id: str) -> tuple[Rule, ...]:
        """Returns every wording of the rule in the order of their dates."""
        try:
            return self._rules[rule_id]
        except KeyError:
            raise NotFound(f"rules/{rule_id}") from None

    def rules(self) -> tuple[str, ...]:
        """Returns the IDs of all rules in order."""
        return tuple(self._rules)

    def years(self) -> tuple[int, ...]:
        """Returns the years that have a production calendar."""
        return self._calendars.years()

    def source(self, source_id: str) -> Source:
        """Returns the place of an act with its citation; NotFound if the book does not use it."""
        try:
            return self._sources[source_id]
        except KeyError:
            raise NotFound(f"sources/{source_id}") from None

    def calendar(self, year: int, week: Week, as_known_on: date | None = None) -> ProductionCalendar:
        """Returns the production calendar of the year in its newest version, or the newest that was known on a date.

        NotInForce for a year that the book does not cover or that had no calendar yet on that date.
        """
        version = self._calendars.version(year, as_known_on)
        made = self._made.get((year, week, version))
        if made is None:
            hours = self.require(f"working-time/{'five' if week == '5-day' else 'six'}-day-hours", date(year, 1, 1)).value
            made = self._made[year, week, version] = self._calendars.compute(year, week, hours, version)
        return made


@cache
def load(folder: Path = HERE) -> Lawbook:
    """Reads the book at `folder` (its own by default) once; LawUnreadable if a file does not say what it must."""
    acts = {act.id: act for path in _files(folder, "sources") for act in [act_of(read(path), path.name)]}
    sources = {
        f"{act.id}/{place}".rstrip("/"): Source(f"{act.id}/{place}".rstrip("/"), act, citation_of(act, place), says)
        for act in acts.values()
        for place, says in [("", act.title), *act.places.items()]
    }
    rule_data = {path.name: read(path) for path in _files(folder, "rules")}
    _add_places_of_rules(sources, rule_data, acts)
    used = _ActOfSource(sources)
    rules: dict[str, tuple[Rule, ...]] = {}
    for name, data in rule_data.items():
        for rule_id, rule in data.items():
            if rule_id in rules:
                raise LawUnreadable(f"{name}: {rule_id} stands twice")
            rules[rule_id] = wordings_of(rule_id, rule, used, name)
    parameters: dict[str, Parameter] = {}
    for path in _files(folder, "law"):
        parameter = parameter_of(read(path), used, path.name)
        if parameter.id != path.relative_to(folder / "law").with_suffix("").as_posix():
            raise LawUnreadable(f"{path.name}: its ID must be its path")
        parameters[parameter.id] = parameter
    calendars = calendar_law_of({path.stem: read(path) for path in _files(folder, "calendars")}, used)
    return Lawbook(_edition(folder), dict(sorted(parameters.items())), dict(sorted(rules.items())), sources, calendars)


class _ActOfSource(Mapping[str, Act]):
    """The act of each source that the book uses; one that it does not know is refused."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources

    def __getitem__(self, source_id: str) -> Act:
        if source_id not in self._sources:
            raise LawUnreadable(f"the source {source_id} does not stand in the book")
        return self._sources[source_id].act

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)


def _add_places_of_rules(sources: dict[str, Source], rule_data: Mapping[str, Mapping[str, Any]], acts: Mapping[str, Act]) -> None:
    """A rule's title says what its place says; a place that only rules use needs no second sentence."""
    for name, data in rule_data.items():
        for rule_id, rule in data.items():
            for entry in rule["wordings"].values():
                source_id = entry["source"]
                act = next((acts[act_id] for act_id in _prefixes(source_id) if act_id in acts), None)
                if act is not None and source_id not in sources:
                    place = source_id.removeprefix(act.id + "/")
                    says = text_of(entry.get("title", rule["title"]), f"{name}: {rule_id}")
                    sources[source_id] = Source(source_id, act, citation_of(act, place), says)


def _prefixes(source_id: str) -> Iterator[str]:
    parts = source_id.split("/")
    return ("/".join(parts[:count]) for count in range(len(parts), 0, -1))


def _files(folder: Path, part: str) -> list[Path]:
    return sorted((folder / part).rglob("*.yaml"))


def _edition(folder: Path) -> str:
    digest = hashlib.sha256()
    for part in FOLDERS:
        for path in _files(folder, part):
            content = path.read_bytes()
            digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:16]
