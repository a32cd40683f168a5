"""Every reason of timetracking has a text in three languages that shows all of its facts."""

import re
from pathlib import Path

import pytest
from chassis.messages import Messages
from tartip.timetracking.v1 import error_reason_pb2

PROTO = Path(__file__).parents[3] / "protos" / "tartip" / "timetracking" / "v1" / "error_reason.proto"
REASONS = [name.removeprefix("ERROR_REASON_") for name, number in error_reason_pb2.ErrorReason.items() if number]


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("language", ["kk", "ru", "en"])
def test_a_reason_has_a_text_without_gaps(reason: str, language: str) -> None:
    said = re.search(rf"// ([^\n]*)\n  ERROR_REASON_{reason} =", PROTO.read_text(encoding="utf-8"))
    assert said
    facts = re.search(r"Metadata: ([a-zA-Z, ]+)", said[1])
    assert facts
    declared = {} if facts[1] == "none" else {fact.strip(): f"<{fact.strip()}>" for fact in facts[1].split(",")}
    text = Messages.load("timetracking").render(reason, declared, language)
    assert text
    assert "—" not in text.replace("> — <", "")
