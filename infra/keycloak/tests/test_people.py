"""What the realm holds people to: their passwords, their patience, and what they may say of themselves."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

import pytest
from keycloak.exceptions import KeycloakPutError
from realm.declared import Declared

from .running import PASSWORD, Running


@pytest.mark.parametrize(
    ("password", "says"),
    [("elevenchars", "invalidPasswordMinLength"), ("x" * 129, "invalidPasswordMaxLength"), ("{username}", "invalidPasswordNotUsername")],
)
def test_a_weak_password_is_refused(realm: Running, password: str, says: str) -> None:
    user = realm.admin.create_user({"username": "a-name-of-13-or-more", "enabled": True}, exist_ok=True)
    with pytest.raises(KeycloakPutError, match=says):
        realm.admin.set_user_password(user, password.format(username="a-name-of-13-or-more"), temporary=False)


def test_a_password_that_was_used_before_is_refused(realm: Running) -> None:
    user = realm.admin.get_user_id(realm.person())
    assert user
    realm.admin.set_user_password(user, "the-second-password", temporary=False)
    with pytest.raises(KeycloakPutError, match="invalidPasswordHistory"):
        realm.admin.set_user_password(user, PASSWORD, temporary=False)


def test_who_guesses_passwords_is_kept_out_for_a_while_even_with_the_right_one(realm: Running) -> None:
    name, other = realm.person(), realm.person()
    assert realm.signed_in(name)[0] == 200
    guesses = [realm.signed_in(name, f"a guess {number}") for number in range(Declared.read().settings["failureFactor"])]
    assert {answer["error"] for _, answer in guesses} == {"invalid_grant"}
    status, refused = realm.signed_in(name)
    assert (status, refused["error"]) == (400, "invalid_grant")
    user = realm.admin.get_user_id(name)
    assert user
    assert realm.admin.get_bruteforce_detection_status(user)["disabled"] is True
    assert realm.signed_in(other)[0] == 200
    realm.admin.clear_bruteforce_attempts_for_user(user)
    assert realm.signed_in(name)[0] == 200


def test_a_person_cannot_say_which_servant_they_are(realm: Running) -> None:
    name = realm.person(servant="s-7")
    # A client of the account pages, which may change what its user may change.
    client = {"clientId": "account-of-a-test", "publicClient": True, "directAccessGrantsEnabled": True, "fullScopeAllowed": True}
    id = realm.admin.create_client(client)
    _, answer = realm.token(grant_type="password", client_id="account-of-a-test", username=name, password=PASSWORD)
    seen = account(realm, answer["access_token"])
    assert seen["username"] == name
    assert "servant" not in seen.get("attributes", {})
    for servants in (["s-1"], [], ["s-7", "s-1"]):
        assert "s-1" not in str(account(realm, answer["access_token"], {**seen, "attributes": {"servant": servants}}))
    realm.admin.delete_client(id)
    status, answer = realm.signed_in(name)
    assert (status, realm.verified(answer["access_token"]).servant) == (200, "s-7")


def account(realm: Running, token: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a person's own account says, or answers to what they would make of it."""
    headers = {"authorization": f"Bearer {token}", "accept": "application/json", "content-type": "application/json"}
    asked = urllib.request.Request(f"{realm.issuer}/account", json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return dict(json.loads(answer.read() or "{}"))
    except urllib.error.HTTPError as refused:
        return {"refused": refused.code}


def test_nobody_registers_and_nobody_resets_a_password_alone(realm: Running) -> None:
    found = realm.admin.get_realm(realm.name)
    assert [found[name] for name in ("registrationAllowed", "resetPasswordAllowed", "editUsernameAllowed")] == [False] * 3


def test_what_people_and_administrators_do_is_written_down_without_their_data(realm: Running) -> None:
    began = time.time() * 1000  # what administrators did before, others may have let be written down
    name = realm.person()
    realm.signed_in(name, "a guess")
    kinds = {str(event["type"]) for event in realm.admin.get_events({"max": 50})}
    assert "LOGIN_ERROR" in kinds
    done = [event for event in realm.admin.get_admin_events({"max": 50}) if event["time"] >= began]
    assert "USER" in {event["resourceType"] for event in done}
    assert [event for event in done if "representation" in event] == []
