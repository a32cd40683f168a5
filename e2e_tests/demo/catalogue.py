"""What is planted, in plain words: the table of docs/demo.md. `python -m demo.catalogue` prints it."""

from dataclasses import dataclass

NO_FINDING = "none"
UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of fault: what happens, the kinds of findings that come of it, and how they follow."""

    happens: str
    findings: tuple[str, ...] = ()
    because: str = ""


CATALOGUE: dict[str, Entry] = {
    # Of people.
    "late": Entry("comes after the day began", ("late",), "from the beginning of the day to the entry"),
    "late_within_grace": Entry("comes late by less than the grace of the unit", (), "the figure stays, a finding is not raised"),
    "early_leave": Entry("goes home before the day ends", ("early_leave",), "from the exit to the end of the day"),
    "left_during_day": Entry("leaves for an hour in the morning", ("left_during_day",), "from the exit to the entry"),
    "late_from_lunch": Entry("comes back after the break", ("left_during_day",), "from the end of the break to the entry; the break is nobody's"),
    "absent": Entry("does not come at all", ("absent",), "all hours of the day"),
    "missing_exit": Entry("forgets to badge out in the evening", ("missing_exit",), "presence is assumed to the end of the day"),
    "missing_exit_to_lunch": Entry("forgets to badge out to lunch", ("missing_exit",), "presence is assumed to the next read"),
    "missing_entry": Entry("forgets to badge in in the morning", ("missing_entry",), "presence is assumed from the beginning of the day"),
    "missing_entry_from_lunch": Entry("forgets to badge in after lunch", ("missing_entry",), "presence is assumed from the exit before"),
    "left_early_unread": Entry(
        "goes home early and badges nothing", ("missing_exit",), "the exit was not read: that it was early is undetermined, and nobody is accused of it"
    ),
    "went_out_unread": Entry(
        "goes out and comes back through a door without a reader", (UNDETERMINED,), "an exit and an entry that were both not read cancel"
    ),
    "past_midnight": Entry("stays until half past midnight before a day off", (), "the hours are those of the day before, outside hours"),
    "overnight_stay": Entry("stays until a quarter to five before a day off", ("overnight_stay",), "from the entry to the border at four"),
    "overnight_before_work": Entry(
        "stays until a quarter to five and works the next day", ("overnight_stay",), "worked time ended in the evening, so the rest was kept"
    ),
    "stayed_late": Entry("stays until nine in the evening without an order", (), "presence outside hours is a fact, not overtime"),
    "came_on_the_holiday": Entry("comes on 16 December without an order", (), "presence outside hours is a fact, not rest-day work"),
    "double_read": Entry("holds the card to the reader twice within a minute", (), "a double read counts once"),
    "late_for_the_core": Entry("comes after the core of flexible hours began", ("late",), "from the beginning of the core"),
    "left_before_the_core_ended": Entry("leaves before the core of flexible hours ended", ("early_leave",), "to the end of the core"),
    "late_for_the_night": Entry("comes late for a night shift", ("late",), "from the beginning of the shift"),
    "absent_from_the_night": Entry("does not come to a night shift", ("absent",), "eleven hours: the shift without its break"),
    "missing_exit_in_the_morning": Entry("forgets to badge out after a night shift", ("missing_exit",), "assumed to the end of the shift"),
    "rest_too_short": Entry("a shift to half past eleven at night, the office at nine", ("rest_too_short",), "nine hours and a half of rest"),
    "office_after_a_night": Entry("a night shift to eight, the office at nine of the same morning", ("rest_too_short",), "one hour of rest"),
    # Of remote work.
    "remote_without_session": Entry("a remote day without a session", ("remote_without_session",), "all hours of the day; instead of absent"),
    "session_began_late": Entry("starts the session at ten", ("late",), "from the beginning of the day to the session"),
    "session_without_end": Entry("forgets to end the session", ("missing_end_of_session",), "assumed to the end of the remote hours"),
    "session_begun_early_without_end": Entry(
        "starts the only session before the day begins, and forgets to end it",
        ("missing_end_of_session", "remote_without_session"),
        "nothing lends the session an end: it is zero long",
    ),
    "session_at_the_office": Entry("runs a session on an office day", ("session_in_office_interval",), "its hours in the plan, without the break"),
    # Of devices.
    "offline_for_two_days": Entry(
        "a controller is offline from Monday night to Thursday morning, then sends all it kept",
        ("device_silent",),
        "raised on Tuesday, withdrawn when the events come; its days are complete in the end",
    ),
    "offline_over_lunch": Entry("a terminal is offline for two and a half hours", (), "too short for a silence; what comes late counts"),
    "clock_ahead_and_corrected": Entry(
        "a clock is an hour ahead on Tuesday; on Thursday these hours get a time policy of their own",
        ("device_clock",),
        "raised on Tuesday, withdrawn by the correction, which moves the reads to where they belong",
    ),
    "clock_ahead": Entry("a clock is an hour ahead on Friday, and nobody corrects it", ("device_clock",), "an hour less the time to the gateway"),
    "read_by_a_clock_ahead": Entry(
        "comes in time, and is read by the clock that is ahead",
        ("late", "left_during_day"),
        "as recorded, and the day is marked as doubtful: a person sees why before deciding",
    ),
    "numbers_lost_inside": Entry("three events of a door inside the campus vanish", ("device_missing_numbers",), "no day waits for a door inside"),
    "numbers_lost_at_the_perimeter": Entry(
        "five events of a front door vanish over lunch", ("device_missing_numbers",), "everybody's day there is marked as incomplete"
    ),
    "late_where_numbers_are_lost": Entry(
        "comes late where events of the perimeter are missing", (UNDETERMINED,), "one of the missing events may be the entry: nothing is found from absent reads"
    ),
    "number_reused": Entry("a controller gives one number to two passages", ("event_number_reused",), "both passages count"),
    "sent_again": Entry("a batch is sent again: the answer was not heard, or as a catch-up", (), "what is there already changes nothing"),
    "unreadable_record": Entry(
        "a torn line, torn JSON, 30 February, month 13, a clock of 1970", (), "parked with its reason and counted; its neighbours count"
    ),
    "badge_of_a_guest": Entry("a badge that nobody holds", ("unknown_badge",), "so many reads"),
    "badge_assigned_later": Entry(
        "a badge is recorded for its holder days later",
        ("unknown_badge", "absent"),
        "raised, and withdrawn by the assignment: both days appear, complete",
    ),
    "lost_exit_at_a_gate_without_direction": Entry(
        "forgets to badge out to lunch at a gate that tells no direction", (UNDETERMINED,), "of three reads any one may be the one without its other half"
    ),
}  # fmt: skip


def table() -> str:
    """Returns the table in Markdown."""
    lines = ["| fault | what happens | finding | how it follows |", "| --- | --- | --- | --- |"]
    for kind, entry in CATALOGUE.items():
        findings = ", ".join(entry.findings) or NO_FINDING
        lines.append(f"| {kind} | {entry.happens} | {findings} | {entry.because} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
