"""What `make lint` and `make test` look at is all that there is."""

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
    folders = [path.parent.name for path in ROOT.glob("services/**/pyproject.toml")] + ["localstack"]
    assert {name for name in folders if name != "protos"} == known
