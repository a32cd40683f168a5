"""The demo is one who asks from outside."""

import ast
from pathlib import Path


def test_the_demo_knows_the_platform_by_its_public_apis_alone() -> None:
    allowed = {"tartip", "tartip_client", "localstack"}
    ours = {
        "kernel",
        "lawbook",
        "chassis",
        "registry",
        "regimes",
        "timetracking",
        "localstack",
        "tartip",
        "tartip_client",
        "reference",
        "e2e_tests",
    }
    here = Path(__file__).parent
    for file in sorted(here.glob("*.py")):
        if file.name.startswith("test_"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                known = name.partition(".")[0] not in ours or any(name == each or name.startswith(f"{each}.") for each in allowed)
                assert known, f"{file.name} imports {name}"
