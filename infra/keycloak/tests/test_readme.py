"""The commands of the page are run as they stand there, from the first to the last, on the real Keycloak."""

import re
import shlex
from pathlib import Path

import pytest
from chassis.settings import Settings, variable
from realm.server import RealmSettings

from .running import Running, Signer

PAGE = Path(__file__).parents[1] / "README.md"


def test_the_commands_of_the_page_do_what_it_says(fresh: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "treasury.pem").write_bytes(Signer.made().certificate)
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    commands = [shlex.split(line)[3:] for block in blocks for line in block.splitlines()]
    assert len(commands) >= 10
    secrets = []
    for words in commands:
        code, said = fresh.told(*words)
        assert code == 0, (words, said)
        secrets += re.findall(r"shown this once: (\S+)", said)
    assert len(secrets) == 5  # two of esalary, one of north, and two passwords of a.serikova
    for words in commands[2:]:
        if words[-1].startswith("--new-"):
            continue  # another each time
        said = fresh.told(*words)[1]
        assert said.splitlines()[-1] in ("0 changes", "the realm is as declared"), (words, said)
        assert [secret for secret in secrets if secret in said] == []


def test_the_page_names_every_setting_and_the_roles_of_the_demo() -> None:
    text = PAGE.read_text(encoding="utf-8")
    settings = {variable(name) for name in RealmSettings.model_fields.keys() - Settings.model_fields.keys()}
    assert len(settings) == 4
    for name in {*settings, "TARTIP_PORTAL_CALLBACK"}:
        assert f"| `{name}` |" in text
