"""Who may import whom outside of the packages that import-linter knows: demo and reference see services from without."""

import ast
from collections.abc import Iterator
from pathlib import Path

E2E = Path(__file__).parents[1]
SERVICES = {"registry", "regimes", "timetracking", "evaluation", "monitoring"}
# What a service is made of; an independent reference knows none of it either.
SHARED = {"kernel", "lawbook", "chassis", "tartip", "localstack"}
# Compares the reference with what it judges, which it imports when asked to.
JUDGE = E2E / "reference" / "compare.py"


def imported(path: Path) -> Iterator[str]:
    """The packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module).partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            yield ast.unparse(node.args[0]).strip("'\"").partition(".")[0]


def forbidden(folder: str, packages: set[str]) -> dict[str, set[str]]:
    """The files of a folder that import any of the packages, with those."""
    files = sorted((E2E / folder).rglob("*.py"))
    assert files
    found = {str(path.relative_to(E2E)): packages & set(imported(path)) for path in files if path != JUDGE}
    return {path: names for path, names in found.items() if names}


def test_the_demo_imports_no_service() -> None:
    assert forbidden("demo", SERVICES) == {}


def test_the_reference_imports_nothing_of_what_it_judges() -> None:
    assert forbidden("reference", SERVICES | SHARED) == {}


def test_the_judge_imports_the_service_only_when_it_judges() -> None:
    top = [node for node in ast.parse(JUDGE.read_text(encoding="utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any(name in ast.unparse(node) for node in top for name in SERVICES | SHARED)


def test_an_import_is_found_wherever_it_hides(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden.py"
    hidden.write_text(
        "import os.path\ndef f():\n    from timetracking.workdays import fold\n    import importlib\n    importlib.import_module('registry.names')\n"
    )
    assert set(imported(hidden)) == {"os", "timetracking", "importlib", "registry"}
