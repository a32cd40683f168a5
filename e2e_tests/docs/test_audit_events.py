"""The catalogue of the audit is what the code writes."""

import re
from pathlib import Path

import pytest

from . import audit_events
from .audit_events import NAMED, PAGE, NotLiteral, events, page
from .error_catalogue import ROOT, SERVICES

LISTED = re.compile(r"^\| `([a-z.-]+)` \|", re.MULTILINE)
# Another way to the same: whatever a service hands to `record` first.
WRITTEN = re.compile(r"\brecord\(\s*\"([a-z-]+\.[a-z-]+)\"")


def test_the_catalogue_is_what_make_docs_would_write() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("service", SERVICES)
def test_the_actions_of_the_page_are_those_of_the_code(service: str) -> None:
    section = PAGE.read_text(encoding="utf-8").partition(f"\n## {service}\n")[2].partition("\n## ")[0]
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "services" / service / service).rglob("*.py"))
    found = {action for source in sources for action in WRITTEN.findall(source)}
    assert found
    assert set(LISTED.findall(section)) == found


def test_every_event_has_its_words() -> None:
    for service in SERVICES:
        for each in events(service):
            assert each.says, each
            assert re.fullmatch(r"[a-z-]+\.[a-z-]+", each.action), each


def test_an_action_that_is_no_literal_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "services" / "things" / "things" / "use_cases.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        'class Change:\n    """Changes."""\n\n    def __call__(self, work, what):\n        work.record(what.action, "things/a")\n'
    )
    monkeypatch.setattr(audit_events, "ROOT", tmp_path)
    with pytest.raises(NotLiteral, match=r"use_cases\.py:Change"):
        list(events("things"))


def test_a_ground_is_a_rule_of_law_or_what_is_named_or_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    module = tmp_path / "services" / "things" / "things" / "use_cases.py"
    module.parent.mkdir(parents=True)
    calls = ('"thing.a", "a", "lc-79"', '"thing.b", "b", GROUND', '"thing.c", "c", rule=ground', '"thing.d", "d"')
    body = "".join(f"        work.record({each})\n" for each in calls)
    module.write_text(f'GROUND = "o120-p1"\n\n\nclass Change:\n    """Changes."""\n\n    def __call__(self, work, ground):\n{body}')
    monkeypatch.setattr(audit_events, "ROOT", tmp_path)
    assert [each.rule for each in events("things")] == ["lc-79", "o120-p1", NAMED, ""]
