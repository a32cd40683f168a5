"""Every reason of the regimes has a text in three languages that shows all of its facts."""

from chassis.testing.texts import gaps


def test_every_reason_is_said_in_three_languages_without_gaps() -> None:
    assert gaps("regimes") == []
