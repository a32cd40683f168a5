"""Findings of devices, as pure functions: from the reads of a device's days, and from its silence while people should pass.

Every finding follows from a set: of reads with their receipt, of badge spans, of plans, and for silence of the hours that
are over. The order in which things came and repetitions say nothing.
"""

from timetracking.device_findings.domain.clock import clock
from timetracking.device_findings.domain.numbers import (
    asked_for,
    between,
    event_numbers_reused,
    missing_numbers,
)
from timetracking.device_findings.domain.reads import (
    CLOCK,
    MISSING_NUMBERS,
    NUMBER_REUSED,
    SILENT,
    UNKNOWN_BADGE,
    DeviceRead,
    Reads,
    unknown_badges,
)
from timetracking.device_findings.domain.silence import (
    AROUND,
    Crowd,
    Pause,
    SilenceLaw,
    Watch,
    crowd_of,
    pauses,
    silences,
    silent_from,
    watched,
)

__all__ = [
    "AROUND",
    "CLOCK",
    "MISSING_NUMBERS",
    "NUMBER_REUSED",
    "SILENT",
    "UNKNOWN_BADGE",
    "Crowd",
    "DeviceRead",
    "Pause",
    "Reads",
    "SilenceLaw",
    "Watch",
    "asked_for",
    "between",
    "clock",
    "crowd_of",
    "event_numbers_reused",
    "missing_numbers",
    "pauses",
    "silences",
    "silent_from",
    "unknown_badges",
    "watched",
]
