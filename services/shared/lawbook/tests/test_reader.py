from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lawbook.reader import LawUnreadable, read


def reading(folder: Path, text: str) -> dict[str, Any]:
    path = folder / "law.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def test_words_numbers_dates_and_truths_are_read_as_they_look(tmp_path: Path) -> None:
    text = 'a: word/of-law\nb: 40\nc: -3\nd: 2016-01-01\n2023-07-01: true\ne: "yes"\nf: ["22:00", "06:00"]\ng: {h: "0.5"}\ni: қазақша сөз\n'
    assert reading(tmp_path, text) == {
        "a": "word/of-law",
        "b": 40,
        "c": -3,
        "d": date(2016, 1, 1),
        date(2023, 7, 1): True,
        "e": "yes",
        "f": ["22:00", "06:00"],
        "g": {"h": "0.5"},
        "i": "қазақша сөз",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("value: yes", "'yes' must be quoted"),
        ("value: Off", "'Off' must be quoted"),
        ("value: 22:00", "'22:00' must be quoted"),
        ("value: 1.5", "'1.5' must be quoted"),
        ("value: 1e3", "'1e3' must be quoted"),
        ("value: .inf", "'.inf' must be quoted"),
        ("value: 010", "'010' must be quoted"),
        ("value: 0x1F", "'0x1F' must be quoted"),
        ("value: 1_000", "'1_000' must be quoted"),
        ("value: ~", "'~' must be quoted"),
        ("value: null", "'null' must be quoted"),
        ("value:", "'' must be quoted"),
        ("value: 2026-02-30", "2026-02-30 is no date"),
        ("value: 2026-02-03T10:00:00Z", "must be quoted"),
        ("value: &limit 40\nother: *limit", "anchors are not used"),
        ("value: &limit 40", "anchors are not used"),
        ("value: 40\nother: 1\nvalue: 41", "'value' stands twice"),
        ("values: {2016-01-01: 1, 2016-01-01: 2}", "stands twice"),
        ("1: one", "a key must be a word or a date"),
        ("true: one", "a key must be a word or a date"),
        ("[a, b]: one", "a key must be a word or a date"),
        ("<<: {a: 1}", "'<<' must be quoted"),
        ("- one", "must be a mapping"),
        ("one", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: 1\n---\nb: 2", "law.yaml"),
        ("a: [1, 2", "law.yaml"),
        ("a: !!python/object:os.system x", "tags are not used"),
        ("a: !!str 40", "tags are not used"),
    ],
)
def test_what_could_be_read_differently_is_refused_by_name(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(LawUnreadable, match=r"law\.yaml") as refused:
        reading(tmp_path, text)
    assert why in str(refused.value)


def test_a_refusal_names_the_line(tmp_path: Path) -> None:
    with pytest.raises(LawUnreadable, match="line 3"):
        reading(tmp_path, "a: 1\nb: 2\nc: 0.5\n")
