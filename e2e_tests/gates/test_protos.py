"""protos/breaking.sh lets no broken promise pass, protos/generate.sh generates: tried on small repositories with the real protos."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUF = ROOT / ".venv" / "bin" / "buf"
EVENTS = Path("protos/tartip/registry/v1/events.proto")
AUTHOR = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@test", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@test"}


def test_code_is_generated_by_what_is_installed_whatever_python_make_was_given(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "protos" / "tartip" / "law", tmp_path / "protos" / "tartip" / "law")
    shutil.copy(ROOT / "protos" / "generate.sh", tmp_path / "protos")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run([tmp_path / "protos" / "generate.sh"], check=True, env=os.environ | {"PYTHON": "/nowhere/python3"})
    assert (tmp_path / "protos" / "generated" / "tartip" / "law" / "v1" / "law_pb2.py").is_file()


class Repository:
    """A repository with our protos, and what the gate says of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def git(self, *arguments: str) -> None:
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", *arguments], cwd=self.folder, check=True, capture_output=True, env=os.environ | AUTHOR | alone)

    def commit(self, says: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", says)

    def write(self) -> None:
        """The protos as they are, and what their generation leaves beside them."""
        protos = self.folder / "protos"
        shutil.copytree(ROOT / "protos" / "tartip", protos / "tartip")
        for name in ("buf.yaml", "breaking.sh"):
            shutil.copy(ROOT / "protos" / name, protos / name)
        (self.folder / ".gitignore").write_text("third_party/\n")

    def generate(self) -> None:
        shutil.copytree(ROOT / "protos" / "third_party", self.folder / "protos" / "third_party")

    def drop_a_field(self) -> None:
        path = self.folder / EVENTS
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith("  string region = ")]
        assert len(kept) < len(lines)
        path.write_text("".join(kept), encoding="utf-8")

    def add_a_comment(self) -> None:
        with (self.folder / EVENTS).open("a", encoding="utf-8") as file:
            file.write("\n// One more word.\n")

    def check(self, *arguments: str) -> tuple[int, str]:
        """Exit code and words of the gate."""
        done = subprocess.run(
            [str(self.folder / "protos" / "breaking.sh"), *arguments],
            env=os.environ | {"BUF": str(BUF)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    """A repository whose one commit has no protos."""
    repository = Repository(tmp_path / "work")
    repository.folder.mkdir()
    repository.git("init", "-q")
    repository.commit("Begin.")
    return repository


@pytest.fixture
def repository(empty: Repository) -> Repository:
    """A repository whose last commit brings the protos."""
    empty.write()
    empty.generate()
    empty.commit("Promise.")
    return empty


def test_a_parent_without_protos_promised_nothing(repository: Repository) -> None:
    assert repository.check() == (0, "protos: nothing before to compare with\n")


def test_a_field_dropped_by_the_last_commit_is_named(repository: Repository) -> None:
    repository.drop_a_field()
    repository.commit("Break.")
    code, said = repository.check()
    assert code != 0
    assert '"region" on message "StateBodyChanged" was deleted' in said


def test_a_field_dropped_and_not_committed_is_named(repository: Repository) -> None:
    repository.drop_a_field()
    assert "was deleted" in repository.check()[1]


def test_what_only_adds_passes(repository: Repository) -> None:
    repository.add_a_comment()
    repository.commit("Add.")
    code, said = repository.check()
    assert (code, said.startswith("protos: no break since ")) == (0, True)


def test_a_release_is_compared_with_however_many_commits_ago_it_was(repository: Repository) -> None:
    repository.git("tag", "protos-2026.11")
    repository.drop_a_field()
    repository.commit("Break.")
    repository.add_a_comment()
    repository.commit("Go on.")
    assert "was deleted" in repository.check()[1]


def test_a_clone_without_its_parent_fetches_it(repository: Repository, tmp_path: Path) -> None:
    repository.drop_a_field()
    repository.commit("Break.")
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.folder}", str(clone.folder))
    clone.generate()
    assert "was deleted" in clone.check()[1]


def test_a_clone_whose_parent_cannot_be_had_does_not_pass(repository: Repository, tmp_path: Path) -> None:
    clone = Repository(tmp_path / "clone")
    repository.git("clone", "-q", "--depth", "1", f"file://{repository.folder}", str(clone.folder))
    clone.generate()
    clone.git("remote", "set-url", "origin", f"file://{tmp_path}/nowhere")
    code, said = clone.check()
    assert code != 0
    assert "cut off" in said


def test_a_planted_break_is_seen(repository: Repository) -> None:
    repository.add_a_comment()
    repository.commit("Add.")
    code, said = repository.check("--planted")
    assert code != 0
    assert "was deleted" in said
