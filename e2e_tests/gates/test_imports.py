"""Who may import whom: the contracts of pyproject.toml inside of the packages; the reference imports nothing of what it judges.

What the demo may import stands beside it, in e2e_tests/demo/test_demo.py.
"""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

E2E = Path(__file__).parents[1]
ROOT = E2E.parent
SERVICES = {"registry", "regimes", "timetracking", "evaluation", "monitoring"}
# What a service is made of; an independent reference knows none of it either.
SHARED = {"kernel", "lawbook", "chassis", "tartip", "localstack"}
# Compares the reference with what it judges, which it imports when asked to.
JUDGE = E2E / "reference" / "compare.py"

# A forbidden import in each of these files of the registry, and the contract that it breaks.
BROKEN = {
    ("servants/domain.py", "import sqlalchemy"): "The domain and its use cases know no edge and no framework",
    ("positions/domain.py", "import chassis.clock"): "The domain needs words and the law only: no machinery, no rows, no clock",
    ("bodies/use_cases.py", "import registry.bodies.repository"): "Use cases reach rows through their ports alone",
    ("bodies/servicer.py", "import regimes.names"): "Services learn of each other through events only",
    ("republish.py", "import faust"): "Faust is imported by chassis.streams alone",
}


def contracts(**environment: str) -> subprocess.CompletedProcess[str]:
    """What import-linter says of the contracts in pyproject.toml."""
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--config", ROOT / "pyproject.toml", "--no-cache"],
        cwd=ROOT, env=os.environ | {"COLUMNS": "200"} | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_contracts_of_imports_are_kept() -> None:
    said = contracts()
    assert said.returncode == 0, said.stdout


def test_each_forbidden_import_breaks_its_contract(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "services" / "registry" / "registry", tmp_path / "registry", ignore=shutil.ignore_patterns("__pycache__"))
    for name, line in BROKEN:
        file = tmp_path / "registry" / name
        file.write_text(file.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    said = contracts(PYTHONPATH=str(tmp_path))
    assert said.returncode == 1
    assert [contract for contract in BROKEN.values() if f"{contract} BROKEN" not in said.stdout] == []


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
