"""Every reason of the registry is said in three languages, with the facts that its refusals bring."""

from chassis.messages import Messages
from chassis.testing.texts import gaps
from registry.bodies.domain import UnknownZone


def test_every_reason_is_said_in_three_languages_without_gaps() -> None:
    assert gaps("registry") == []


def test_an_unknown_zone_is_named() -> None:
    fault = UnknownZone("Asia/Astana")
    assert "Asia/Astana" in (Messages.load("registry").render(fault.reason, fault.facts, "kk") or "")
