"""`python -m reference.compare --seed S --count N` (from `e2e_tests`): the service's `fold` beside the reference.

Each random document is folded by both. The service also folds it shuffled, with rows standing twice, which must change
nothing; and with `--spoil` documents that both have to refuse. A document on which they differ is made smaller as long as
they still differ, and printed with the difference. Exit code 1 if there is any.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
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
    """The answer without the edition and, unless strict, without orders that no page promises; days by servant and date."""
    if not isinstance(answer, dict):
        return answer if strict else str(answer).split(" ")[0]

    def line(row: Json) -> str:
        return json.dumps(row, sort_keys=True)

    days = {}
    for day in answer["days"]:
        kept = dict(day)
        if not strict:
            kept["findings"] = {f"{row['kind']} {row['first']}": row for row in sorted(day["findings"], key=line)}
            kept["stays"] = sorted(day["stays"], key=line)
            kept.setdefault("superseded", [])
        days[f"{day['servant']} {day['date']}"] = kept
    rest = {name: value for name, value in answer.items() if name not in ("edition", "days")}
    if not strict:
        rest["across_days"] = {f"{row['servant']} {row['dates']}": row for row in answer["across_days"]}
    return {**rest, "order of days": list(days), "days": days}


def differences(reference: Any, service: Any, path: str = "") -> Iterator[str]:
    if isinstance(reference, dict) and isinstance(service, dict):
        for name in [*reference, *(name for name in service if name not in reference)]:
            yield from differences(reference.get(name, "(nothing)"), service.get(name, "(nothing)"), f"{path}[{name}]")
    elif reference != service:
        yield f"{path}\n    reference {json.dumps(reference, ensure_ascii=False)}\n    service   {json.dumps(service, ensure_ascii=False)}"


def difference(of: Fold, given: Json, strict: bool) -> list[str]:
    return list(differences(comparable(outcome(fold, given), strict), comparable(outcome(of, given), strict)))


def subject(lines: list[str]) -> str:
    """What a difference is about: the last name in its path, so that a smaller document shows the same one."""
    first = lines[0].split("\n")[0]
    return first.rsplit("[", 1)[-1].split(" ")[0]


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


def judge(of: Fold, given: Json, strict: bool, random: Random) -> tuple[list[str], Callable[[Json], bool]]:
    """The differences of one document, and how to see whether a smaller one differs in the same."""
    found = difference(of, given, strict)
    if found:
        about = subject(found)
        return found, lambda smaller: bool(again := difference(of, smaller, strict)) and subject(again) == about
    seed = random.random()

    def moved(some: Json) -> list[str]:
        usual, other = outcome(of, some), outcome(of, shuffled(some, Random(seed)))
        if isinstance(usual, str) and isinstance(other, str):
            return []  # both refused: the paths are of other places
        if json.dumps(usual) == json.dumps(other):
            return []
        return [f"[shuffled]{line}" for line in differences(usual, other)] or ["[shuffled] the same, in another order"]

    return moved(given), lambda smaller: bool(moved(smaller))


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m reference.compare", description=__doc__)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=100, help="documents")
    arguments.add_argument("--show", type=int, default=3, help="stop after so many documents that differ")
    arguments.add_argument("--patience", type=float, default=20, help="seconds for making one document smaller")
    arguments.add_argument("--strict", action="store_true", help="orders of findings and stays and an empty `superseded` too")
    arguments.add_argument("--spoil", action="store_true", help="documents with one thing wrong")
    given = arguments.parse_args()
    of, random = production(), Random(given.seed)
    compared = days = differing = 0
    began = time.monotonic()
    for document in documents(given.seed, given.count):
        compared += 1
        if given.spoil:
            what, document = spoiled(document, random)
            print(f"document {compared}: {what}", end="\r")
        found, differs = judge(of, document, given.strict, random)
        answer = outcome(of, document)
        days += len(answer["days"]) if isinstance(answer, dict) else 0
        if found:
            differing += 1
            small = document if given.spoil else shrink(document, differs, given.patience)
            print(f"document {given.seed}:{compared - 1} differs in {len(found)} places; made smaller:")
            print(json.dumps(small, ensure_ascii=False, indent=1))
            for line in (difference(of, small, given.strict) or found)[:8]:
                print(f"  {line}")
        if differing >= given.show:
            break
    took = time.monotonic() - began
    print(f"{compared} documents, {days} days, {differing} documents differ, {took:.0f} s")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
