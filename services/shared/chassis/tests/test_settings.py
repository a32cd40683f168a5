from pathlib import Path

import pytest
from chassis.settings import Settings, SettingsError, read
from chassis.testing.certificates import Authority

ENOUGH = {
    "TARTIP_DATABASE_URL": "postgresql://app:secret@localhost/registry",
    "TARTIP_MIGRATOR_DATABASE_URL": "postgresql://migrator:secret@localhost/registry",
    "TARTIP_KAFKA": "localhost:9092",
    "TARTIP_ISSUER": "http://localhost/realms/tartip",
    "TARTIP_LISTEN": "127.0.0.1:0",
    "TARTIP_ADMIN_LISTEN": "127.0.0.1:0",
    "TARTIP_PAGE_KEY": "a page key",
}


class PortSettings(Settings):
    port: int


@pytest.fixture(autouse=True)
def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)


def test_settings_are_read_from_the_environment() -> None:
    settings = read(Settings)
    assert settings.kafka == "localhost:9092"
    assert settings.audience == "tartip"
    assert settings.page_key.get_secret_value() == "a page key"
    assert "a page key" not in repr(settings)


def test_a_missing_value_is_an_error_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_KAFKA")
    monkeypatch.delenv("TARTIP_ISSUER")
    with pytest.raises(SettingsError, match="TARTIP_ISSUER: is not set; TARTIP_KAFKA: is not set"):
        read(Settings)


def test_a_command_is_not_asked_for_what_it_does_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_KAFKA")
    settings = read(Settings, need=("migrator_database_url",))
    assert settings.issuer == "http://localhost/realms/tartip"
    with pytest.raises(SettingsError, match="TARTIP_KAFKA is not set"):
        _ = settings.kafka


def test_what_a_command_needs_is_demanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TARTIP_KAFKA")
    with pytest.raises(SettingsError, match="TARTIP_KAFKA"):
        read(Settings, need=("kafka",))
    with pytest.raises(SettingsError, match="no field rabbit"):
        read(Settings, need=("rabbit",))


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        *(
            ("DATABASE_URL", each, "postgresql://user:password@host:port/database")
            for each in ("foo", "mysql://u:hunter2@h/d", "postgresql://h:p/d")
        ),
        ("MIGRATOR_DATABASE_URL", "postgresql://u:hunter2@host", "postgresql://user:password@host:port/database"),
        *(("KAFKA", each, "host:port[,host:port]") for each in ("foo", "kafka://h:9092", "h:1,", "h:one")),
        *(
            ("DATABASE_URL", f"postgresql://u:hunter2@h/d?{way}", right)
            for way, right in {
                "sslmode=verify": "sslmode is one of disable, allow, prefer, require, verify-ca, verify-full",
                "sslmode=verify-full": "sslrootcert, a PEM file of authorities, goes with sslmode verify-full",
                "sslrootcert=ca.pem": "sslrootcert, a PEM file of authorities, goes with sslmode verify-full",
                "sslmode=verify-full&sslrootcert=/nowhere.pem": "sslrootcert, sslcert, sslkey: no PEM file of authorities: No such file",
                "ssl=true": "ssl: of the way to a database its URL says sslcert, sslkey, sslmode, sslrootcert alone",
            }.items()
        ),
        ("KAFKA_MECHANISM", "OAUTHBEARER", "'SCRAM-SHA-512', 'SCRAM-SHA-256' or 'PLAIN'"),
        ("ISSUER_CA", "/nowhere.pem", "no PEM file of authorities: No such file"),
        ("CLOCK", "nope", "file:/path"),
        ("CLOCK", "file:/nope", "No such file"),
    ],
)
def test_a_value_of_another_form_is_told_the_right_one_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, right: str
) -> None:
    monkeypatch.setenv(f"TARTIP_{name}", value)
    with pytest.raises(SettingsError) as refused:
        read(Settings)
    assert str(refused.value).startswith(f"TARTIP_{name}: ")
    assert right in str(refused.value)
    assert not {value, "hunter2"} & set(str(refused.value).replace("@", " ").replace(":", " ").split())


def test_what_is_needed_and_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_KAFKA", "")
    with pytest.raises(SettingsError, match=r"^TARTIP_KAFKA: is not set$"):
        read(Settings, need=("kafka", "clock"))


def test_a_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARTIP_PORT", "hunter2")
    with pytest.raises(SettingsError) as refused:
        read(PortSettings)
    assert "TARTIP_PORT" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"CERTIFICATE": "own.pem"}, "TARTIP_KAFKA_CERTIFICATE and TARTIP_KAFKA_KEY: set both, or neither"),
        ({"USER": "platform"}, "TARTIP_KAFKA_USER and TARTIP_KAFKA_PASSWORD: set both, or neither"),
        ({"PASSWORD": "hunter2"}, "TARTIP_KAFKA_USER and TARTIP_KAFKA_PASSWORD: set both, or neither"),
        ({"USER": "platform", "PASSWORD": "hunter2"}, "TARTIP_KAFKA_CA: is not set"),
        ({"CERTIFICATE": "own.pem", "KEY": "own.key"}, "TARTIP_KAFKA_CA: is not set"),
        ({"CA": "/nowhere.pem"}, "TARTIP_KAFKA_CA, TARTIP_KAFKA_CERTIFICATE, TARTIP_KAFKA_KEY: no PEM file of authorities: No such file"),
        ({"CA": __file__}, "no PEM file of authorities: "),
    ],
)
def test_what_makes_no_way_to_kafka_is_told_by_its_variables(monkeypatch: pytest.MonkeyPatch, told: dict[str, str], says: str) -> None:
    for name, value in told.items():
        monkeypatch.setenv(f"TARTIP_KAFKA_{name}", value)
    with pytest.raises(SettingsError) as refused:
        _ = read(Settings).brokers
    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_password_of_kafka_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"CA": str(Authority().write(tmp_path)), "USER": "platform", "PASSWORD": "hunter2"}.items():
        monkeypatch.setenv(f"TARTIP_KAFKA_{name}", value)
    settings = read(Settings)
    assert settings.brokers.aiokafka()["sasl_plain_password"] == "hunter2"
    assert "hunter2" not in repr(settings) + repr(settings.brokers)
