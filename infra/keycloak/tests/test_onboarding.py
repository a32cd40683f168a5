"""Bodies, systems and people come in by one command each; asked a second time it changes nothing."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Malformed
from realm.onboarding import Key
from tartip_client import ClientKey, ClientSecret, SignInRefused, TokenSource

from .running import ASSERTION, Running, Signer, certificate

NOW = datetime.now(UTC)


@pytest.fixture
def name() -> str:
    """A name that nobody has."""
    return f"n{uuid.uuid4().hex[:8]}"


def secret_of(said: str) -> str:
    found = re.search(r"^(?:first|new)? ?(?:secret|password), shown this once: (\S+)$", said, re.MULTILINE)
    assert found, said
    return found[1]


def by_secret(realm: Running, client: str, secret: str) -> tuple[int, dict[str, str]]:
    return realm.token(grant_type="client_credentials", client_id=client, client_secret=secret)


def by_proof(realm: Running, proof: str) -> tuple[int, dict[str, str]]:
    return realm.token(grant_type="client_credentials", client_assertion_type=ASSERTION, client_assertion=proof)


def grants(realm: Running, token: str) -> list[str]:
    return sorted(grant.path for grant in realm.verified(token).grants)


def test_a_state_body_gets_a_group_for_each_of_its_roles(realm: Running, name: str) -> None:
    code, said = realm.told("onboard", "body", name)
    assert (code, said.splitlines()) == (
        0,
        [*(f"groups/state-bodies/{name}/{role}: made" for role in ("hr-officer", "auditor", "integrator")), "3 changes"],
    )
    assert realm.told("onboard", "body", name) == (0, "0 changes\n")


def test_a_region_gets_a_group_for_each_of_its_roles(realm: Running, name: str) -> None:
    assert realm.told("onboard", "region", name)[1].splitlines()[-1] == "4 changes"
    assert realm.told("onboard", "region", name) == (0, "0 changes\n")


def test_an_integrator_with_a_secret_has_exactly_its_grants(realm: Running, name: str) -> None:
    realm.told("onboard", "body", name)
    wanted = [f"/state-bodies/{name}/integrator", "/nation/integrator"]
    code, said = realm.told("onboard", "integrator", name, *(word for grant in wanted for word in ("--grant", grant)))
    assert (code, said.splitlines()[-1]) == (0, "3 changes")
    status, answer = by_secret(realm, f"integration-{name}", secret_of(said))
    assert status == 200, answer
    claims = realm.verified(answer["access_token"])  # its audience is asked for there
    assert (claims.client, claims.servant) == (f"integration-{name}", None)
    assert grants(realm, answer["access_token"]) == sorted(wanted)
    assert by_secret(realm, f"integration-{name}", "a guess")[0] == 401

    again = realm.told("onboard", "integrator", name, *(word for grant in wanted for word in ("--grant", grant)))
    assert again == (0, "0 changes\n")
    code, said = realm.told("onboard", "integrator", name, "--grant", wanted[0])
    assert said == f"clients/integration-{name}/grants/nation/integrator: taken away\n1 changes\n"
    assert realm.told("drift", "--demo")[0] == 0


def test_an_integrator_with_a_certificate_proves_itself_and_no_proof_counts_twice(realm: Running, name: str, tmp_path: Path) -> None:
    signer, file, client = Signer.made(), tmp_path / "its.pem", f"integration-{name}"
    file.write_bytes(signer.certificate)
    words = ("onboard", "integrator", name, "--grant", "/nation/integrator", "--certificate", str(file))
    code, said = realm.told(*words)
    assert (code, "secret" in said) == (0, False)
    assert realm.told(*words) == (0, "0 changes\n")
    proves_itself(realm, signer, client)
    assert by_proof(realm, Signer.made().proof(client, realm.issuer))[1]["error"] == "invalid_client"
    # Said again without a key it keeps the one it has; with another it has the other.
    assert realm.told(*words[:-2]) == (0, "0 changes\n")
    other = Signer.made()
    file.write_bytes(other.certificate)
    assert realm.told(*words)[1].splitlines()[-1] == "1 changes"
    proves_itself(realm, other, client)
    assert by_proof(realm, signer.proof(client, realm.issuer))[1]["error"] == "invalid_client"
    assert realm.told("drift", "--demo")[0] == 0


def test_an_integrator_may_publish_its_keys_itself(realm: Running, name: str) -> None:
    signer, client = Signer.made(), f"integration-{name}"
    with published(signer) as url:
        words = ("onboard", "integrator", name, "--grant", "/nation/integrator", "--jwks-url", url)
        assert realm.told(*words)[0] == 0
        assert realm.told(*words) == (0, "0 changes\n")
        proves_itself(realm, signer, client, named=True)
    assert realm.told("drift", "--demo")[0] == 0


def test_an_integrator_with_a_secret_may_take_to_a_key_and_its_secret_is_worth_nothing_then(
    realm: Running, name: str, tmp_path: Path
) -> None:
    signer, file, client = Signer.made(), tmp_path / "its.pem", f"integration-{name}"
    file.write_bytes(signer.certificate)
    words = ("onboard", "integrator", name, "--grant", "/nation/integrator")
    secret = secret_of(realm.told(*words)[1])
    assert realm.told(*words, "--certificate", str(file))[0] == 0
    proves_itself(realm, signer, client)
    assert by_secret(realm, client, secret)[1]["error"] == "invalid_client"


def test_the_integrators_client_signs_in_by_a_secret_by_a_certified_key_and_by_a_published_one(
    realm: Running, name: str, tmp_path: Path
) -> None:
    signer, client, key_file, file = Signer.made(), f"integration-{name}", tmp_path / "key.pem", tmp_path / "its.pem"
    key_file.write_bytes(signer.key.as_pem(private=True))
    file.write_bytes(signer.certificate)
    words = ("onboard", "integrator", name, "--grant", "/nation/integrator")
    secret = secret_of(realm.told(*words)[1])
    tokens = [TokenSource(realm.issuer, ClientSecret(client, secret), clear=True).token()]
    assert realm.told(*words, "--certificate", str(file))[0] == 0
    tokens.append(TokenSource(realm.issuer, ClientKey(client, key_file), clear=True).token())
    with published(signer) as url:
        assert realm.told(*words, "--jwks-url", url)[0] == 0
        tokens.append(TokenSource(realm.issuer, ClientKey(client, key_file, str(signer.key.kid)), clear=True).token())
    assert [grants(realm, token) for token in tokens] == [["/nation/integrator"]] * 3
    with pytest.raises(SignInRefused, match=client):
        TokenSource(realm.issuer, ClientSecret(client, secret), clear=True).token()


def proves_itself(realm: Running, signer: Signer, client: str, *, named: bool = False) -> None:
    proof = signer.proof(client, realm.issuer, named=named)
    status, answer = by_proof(realm, proof)
    assert status == 200, answer
    assert (realm.verified(answer["access_token"]).client, grants(realm, answer["access_token"])) == (client, ["/nation/integrator"])
    status, refused = by_proof(realm, proof)
    assert (status, refused["error"], "access_token" in refused) == (400, "invalid_client", False)
    status, refused = by_proof(realm, signer.proof(client, "http://elsewhere.example", named=named))
    assert (status, refused["error"]) == (400, "invalid_client")


def test_an_access_control_system_submits_passages_of_its_own_devices(realm: Running, name: str) -> None:
    code, said = realm.told("onboard", "device-gateway", name)
    assert (code, said.splitlines()[0]) == (0, f"groups/systems/{name}/device-gateway: made")
    status, answer = by_secret(realm, f"device-gateway-{name}", secret_of(said))
    assert status == 200
    assert grants(realm, answer["access_token"]) == [f"/systems/{name}/device-gateway"]
    assert realm.told("onboard", "device-gateway", name) == (0, "0 changes\n")


def test_a_person_is_bound_to_a_servant_and_chooses_a_password_first(realm: Running, name: str) -> None:
    servant = f"s-{name}"
    words = ("onboard", "servant", name, "--servant", servant, "--grant", "/regions/75/inspector")
    code, said = realm.told(*words)
    assert (code, said.splitlines()[0]) == (0, f"users/{name}: made, bound to {servant}")
    password = secret_of(said)
    status, refused = realm.signed_in(name, password)
    assert (status, refused["error_description"]) == (400, "Account is not fully set up")
    user = realm.admin.get_user_id(name)
    assert user
    realm.admin.set_user_password(user, "what-anna-has-chosen", temporary=False)
    status, answer = realm.signed_in(name, "what-anna-has-chosen")
    assert status == 200, answer
    assert realm.verified(answer["access_token"]).servant == servant
    assert grants(realm, answer["access_token"]) == ["/regions/75/inspector"]
    assert realm.told(*words) == (0, "0 changes\n")
    assert realm.signed_in(name, "what-anna-has-chosen")[0] == 200
    assert realm.told(*words[:-2]) == (0, f"users/{name}/grants/regions/75/inspector: taken away\n1 changes\n")


def test_a_new_secret_takes_the_place_of_the_old_one_and_changes_nothing_else(realm: Running, name: str) -> None:
    client = f"integration-{name}"
    first = secret_of(realm.told("onboard", "integrator", name, "--grant", "/nation/integrator")[1])
    code, said = realm.told("onboard", "integrator", name, "--new-secret")
    assert (code, said.splitlines()) == (
        0,
        [
            f"clients/{client}: has a new secret, the old one counts no more",
            f"new secret, shown this once: {secret_of(said)}",
            "1 changes",
        ],
    )
    assert by_secret(realm, client, first)[1]["error"] == "unauthorized_client"
    status, answer = by_secret(realm, client, secret_of(said))
    assert status == 200, answer
    assert grants(realm, answer["access_token"]) == ["/nation/integrator"]
    assert secret_of(said) not in realm.told("onboard", "integrator", name, "--grant", "/nation/integrator")[1]
    assert realm.told("drift", "--demo")[0] == 0


def test_an_access_control_system_gets_a_new_secret_too(realm: Running, name: str) -> None:
    first = secret_of(realm.told("onboard", "device-gateway", name)[1])
    again = secret_of(realm.told("onboard", "device-gateway", name, "--new-secret")[1])
    assert [by_secret(realm, f"device-gateway-{name}", secret)[0] for secret in (first, again)] == [401, 200]


def test_who_has_a_key_gets_no_secret(realm: Running, name: str, tmp_path: Path) -> None:
    signer, file = Signer.made(), tmp_path / "its.pem"
    file.write_bytes(signer.certificate)
    realm.told("onboard", "integrator", name, "--grant", "/nation/integrator", "--certificate", str(file))
    code, said = realm.told("onboard", "integrator", name, "--new-secret")
    assert (code, said) == (
        3,
        f"realm: integration-{name} proves itself by a key of its own and has no secret: --certificate or --jwks-url names another key.\n",
    )
    proves_itself(realm, signer, f"integration-{name}")


def test_a_new_password_takes_the_place_of_the_old_one_and_ends_what_was_begun_with_it(realm: Running, name: str) -> None:
    words = ("onboard", "servant", name, "--servant", f"s-{name}")
    realm.told(*words, "--grant", "/regions/75/inspector")
    user = realm.admin.get_user_id(name)
    assert user
    realm.admin.set_user_password(user, "what-anna-has-chosen", temporary=False)
    begun = realm.signed_in(name, "what-anna-has-chosen")[1]
    code, said = realm.told(*words, "--new-password")
    assert (code, said.splitlines()[0]) == (0, f"users/{name}: has a new password, the old one and its sessions count no more")
    assert realm.token(grant_type="refresh_token", client_id="command-line", refresh_token=begun["refresh_token"])[0] == 400
    assert realm.signed_in(name, "what-anna-has-chosen")[1]["error_description"] == "Invalid user credentials"
    assert realm.signed_in(name, secret_of(said))[1]["error_description"] == "Account is not fully set up"
    assert [group["path"] for group in realm.admin.get_user_groups(user)] == ["/regions/75/inspector"]


def test_nobody_gets_a_new_password_by_anothers_name(realm: Running, name: str) -> None:
    realm.told("onboard", "servant", name, "--servant", f"s-{name}")
    code, said = realm.told("onboard", "servant", name, "--servant", "s-1", "--new-password")
    assert (code, f"is bound to s-{name}, not to s-1" in said, "shown this once" in said) == (3, True, False)


def test_a_servant_has_one_account_and_an_account_one_servant(realm: Running, name: str) -> None:
    assert realm.told("onboard", "servant", name, "--servant", f"s-{name}")[0] == 0
    code, said = realm.told("onboard", "servant", f"{name}-2", "--servant", f"s-{name}")
    assert (code, said) == (3, f"realm: The servant s-{name} signs in as {name} already; a servant has one account.\n")
    assert realm.admin.get_user_id(f"{name}-2") is None
    code, said = realm.told("onboard", "servant", name, "--servant", "s-1")
    assert (code, f"is bound to s-{name}, not to s-1" in said) == (3, True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["body", "K/GD"], "state_body: must match [A-Za-z0-9-]{2,40}"),
        (["region", "седьмой"], "region: must match"),
        (["device-gateway", "a/b"], "system: must match"),
        (["integrator", "X", "--grant", "/nation/integrator"], "name: must match"),
        (["integrator", "egov", "--grant", "/nation/integrator"], "integration-egov stands in the realm's file"),
        (["integrator", "x-new"], "--grant: name each that it is to have"),
        (["integrator", "x-new", "--grant", "/nation/integrator", "--new-secret"], "--grant: name each that it is to have"),
        (["integrator", "x-new", "--new-secret", "--jwks-url", "https://x.kz/"], "not allowed with argument --new-secret"),
        (["integrator", "x-new", "--new-secret"], "There is no client integration-x-new: `onboard` it first"),
        (["integrator", "egov", "--new-secret"], "integration-egov stands in the realm's file"),
        (["servant", "bolat", "--servant", "s-1", "--new-password"], "There is no account bolat: `onboard` it first"),
        (["integrator", "x-new", "--grant", "/state-bodies/NONE/integrator"], "first `onboard body NONE`, if that is its ID. Under /state-bodies"),
        (["integrator", "x-new", "--grant", "/regions/99/integrator"], "first `onboard region 99`"),
        (["integrator", "x-new", "--grant", "/nation/king"], "there is no role 'king'"),
        (["integrator", "x-new", "--grant", "/nation/inspector"], "is held by a person"),
        (["integrator", "x-new", "--grant", "/systems/hq/device-gateway"], "has the role integrator alone"),
        (["integrator", "x-new", "--grant", "/nation/integrator", "--jwks-url", "http://keys.example.kz/"], "must begin with https://"),
        (["servant", "bolat", "--servant", "s 1"], "servant: must match"),
        (["servant", "880101300123", "--servant", "s-1"], "username: must match"),
        (["servant", "bolat", "--servant", "s-1", "--grant", "/state-bodies/KGD/inspector"], "may stand under /regions/… or /nation alone"),
        (["servant", "bolat", "--servant", "s-1", "--grant", "/nation/integrator"], "is held by a system"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_a_refusal_says_what_was_wrong_and_nothing_is_made(realm: Running, words: list[str], says: str) -> None:
    code, said = realm.told("onboard", *words)
    assert (code in (2, 3), says in said) == (True, True), said
    assert realm.admin.get_client_id("integration-x-new") is None
    assert realm.admin.get_user_id("bolat") is None


def test_what_a_hand_changes_of_an_onboarded_client_is_seen_and_put_right(realm: Running, name: str) -> None:
    realm.told("onboard", "integrator", name, "--grant", "/nation/integrator")
    client = realm.client(f"integration-{name}")
    realm.admin.update_client(client["id"], {"directAccessGrantsEnabled": True, "attributes": {"access.token.lifespan": "86400"}})
    account = realm.admin.get_client_service_account_user(client["id"])["id"]
    realm.admin.assign_realm_roles(account, [realm.admin.get_realm_role("offline_access")])
    code, said = realm.told("drift", "--demo")
    assert (code, said.splitlines()) == (
        1,
        [
            f"clients/integration-{name}: directAccessGrantsEnabled is true, declared false",
            f'clients/integration-{name}/attributes: access.token.lifespan is "86400", declared absent',
            f"clients/integration-{name}/roles/offline_access is present, declared absent",
            "3 differences; `apply` puts them right",
        ],
    )
    realm.told("apply", "--demo")
    assert realm.told("drift", "--demo")[0] == 0
    # One that somebody has switched off stays off.
    realm.admin.update_client(client["id"], {"enabled": False})
    assert realm.told("apply", "--demo") == (0, "0 changes\n")
    realm.admin.delete_client(client["id"])


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"nothing", "is no certificate in PEM"),
        (certificate(rsa.generate_private_key(public_exponent=65537, key_size=1024), 30), "RSA of 2048 bits or more"),
        (certificate(ec.generate_private_key(ec.SECP256R1()), -1), "not now"),
    ],
    ids=["nothing", "weak", "expired"],
)
def test_a_certificate_that_is_worth_little_is_refused(pem: bytes, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        Key.certified(pem, NOW)
    assert says in str(refused.value.violations["certificate"])


def test_a_certificate_of_an_elliptic_curve_counts() -> None:
    assert Key.certified(certificate(ec.generate_private_key(ec.SECP256R1()), 9), NOW).attributes["jwt.credential.certificate"]


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda inner: b"-----BEGIN CERTIFICATE-----\n" + inner))
def test_whatever_is_no_certificate_is_refused_as_such(pem: bytes) -> None:
    with pytest.raises(Malformed):
        Key.certified(pem, NOW)


@contextmanager
def published(signer: Signer) -> Iterator[str]:
    """The public key of a system at an address of its own."""
    body = json.dumps({"keys": [signer.key.as_dict(private=False)]}).encode()

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keys) as serving:
        Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/keys"
        serving.shutdown()
