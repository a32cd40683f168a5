"""A system is told by its environment where the platform is and who it is; what is missing is named."""

from pathlib import Path
from typing import Any

import pytest
from tartip_client import ClientKey, ClientSecret, Deployment, SettingMissing, Tls, TokenSource

GIVEN = {"TARTIP_ISSUER": "https://sign-in.test/realms/tartip", "TARTIP_CLIENT_ID": "integration-egov", "TARTIP_REGISTRY": "a:1"}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("s\n")
    return path


def credentials(deployment: Deployment) -> Any:
    assert isinstance(deployment.tokens, TokenSource)
    return deployment.tokens._credentials


def test_a_system_signs_in_with_the_secret_or_the_key_in_a_file(secret: Path) -> None:
    by_secret = Deployment.from_environment(GIVEN | {"TARTIP_CLIENT_SECRET_FILE": str(secret)})
    assert credentials(by_secret) == ClientSecret("integration-egov", secret)
    assert credentials(by_secret).form("")["client_secret"] == "s"
    secret.write_text("rotated\n")
    assert credentials(by_secret).form("")["client_secret"] == "rotated"
    assert (by_secret.language, by_secret.tls, by_secret.addresses) == ("kk", Tls(), {"registry": "a:1"})
    by_key = Deployment.from_environment(GIVEN | {"TARTIP_CLIENT_KEY_FILE": str(secret), "TARTIP_CLIENT_KEY_ID": "k"})
    assert credentials(by_key) == ClientKey("integration-egov", secret, "k")


def test_a_person_is_spoken_for_with_their_own_token_and_tls_is_left_out_by_word_alone(secret: Path) -> None:
    deployment = Deployment.from_environment({"TARTIP_TOKEN": "t", "TARTIP_CLEAR": "1", "TARTIP_LANGUAGE": "ru"})
    assert (deployment.tokens, deployment.tls, deployment.language) == ("t", None, "ru")
    given = {"TARTIP_TOKEN": "t", "TARTIP_CLEAR": "no", **dict.fromkeys(("TARTIP_CERTIFICATE_FILE", "TARTIP_KEY_FILE"), str(secret))}
    assert Deployment.from_environment(given).tls == Tls(None, secret, secret)


def test_an_issuer_is_without_tls_by_word_alone(secret: Path) -> None:
    given = GIVEN | {"TARTIP_CLIENT_SECRET_FILE": str(secret), "TARTIP_ISSUER": "http://sign-in.test"}
    assert Deployment.from_environment(given | {"TARTIP_CLEAR": "1"}).tls is None
    with pytest.raises(SettingMissing, match=r"TARTIP_ISSUER is http://sign-in\.test: it begins with https://"):
        Deployment.from_environment(given)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TARTIP_ISSUER": ""}, "TARTIP_ISSUER is not set"),
        ({"TARTIP_CLIENT_ID": ""}, "TARTIP_CLIENT_ID is not set"),
        ({}, "TARTIP_CLIENT_SECRET_FILE or TARTIP_CLIENT_KEY_FILE"),
        ({"TARTIP_CLIENT_SECRET_FILE": "nowhere"}, "TARTIP_CLIENT_SECRET_FILE: there is no file nowhere"),
        ({"TARTIP_CA_FILE": "nowhere"}, "TARTIP_CA_FILE"),
        ({"TARTIP_LANGUAGE": "de"}, "kk, ru or en"),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingMissing, match=said):
        Deployment.from_environment(GIVEN | changes)


def test_a_part_without_an_address_is_named() -> None:
    with pytest.raises(SettingMissing, match="TARTIP_GATEWAY is not set"):
        Deployment({}, "t").channel("gateway")
