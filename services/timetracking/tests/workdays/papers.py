"""Documents of `fold`, written the way a person thinks of them: an office day, a read at 08:55."""

from typing import Any

Json = dict[str, Any]
DATE = "2026-11-24"


def at(wall: str, day: int = 24) -> str:
    return f"2026-11-{day}T{wall}:00+05:00"


def span(start: str, end: str, day: int = 24) -> Json:
    return {"start": at(start, day), "end": at(end, day)}


def office(day: int = 24) -> Json:
    return {
        "date": f"2026-11-{day}",
        "kind": "office",
        "intervals": [{**span("09:00", "18:30", day), "place": "office"}],
        "breaks": [span("13:00", "14:30", day)],
        "core": None,
        "excused": [],
        "holiday": False,
        "grace": 0,
    }


def read(key: str, wall: str, direction: str | None, day: int = 24) -> Json:
    return {"device": "gate-1", "event_key": key, "at": at(wall, day), "direction": direction}


FOUR = (("17", "08:55", "in"), ("18", "13:02", "out"), ("19", "14:25", "in"), ("20", "18:33", "out"))


def document(*reads: Json, **of_servant: Any) -> Json:
    """A document of one servant and one date; without reads with those of an ordinary day."""
    return {
        "zone": "Asia/Almaty",
        "since": DATE,
        "until": DATE,
        "now": "2026-12-01T00:00:00+05:00",
        "parameters": {},
        "devices": [{"device": "gate-1", "role": "perimeter", "direction": "as_sent", "premises": "HQ"}],
        "servants": [{"servant": "S1", "plans": [office()], "reads": list(reads) or [read(*each) for each in FOUR], **of_servant}],
    }
