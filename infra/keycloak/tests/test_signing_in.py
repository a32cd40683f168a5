"""`sign-in` at the command line: standard output is for the token alone."""

import pytest
from realm import signing_in
from realm.__main__ import main


def test_a_sign_in_that_fails_says_so_beside_the_token_and_ends_with_three(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A shell that takes the token out of standard output would swallow what is said there."""
    monkeypatch.setenv("TARTIP_KEYCLOAK", "http://127.0.0.1:9")
    monkeypatch.setattr(signing_in, "PATIENCE_S", 0.0)
    assert main(["sign-in"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[0] == "Open in a browser of this machine:"
    assert said.err.splitlines()[-1] == "realm: nobody signed in within 0 minutes: say the command again"
