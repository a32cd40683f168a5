"""What `make lint` and `make test` look at is all that there is."""

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def settings() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]  # type: ignore[no-any-return]


def modules() -> list[str]:
    """Every Python file of the repository, as a module named from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return [name.removesuffix(".py").replace("/", ".") for name in listed.stdout.split() if (ROOT / name).exists()]


def test_every_file_is_type_checked() -> None:
    """A package's files are named by the package, tests and all else from the root."""
    mypy = settings()["mypy"]
    bases = tuple(f"{folder.replace('/', '.')}." for folder in mypy["mypy_path"].split(":"))
    checked = tuple(f"{name}." for name in mypy["packages"] + mypy["modules"])
    names = {name: (name, *(name.removeprefix(base) for base in bases if name.startswith(base))) for name in modules()}
    assert [name for name, known_as in names.items() if not any(f"{each}.".startswith(checked) for each in known_as)] == []


def test_every_test_is_run() -> None:
    folders = tuple(f"{folder.replace('/', '.')}." for folder in settings()["pytest"]["ini_options"]["testpaths"])
    tests = [name for name in modules() if name.rpartition(".")[2].startswith("test_")]
    assert tests
    assert [name for name in tests if not name.startswith(folders)] == []


def test_every_package_is_held_to_the_contracts_of_imports() -> None:
    known = set(settings()["importlinter"]["root_packages"])
    folders = [path.parent.name for path in ROOT.glob("services/**/pyproject.toml")] + [
        "tartip_client",
        "localstack",
        "realm",
        "telemetry",
        "images",
        "region",
    ]
    assert {name for name in folders if name != "protos"} == known


# Where the application sees or writes what its caller does not reach, and for what.
BEYOND_REACH = {
    "services/shared/chassis/chassis/audit_log/verification.py: VerifyAuditLog._rows": "the chain goes over records of everybody",
    "services/shared/chassis/chassis/heads.py: StoredRelationships.control": "what a caller reaches follows from it",
    "services/shared/chassis/chassis/personal_data/erasure.py: erased_among": "whether an ID belonged to somebody who was erased",
    "services/shared/chassis/chassis/personal_data/holds.py: held_until": "a hold over whichever body lets deleting rest everywhere",
    "services/registry/registry/bodies/repository.py: StoredBodies._holds": "a body's whole state is published, whoever changes it",
    "services/registry/registry/bodies/repository.py: StoredBodies.exists": "whether an ID is taken, or a body above is known",
    "services/registry/registry/servants/repository.py: StoredServants.known": "whether an ID or IIN is known to another body",
    "services/registry/registry/protected/repository.py: StoredProtectedFacts.behind_limits": "limits follow from facts that few may see",
    "services/regimes/regimes/people/repository.py: StoredBodies.find": "zones of all bodies that a servant serves in",
    "services/regimes/regimes/plans/repository.py: StoredGrounds.visible": "a plan follows from the rules of all bodies of a servant",
    "services/timetracking/timetracking/accounts/use_cases.py: TakeReceipts.__call__": "what devices sent, which have no caller",
    "services/timetracking/timetracking/accounts/use_cases.py: TakeRefusals.__call__": "what was refused, in nobody's name",
    "services/timetracking/timetracking/badges/repository.py: StoredBadges.overlapping": "whether another body's servant holds the badge",
    "services/timetracking/timetracking/badges/repository.py: StoredBadges.instants": "where the badge was read before",
    "services/timetracking/timetracking/due/repository.py: StoredDueDays.ask_badge": "devices that are to be looked at again",
    "services/timetracking/timetracking/gateway/repository.py: StoredAllowList._told": "devices, which have no caller",
    "services/timetracking/timetracking/workdays/use_cases.py: ComputeDays.__call__": "a day follows from all its facts",
    "services/timetracking/timetracking/workdays/views.py: WorkdayViews._elsewhere": "whether a day that left a body is another's, or of whoever was erased",
    "services/timetracking/timetracking/workdays/views.py: WorkdayViews.explanation": "the receipt of the reads of a day that is shown",
}


def test_what_goes_beyond_a_callers_reach_is_known_by_name() -> None:
    found = set()
    for path in (ROOT / "services").rglob("*.py"):
        if "tests" in path.parts or "testing" in path.parts or path.name in ("database.py", "unit_of_work.py"):
            continue
        for owner in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(owner, ast.ClassDef | ast.Module):
                within = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
                found |= {f"{path.relative_to(ROOT)}: {within}{name}" for name in _going_beyond(owner)}
    assert found == set(BEYOND_REACH)


def _going_beyond(owner: ast.ClassDef | ast.Module) -> set[str]:
    functions = (each for each in owner.body if isinstance(each, ast.AsyncFunctionDef | ast.FunctionDef))
    return {each.name for each in functions if any(_goes_beyond(node) for node in ast.walk(each))}


def _goes_beyond(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = isinstance(node.func, ast.Attribute) and node.func.attr == "beyond_reach"
    return called or any(each.arg == "beyond_reach" for each in node.keywords)
