"""`python -m telemetry`: writes the dashboards and the rules of the objectives into the chart anew."""

import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML

from telemetry.boards import document
from telemetry.dashboards import BOARDS
from telemetry.objectives import rules

FILES = Path(__file__).resolve().parents[3] / "charts" / "tartip" / "files"
HEAD = "# Written by `make dashboards` from infra/telemetry/telemetry/objectives.py; a test compares.\n"


def written() -> Mapping[Path, str]:
    """Every file that is made from the code, with what stands in it."""
    boards = {
        FILES / "dashboards" / f"{board.name}.json": json.dumps(document(board), indent=2, ensure_ascii=False) + "\n" for board in BOARDS
    }
    yaml, text = YAML(), StringIO()
    yaml.width = 4096  # a query stays on its line
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(rules(), text)
    return boards | {FILES / "rules" / "objectives.yaml": HEAD + text.getvalue()}


def main() -> None:
    """Writes them, and takes away dashboards that are described no more."""
    files = written()
    for path in (FILES / "dashboards").glob("*.json"):
        if path not in files:
            path.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    main()
