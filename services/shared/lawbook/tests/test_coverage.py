import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import lawbook
import pytest
from kernel.days import Month
from kernel.faults import NotFound
from lawbook import NotInForce
from lawbook.book import HERE
from lawbook.reader import read

BOOK = lawbook.load()
DAY = date(2026, 11, 22)
REPOSITORY = Path(__file__).parents[4]
RULE_ID = re.compile(r"""["']((?:o120|o121|o15|lc|aoc|ev|csl|pdl)-[a-z0-9]+(?:-[a-z0-9]+)*)["']""")


def months() -> Iterator[Month]:
    month = Month(2023, 7)
    while month <= Month(2027, 12):
        yield month
        month = month.next()


def used_rules(pattern: str, *folders: str) -> dict[str, str]:
    found = {}
    for folder in folders:
        for path in sorted((REPOSITORY / folder).rglob(pattern)):
            if "tests" not in path.parts and "third_party" not in path.parts:
                for rule_id in RULE_ID.findall(path.read_text(encoding="utf-8")):
                    found[rule_id] = str(path.relative_to(REPOSITORY))
    return found


@pytest.mark.parametrize("parameter", BOOK.parameters())
def test_a_parameter_has_one_value_in_every_month_or_is_not_in_force(parameter: str) -> None:
    provisions = BOOK.parameter(parameter).provisions
    for month in months():
        for on in (month.first, month.last):
            holding = [each for each in provisions if each.since <= on and (each.until is None or on <= each.until)]
            if not holding:
                with pytest.raises(NotInForce):
                    BOOK.require(parameter, on)
                assert on < provisions[0].since
            else:
                assert len(holding) == 1
                assert BOOK.require(parameter, on).value == holding[0].value


def test_the_last_part_of_an_id_names_one_parameter() -> None:
    last_parts = [parameter.split("/")[-1] for parameter in BOOK.parameters()]
    assert len(last_parts) == len(set(last_parts))


def test_every_source_resolves_and_can_be_cited() -> None:
    sources = {provision.source for parameter in BOOK.parameters() for provision in BOOK.parameter(parameter).provisions}
    sources |= {wording.source for rule_id in BOOK.rules() for wording in BOOK.wordings(rule_id)}
    for source_id in sources:
        source = BOOK.source(source_id)
        assert source.id.startswith(source.act.id)
        for text in (source.citation, source.says, source.act.title):
            assert all(text.get(language).strip() for language in ("kk", "ru", "en"))


def test_every_act_that_replaces_another_stands_in_the_book() -> None:
    acts = {read(path)["id"]: read(path) for path in sorted((HERE / "sources").rglob("*.yaml"))}
    assert {act["replaced_by"] for act in acts.values() if "replaced_by" in act} <= set(acts)
    assert acts["kz/law-416-v"]["replaced_by"] == "kz/law-290-viii"


def test_no_value_is_older_than_its_act() -> None:
    for parameter in BOOK.parameters():
        for provision in BOOK.parameter(parameter).provisions:
            assert BOOK.source(provision.source).act.in_force.since <= provision.since, parameter
    for rule_id in BOOK.rules():
        for wording in BOOK.wordings(rule_id):
            assert BOOK.source(wording.source).act.in_force.since <= wording.since, rule_id


def test_kazakh_russian_and_english_are_three_languages() -> None:
    titles = {parameter: BOOK.parameter(parameter).title for parameter in BOOK.parameters()}
    titles |= {rule_id: wording.title for rule_id in BOOK.rules() for wording in BOOK.wordings(rule_id)}
    for name, title in titles.items():
        assert len({title.kk, title.ru, title.en}) == 3, name
        assert re.search("[а-яәғқңөұүһі]", title.kk.lower()), name
        assert re.search("[а-я]", title.ru.lower()), name
        assert not re.search("[әғқңөұүһі]", title.ru.lower()), name
        assert not re.search("[а-яәғқңөұүһі]", title.en.lower()), name


def test_the_rules_are_exactly_those_of_the_requirements() -> None:
    ids = read(Path(__file__).with_name("requirement_ids.yaml"))["ids"]
    assert len(ids) == len(set(ids))
    assert sorted(ids) == sorted(BOOK.rules())


def test_every_rule_of_the_protos_stands_in_the_book() -> None:
    used = used_rules("*.proto", "protos/tartip")
    assert used
    assert {rule_id: path for rule_id, path in used.items() if rule_id not in BOOK.rules()} == {}


def test_every_rule_of_the_services_stands_in_the_book() -> None:
    used = used_rules("*.py", "services")
    assert {rule_id: path for rule_id, path in used.items() if rule_id not in BOOK.rules()} == {}


def test_every_parameter_that_the_services_name_stands_in_the_book() -> None:
    named = re.compile(
        r"""require\(\s*["']([^"']+)["']|["']((?:working-time|working-day|flexible|shifts|overtime|pay|retention)/[a-z-]+)["']"""
    )
    found = {}
    for path in sorted((REPOSITORY / "services").rglob("*.py")):
        if "tests" not in path.parts:
            for match in named.finditer(path.read_text(encoding="utf-8")):
                found[match[1] or match[2]] = path.name
    assert "working-time/normal-week" in found
    assert {parameter: name for parameter, name in found.items() if parameter not in BOOK.parameters()} == {}


def test_what_the_book_does_not_know_is_not_found() -> None:
    for question in (lambda: BOOK.require("no/such", DAY), lambda: BOOK.rule("o999-p1", DAY), lambda: BOOK.source("kz/no-such")):
        with pytest.raises(NotFound):
            question()


def book_with(folder: Path, name: str, was: str, is_now: str) -> lawbook.Lawbook:
    """The book as it would be with one change in one file."""
    for path in HERE.rglob("*.yaml"):
        copy = folder / path.relative_to(HERE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    changed = folder / name
    text = changed.read_text(encoding="utf-8")
    assert was in text
    changed.write_text(text.replace(was, is_now), encoding="utf-8")
    return lawbook.load(folder)


def test_the_edition_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    assert book_with(tmp_path, "law/working-time/normal-week.yaml", "40", "40").edition == BOOK.edition


def test_the_edition_changes_with_a_value(tmp_path: Path) -> None:
    other = book_with(tmp_path, "law/working-time/normal-week.yaml", "value: 40", "value: 36")
    assert other.edition != BOOK.edition
    assert other.require("working-time/normal-week", DAY).value == 36


def test_a_rule_goes_on_less_certain_after_its_act_ended(tmp_path: Path) -> None:
    since = "in_force: {since: 2023-06-10"
    other = book_with(tmp_path, "sources/kz/order-121.yaml", since, since + ", until: 2026-06-30")
    assert [other.rule("o121-p9", on).confidence for on in (date(2026, 6, 30), date(2026, 7, 1))] == ["high", "medium"]


@pytest.mark.parametrize(
    ("name", "was", "is_now", "why"),
    [
        ("law/working-time/daily-limit.yaml", "kz/labour-code/art-71/par-4", "kz/labour-code/art-999", "kz/labour-code/art-999"),
        ("calendars/transfers.yaml", "kz/calendars/transfers-2023", "kz/press", "kz/press"),
        ("law/working-time/daily-limit.yaml", "id: working-time/daily-limit", "id: working-time/longest-day", "its ID must be its path"),
        ("rules/order-121.yaml", "o121-p9:", "lc-83:", "lc-83 stands twice"),
        ("calendars/holidays.yaml", 'yearly: ["07-06"], ', "", "falls on yearly days or on dates"),
    ],
)
def test_a_book_that_contradicts_itself_is_refused(tmp_path: Path, name: str, was: str, is_now: str, why: str) -> None:
    with pytest.raises(lawbook.LawUnreadable, match=why):
        book_with(tmp_path, name, was, is_now)
