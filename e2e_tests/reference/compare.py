"""`python -m reference.compare --seed S --count N` (from `e2e_tests`): the service's `fold` beside the reference.

Each random document is folded by both. The service also folds it shuffled, with rows standing twice, which must change
nothing; and with `--spoil` documents that both have to refuse. A document on which they differ is made smaller as long as
they still differ, and printed with the difference, one for each subject. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

from .fields import Refused
from .fold import fold
from .spoil import spoiled
from .streams import documents, shuffled

Json = dict[str, Any]
Fold = Callable[[Json], Json]


def outcome(of: Fold, given: Json) -> Any:
    """The answer, or in words that the document was refused or that the program broke."""
    try:
        return of(copy.deepcopy(given))
    except Refused as refusal:
        return f"refused {refusal.path}"
    except Exception as error:
        path = getattr(error, "path", None) or ", ".join(getattr(error, "violations", {}))
        return f"refused {path}" if path else f"broke {type(error).__name__}: {error}"


def comparable(answer: Any, strict: bool) -> Any:
    """The answer without the edition and, unless strict, without what no page promises; days by servant and date."""
    if not isinstance(answer, dict):
        return answer if strict else str(answer).split(" ")[0]

    def line(row: Json) -> str:
        return json.dumps(row, sort_keys=True)

    days = {}
    for day in answer["days"]:
        kept = dict(day)
        if not strict:
            kept["findings"] = numbered(sorted(day["findings"], key=line))
            kept["stays"] = sorted((stay for stay in day["stays"] if stay["start"] != stay["end"]), key=line)
            kept["superseded"] = len(day.get("superseded", []))
        days[f"{day['servant']} {day['date']}"] = kept
    rest = {name: value for name, value in answer.items() if name not in ("edition", "days")}
    if not strict:
        rest["across_days"] = {f"{row['servant']} {row['dates']}": row for row in answer["across_days"]}
    return {**rest, "order of days": list(days), "days": days}


def numbered(findings: list[Json]) -> Json:
    """The findings by kind and first second; a second one of the same is told apart."""
    rows: Json = {}
    for row in findings:
        name = f"{row['kind']} {row['first']}"
        rows[f"{name} again" if name in rows else name] = row
    return rows


def differences(reference: Any, service: Any, path: str = "") -> Iterator[str]:
    if isinstance(reference, dict) and isinstance(service, dict):
        for name in [*reference, *(name for name in service if name not in reference)]:
            yield from differences(reference.get(name, "(nothing)"), service.get(name, "(nothing)"), f"{path}[{name}]")
    elif reference != service:
        yield f"{path}\n    reference {json.dumps(reference, ensure_ascii=False)}\n    service   {json.dumps(service, ensure_ascii=False)}"


def difference(of: Fold, given: Json, strict: bool) -> list[str]:
    return list(differences(comparable(outcome(fold, given), strict), comparable(outcome(of, given), strict)))


def subject(line: str) -> str:
    """What a difference is about: the names in its path, without the rows' own keys."""
    names = line.split("\n")[0].strip("[]").split("][")
    return "/".join(name.split(" ")[0] for name in names if not name.startswith("S"))


def smaller(given: Json) -> Iterator[Json]:
    """The document with one thing less, for each thing in turn."""

    def without(value: Any) -> Iterator[Any]:
        if isinstance(value, list):
            for index, row in enumerate(value):
                yield value[:index] + value[index + 1 :]
                for less in without(row):
                    yield [*value[:index], less, *value[index + 1 :]]
        elif isinstance(value, dict):
            for name in value:
                if name in ("parameters", "breaks", "core", "excused", "holiday", "grace", "orders", "sessions", "corrections"):
                    yield {field: row for field, row in value.items() if field != name}
                for less in without(value[name]):
                    yield {**value, name: less}

    yield from without(given)


def narrowed(given: Json) -> Iterator[Json]:
    """The document for each single servant, then without all rows of a kind, then with one thing less."""
    if len(given["servants"]) > 1:
        for servant in given["servants"]:
            yield {**given, "servants": [servant]}
    yield from smaller(given)


def shrink(given: Json, differs: Callable[[Json], bool], patience: float) -> Json:
    """A smaller document that still differs, found within `patience` seconds."""
    until = time.monotonic() + patience
    progress = True
    while progress:
        progress = False
        for candidate in narrowed(given):
            if time.monotonic() > until:
                return given
            if differs(candidate):
                given, progress = candidate, True
                break
    return given


def production() -> Fold:
    """What is judged. Its packages are imported only here."""
    import lawbook
    from timetracking.workdays.fold import fold_document

    law = lawbook.load()
    return lambda given: fold_document(given, law)


def moved(of: Fold, given: Json, seed: float) -> list[str]:
    """What changes when the lists stand in another order and some rows stand twice."""
    usual, other = outcome(of, given), outcome(of, shuffled(given, Random(seed)))
    if isinstance(usual, str) and isinstance(other, str):
        return []  # both refused: the paths are of other places
    if json.dumps(usual) == json.dumps(other):
        return []
    return [f"[shuffled]{line}" for line in differences(usual, other)] or ["[shuffled]\n    the same rows, in another order"]


def judge(of: Fold, given: Json, strict: bool, seed: float) -> list[str]:
    return difference(of, given, strict) + moved(of, given, seed)


def show(name: str, of: Fold, given: Json, about: str, strict: bool, patience: float, seed: float) -> None:
    """Prints the smallest document found that differs in one subject, and how."""

    def alike(some: Json) -> list[str]:
        return [line for line in judge(of, some, strict, seed) if subject(line) == about]

    small = shrink(given, lambda some: bool(alike(some)), patience)
    print(f"== {about}: document {name}, made smaller:")
    print(json.dumps(small, ensure_ascii=False))
    for line in alike(small)[:3]:
        print(f"  {line}")


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m reference.compare", description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=100, help="documents")
    arguments.add_argument("--show", type=int, default=5, help="how many kinds of differences to show")
    arguments.add_argument("--patience", type=float, default=10, help="seconds for making one document smaller")
    arguments.add_argument("--strict", action="store_true", help="also what no page promises: orders, empty stays, indexes")
    arguments.add_argument("--spoil", action="store_true", help="documents with one thing wrong, which both have to refuse")
    options = arguments.parse_args()
    of, random = production(), Random(options.seed)
    days = 0
    differing: Counter[str] = Counter()
    began = time.monotonic()
    for number, drawn in enumerate(documents(options.seed, options.count)):
        name, document = f"{options.seed}:{number}", drawn
        if options.spoil:
            flaw, document = spoiled(drawn, random)
            name = f"{name} ({flaw})"
        days += (date.fromisoformat(drawn["until"]) - date.fromisoformat(drawn["since"])).days * len(drawn["servants"])
        seed = random.random()
        for about in {subject(line) for line in judge(of, document, options.strict, seed)}:
            differing[about] += 1
            if differing[about] == 1 and len(differing) <= options.show:
                show(name, of, document, about, options.strict, options.patience, seed)
    print(f"{options.count} documents, {days} days, {time.monotonic() - began:.0f} s; documents that differ, by subject: {dict(differing)}")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
