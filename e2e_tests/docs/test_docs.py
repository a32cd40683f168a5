"""The pages say what is so: links lead somewhere, what they name is there, and each command they tell to run is run by a test."""

import argparse
import ast
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chassis.server import Limits
from chassis.settings import Settings, variable
from localstack.methods import method_named
from localstack.operate import COMMANDS as OPERATED
from pydantic_settings import BaseSettings
from registry.settings import RegistrySettings
from timetracking.gateway.settings import GatewaySettings
from timetracking.settings import TimetrackingSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in ("third_party", "build") for part in page.relative_to(ROOT).parts)
)
# Commands of the pages that other tests run, or that run the tests: each with where.
RUN_ELSEWHERE = {
    "make test": ".ci/run",
    "make demo": "e2e_tests/demo/test_week.py",
    "make demo KEEP=1": "e2e_tests/demo/test_week.py",
    "make demo REAL=1": "e2e_tests/demo/test_week.py",
    "make drill": "e2e_tests/restore/try_drill.py",  # and with a dump: e2e_tests/restore/test_drill.py
    "make drill KIND=physical ROWS=1000000": "e2e_tests/restore/try_drill.py",
    "make stack": "e2e_tests/demo/test_week.py",
    "make ask": "infra/local/tests/test_ask.py",
    "make parked": "e2e_tests/demo/test_week.py",
    "make redrive ARGS='--reason impossible-time --dry-run'": "e2e_tests/demo/test_week.py",
    "make accounts ARGS='--level'": "e2e_tests/demo/test_week.py",
    "make reconcile": "e2e_tests/demo/test_week.py",
    "make images": "infra/images/tests/test_without_engine.py",
    "make client": "e2e_tests/docs/test_integrate.py",
    "make api-docs": "e2e_tests/docs/test_integrate.py",
    "make capacity SERVANTS=90000 REGIONS=20": "e2e_tests/capacity/test_sizing.py",
    "make capacity SERVANTS=1000 REGIONS=1": "e2e_tests/capacity/test_sizing.py",
    "make cut-off HOURS=6 GATES=2": "e2e_tests/cutoff/test_cut_off.py",
    "make region VALUES=region-75.yaml": "infra/cluster/tests/test_region.py",
}
# Those that take too long even in their smallest size: each with the page that says so.
NOT_BY_THE_GATE, SAID_OF_IT = {"make upgrade-test": "docs/upgrade.md"}, "The gate does not run it"
# Those that need a cluster are run in the order of their pages where one can be had; Helm's are rendered everywhere.
WITH_A_CLUSTER = {
    ("docs/install.md", "kubectl "): "e2e_tests/cluster/test_kind.py",
    ("docs/install.md", ".venv/bin/python -m region "): "infra/cluster/tests/test_secrets.py",
    ("docs/install.md", "helm "): "infra/cluster/tests/test_pages.py",
    ("docs/install.md", "for name in "): "e2e_tests/cluster/test_kind.py",
    ("docs/install.md", "set -o pipefail"): "e2e_tests/cluster/test_kind.py",
    ("docs/upgrade.md", "helm "): "infra/cluster/tests/test_pages.py",
    ("docs/rotate-keys.md", "kubectl "): "e2e_tests/cluster/test_kind.py",
}
# Those that look after the realm are run in the order of their page.
OF_THE_REALM, RUN_IN_ORDER = ".venv/bin/python -m realm ", "infra/keycloak/tests/test_readme.py"
# What the demo shows at its end; e2e_tests/demo/test_week.py asks such lines and is answered.
SHOWN_BY_THE_DEMO = """
from demo.generate import world
from demo.report import how_to_ask
from demo.world import Pattern
week = world(1)
print(*how_to_ask(week, next(each.id for each in week.servants if each.pattern is Pattern.REMOTE)), sep="\\n")
"""
CODE_BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:[\w.*<>-]+/)+[\w.*-]+\.(?:py|proto|ya?ml|json|md|sh|lock|toml))(?::([A-Za-z_][\w.]*))?`")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")
COMMAND = re.compile(r"\bpython -m (registry|regimes|timetracking|localstack|realm|region) ([a-z]+)")


def blocks(page: Path, language: str) -> list[str]:
    return [text for named, text in CODE_BLOCK.findall(page.read_text(encoding="utf-8")) if named == language]


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield page.relative_to(ROOT).as_posix(), line.strip()


def named(page: Path) -> Iterator[tuple[str, str]]:
    """The files that a page names, each with what it names in them; what a run writes is not there yet."""
    found = PATH.findall(page.read_text(encoding="utf-8"))
    return ((path, name) for path, name in found if not path.startswith("run/"))


def what_make_would_run(command: str) -> list[str]:
    """The recipe of a make command, as make itself expands it; nothing is built by asking."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    told = subprocess.run(
        ["make", "--dry-run", "--silent", *shlex.split(command)[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return told.stdout.splitlines()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_file_and_function_that_a_page_names_is_there(page: Path) -> None:
    assert [f"{path}:{name}" for path, name in named(page) if not any(holds(file, name) for file in files(page, path))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_no_path_of_a_machine_and_no_package_registry(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:work|root|home|tmp|Users)/\S*|pypi\S*|\S*pythonhosted\S*|\S*repo1?\.maven\S*|index-url", text) == []


def test_every_target_that_the_pages_name_exists() -> None:
    asked = {target for page in PAGES for target in TARGET.findall(" ".join(code(page)))}
    assert asked - targets() == set()


def test_every_command_of_a_process_that_the_pages_name_exists() -> None:
    asked = {command for page in PAGES for command in COMMAND.findall(" ".join(code(page)))}
    known = {package: words_of(package) for package in {package for package, _ in asked}}
    assert {(package, command) for package, command in asked if command not in known[package]} == set()


def test_bare_make_lists_every_target_with_its_sentence() -> None:
    shown = subprocess.run(["bash", "-c", "\n".join(what_make_would_run("make"))], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.+)$", shown.stdout, re.MULTILINE))
    assert set(listed) == targets()


@pytest.mark.parametrize(
    "command", ["make token AS=hr-officer", "make run CLOCK=2026-12-14T08:00:00+05:00", "make stack", "make ask METHOD=ListStateBodies"]
)
def test_make_hands_to_a_command_what_the_command_takes(command: str) -> None:
    name, *given = shlex.split(what_make_would_run(command)[-1].partition(" -m localstack ")[2])
    parser = argparse.ArgumentParser()
    importlib.import_module(f"localstack.{name}").add_arguments(parser)
    assert parser.parse_args(given)


@pytest.mark.parametrize(
    ("page", "settings"),
    [
        ("shared/chassis", Settings),
        ("shared/chassis", Limits),
        ("registry", RegistrySettings),
        ("timetracking", TimetrackingSettings),
        ("timetracking", GatewaySettings),
    ],
)
def test_every_variable_that_need_not_be_set_stands_with_its_default_in_a_page(page: str, settings: type[BaseSettings]) -> None:
    inherited = set(Settings.model_fields) if settings is not Settings and issubclass(settings, Settings) else set()
    fields = {name: field for name, field in settings.model_fields.items() if name not in inherited and not field.is_required()}
    wanted = [
        (variable(name), str(field.default).lower() if isinstance(field.default, bool) else field.default) for name, field in fields.items()
    ]
    rows = [
        line.split("|")[1:3] for line in (ROOT / "services" / page / "README.md").read_text().splitlines() if line.startswith("| `TARTIP_")
    ]
    told = [
        pair for names, values in rows for pair in zip(re.findall("`(.+?)`", names), re.findall("`(.+?)`", values) or [""], strict=True)
    ]
    assert {(name, str(default)) for name, default in wanted} <= set(told)


def test_fold_without_its_two_files_names_them() -> None:
    told = subprocess.run(["make", "--dry-run", "fold", "IN=days.json"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode != 0
    assert "IN=" in told.stderr
    assert "OUT=" in told.stderr


@pytest.mark.parametrize("name", OPERATED)
def test_what_operators_ask_by_make_reaches_the_command_through_its_environment(name: str) -> None:
    assert what_make_would_run(f"make {name} ARGS='--reason \"x; touch {name}\"'")[-1].endswith(f" -m localstack operate {name}")


def test_every_command_of_the_pages_is_run_by_a_test() -> None:
    unknown = []
    for page, command in commands():
        if page == "infra/keycloak/README.md" and command.startswith(OF_THE_REALM):
            continue
        if any(page == where and command.startswith(beginning) for where, beginning in WITH_A_CLUSTER):
            continue
        if not command.startswith(("make fold ", "make ask METHOD=")) and command not in {*RUN_ELSEWHERE, *NOT_BY_THE_GATE}:
            unknown.append(f"{page}: {command}")
    assert unknown == []


def test_no_command_of_a_page_shows_a_token_to_whoever_lists_processes() -> None:
    lines = [line for page in PAGES for text in code(page) for line in text.splitlines() if "Bearer" in line]
    assert lines
    assert [line for line in lines if "-expand-headers" not in line or "-H 'authorization: Bearer ${TOKEN}'" not in line] == []


def test_what_runs_the_commands_of_the_pages_is_run_by_the_gate() -> None:
    """It is among the tests, or named by a target that the gate makes."""
    gate = ROOT / ".ci" / "run"
    made = re.findall(r"^make (.+)$", gate.read_text(encoding="utf-8"), re.MULTILINE)
    by_name = {word for target in made for line in what_make_would_run(f"make {target}") for word in line.split() if word.endswith(".py")}
    places = {*RUN_ELSEWHERE.values(), *WITH_A_CLUSTER.values(), RUN_IN_ORDER} - {".ci/run"}
    assert [place for place in places if not (ROOT / place).exists()] == []
    assert {place for place in places if not Path(place).name.startswith("test_")} <= by_name
    assert by_name & places, "no target of the gate names what it runs"
    assert [page for page in NOT_BY_THE_GATE.values() if SAID_OF_IT not in (ROOT / page).read_text(encoding="utf-8")] == []


def test_every_question_of_the_pages_is_one_that_its_rpc_takes() -> None:
    asked = [command for _, command in commands() if command.startswith("make ask METHOD=")]
    assert asked
    for command in asked:
        given = dict(word.split("=", 1) for word in shlex.split(command)[2:])
        method_named(given["METHOD"]).request(json.loads(given.get("JSON", "{}")))


def test_the_questions_about_the_week_are_those_that_the_demo_shows() -> None:
    told = subprocess.run([sys.executable, "-c", SHOWN_BY_THE_DEMO], cwd=ROOT / "e2e_tests", capture_output=True, text=True, check=True)
    shown = told.stdout.splitlines()
    assert shown
    of_the_week = [command for _, command in commands() if any(command.split()[:3] == each.split()[:3] for each in shown)]
    assert of_the_week
    assert [command for command in of_the_week if command not in shown] == []


def test_the_example_of_fold_is_answered_as_the_page_says(tmp_path: Path) -> None:
    page = ROOT / "docs" / "fold.md"
    (command,) = {line for _, line in commands() if line.startswith("make fold ")}
    given, promised = (json.loads(block) for block in blocks(page, "json"))
    source = re.search(r"IN=(\S+)", command)
    assert source
    assert json.loads((ROOT / source[1]).read_text(encoding="utf-8")) == given
    recipe = what_make_would_run(command.replace("OUT=answer.json", f"OUT={tmp_path / 'answer.json'}"))
    subprocess.run(["bash", "-c", recipe[-1]], cwd=ROOT, check=True)
    answer: Any = json.loads((tmp_path / "answer.json").read_text(encoding="utf-8"))
    assert re.fullmatch("[0-9a-f]{16}", answer["edition"])
    assert {**answer, "edition": "…"} == promised


def code(page: Path) -> Iterator[str]:
    """What stands in a page as code: in blocks, or between backticks."""
    text = page.read_text(encoding="utf-8")
    yield from (block for language, block in CODE_BLOCK.findall(text) if language in ("", "sh", "text"))
    yield from re.findall(r"`([^`\n]+)`", CODE_BLOCK.sub("", text))


def targets() -> set[str]:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    return set(phony[1].split())


def words_of(package: str) -> set[str]:
    """The words with which a package's command line helps, its commands among them."""
    shown = subprocess.run([sys.executable, "-m", package, "--help"], capture_output=True, text=True, check=True)
    return set(re.findall(r"[a-z]+", shown.stdout))


def files(page: Path, path: str) -> list[Path]:
    """The files that a page may mean: from the root, from its own folder, or from the package of its folder."""
    bases = (ROOT, page.parent, page.parent / page.parent.name)
    pattern = re.sub(r"<[^>]+>", "*", path)
    return [found for base in bases for found in base.glob(pattern)]


def holds(file: Path, name: str) -> bool:
    """Whether a file has what is named in it: a class or function of Python, a message or RPC of a proto."""
    if not name:
        return True
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".proto":
        return re.search(rf"\b(?:rpc|message|enum|service) {name}\b", text) is not None
    scope: list[ast.stmt] = ast.parse(text).body
    for part in name.split("."):
        inner = next(
            (node for node in scope if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == part), None
        )
        if inner is None:
            return False
        scope = inner.body
    return True
