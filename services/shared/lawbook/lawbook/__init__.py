"""The law as dated data, and the small reader over it: `load().require("working-time/normal-week", on)`."""

from lawbook.book import Lawbook, load
from lawbook.production_calendar import CalendarDay, ProductionCalendar, Week
from lawbook.provision import NotInForce, Parameter, Provision
from lawbook.reader import LawUnreadable
from lawbook.rule import Rule
from lawbook.source import Act, Confidence, Source

__all__ = [
    "Act",
    "CalendarDay",
    "Confidence",
    "LawUnreadable",
    "Lawbook",
    "NotInForce",
    "Parameter",
    "ProductionCalendar",
    "Provision",
    "Rule",
    "Source",
    "Week",
    "load",
]
