"""Helm's commands of the pages, as they stand there: an installation is rendered, since that needs no cluster."""

import re
import shlex
from pathlib import Path

import pytest
from chassis.testing.artifacts import ROOT
from region.helm import EXAMPLE, helm, with_dependencies

PAGES = sorted((ROOT / "docs").glob("*.md"))
# Of an installation, and of no rendering.
_INSTALLS = {"--install", "--wait", "--atomic", "--rollback-on-failure"}


def lines() -> list[str]:
    texts = [page.read_text(encoding="utf-8") for page in PAGES]
    blocks = [block for text in texts for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
    return sorted(
        {line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.startswith(("helm upgrade", "helm template"))}
    )


@pytest.mark.parametrize("line", lines())
def test_a_command_of_a_page_is_one_that_helm_takes(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_dependencies()
    (tmp_path / "region-75.yaml").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "charts").symlink_to(ROOT / "charts")
    words = [word for word in shlex.split(line.partition(" | ")[0])[2:] if word not in _INSTALLS]
    if "--timeout" in words:
        del words[words.index("--timeout") : words.index("--timeout") + 2]
    said = helm("template", *words)
    if "once" in line:
        assert ("generateName: tartip-timetracking-once-" in said, said.count("kind: Job")) == (True, 1), (
            "what is piped on is that Job alone"
        )
    else:
        assert "kind: Deployment" in said
