"""TLS of our own connections, to real servers: the right authority lets us in, and of a wrong one the setting is told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from chassis.brokers import Brokers
from chassis.commands import Process, main
from chassis.database import Database
from chassis.entering import NotLetIn
from chassis.issuer_keys import HttpIssuer, IssuerAway
from chassis.migrations import migrate
from chassis.publisher import Publisher, let_in
from chassis.settings import Settings, SettingsError
from chassis.streams import Consumer, Subscription
from chassis.survey import survey
from chassis.testing.certificates import Authority
from chassis.testing.kafka import Kafka
from chassis.testing.postgres import Postgres
from chassis.testing.secured import PASSWORD, USER, Trusted, known
from chassis.testing.tls_front import Door, tls_before
from chassis.testing.tokens import Tokens
from chassis.urls import plain_url
from google.protobuf.struct_pb2 import ListValue
from sqlalchemy import make_url


@pytest.fixture
async def door(postgres: Postgres, trusted: Trusted) -> AsyncIterator[Door]:
    """A PostgreSQL behind TLS."""
    async with tls_before(postgres, trusted.authority.sign("postgres")) as open_:
        yield open_


def by(server: Postgres, door: Door | None, **way: str) -> str:
    """The address of a server, by a door of TLS or without, with what its URL says of the way."""
    url = make_url(server.url)
    return plain_url(url.set(port=door.port if door else url.port).update_query_dict(way))


async def asked(url: str) -> object:
    """What a database answers that is entered by that URL."""
    database = Database(url)
    try:
        async with database.apart() as driver:
            return await driver.fetchval("SELECT 7")
    finally:
        await database.engine.dispose()


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca"])
async def test_a_database_of_the_right_authority_is_entered_by_tls(postgres: Postgres, door: Door, trusted: Trusted, mode: str) -> None:
    assert await asked(by(postgres, door, sslmode=mode, sslrootcert=str(trusted.file))) == 7
    assert door.entered == 1


async def test_a_database_of_another_authority_is_not_entered(postgres: Postgres, door: Door, trusted: Trusted) -> None:
    with pytest.raises(NotLetIn) as refused:
        await asked(by(postgres, door, sslmode="verify-full", sslrootcert=str(trusted.strange)))
    assert str(refused.value).startswith(f"TARTIP_DATABASE_URL: database postgres at 127.0.0.1:{door.port} does not let us in: ")
    assert "its certificate is not what sslmode and sslrootcert of the URL ask for: " in str(refused.value)
    assert postgres.password_of("postgres") not in str(refused.value)


async def test_a_database_whose_certificate_names_another_host_is_not_entered(postgres: Postgres, trusted: Trusted) -> None:
    async with tls_before(postgres, trusted.authority.sign("elsewhere.example", loopback=False)) as door:
        with pytest.raises(NotLetIn, match=r"is not what sslmode and sslrootcert .*127\.0\.0\.1"):
            await asked(by(postgres, door, sslmode="verify-full", sslrootcert=str(trusted.file)))
        assert await asked(by(postgres, door, sslmode="verify-ca", sslrootcert=str(trusted.file))) == 7


async def test_a_database_that_speaks_no_tls_is_not_entered_in_clear_instead(postgres: Postgres, trusted: Trusted) -> None:
    for way in ({"sslmode": "require"}, {"sslmode": "verify-full", "sslrootcert": str(trusted.file)}):
        with pytest.raises(NotLetIn, match="it does not speak TLS, which sslmode of the URL asks for"):
            await asked(by(postgres, None, **way))


async def test_migrations_go_by_the_same_way(postgres: Postgres, door: Door, trusted: Trusted) -> None:
    with pytest.raises(NotLetIn, match=r"^TARTIP_MIGRATOR_DATABASE_URL: .* its certificate is not what"):
        await migrate(by(postgres, door, sslmode="verify-full", sslrootcert=str(trusted.strange)), "chassis.testing.bare.migrations")


async def test_an_issuer_of_the_right_authority_gives_its_keys_and_another_does_not(trusted: Trusted) -> None:
    context, issuer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), Tokens()
    context.load_cert_chain(*trusted.own("issuer"))
    async with issuer.serving(context) as url:
        right, *wrong = HttpIssuer(url, str(trusted.file)), HttpIssuer(url, str(trusted.strange)), HttpIssuer(url)
        assert (await right.published()).issuer == url
        for each in wrong:
            with pytest.raises(IssuerAway, match="TARTIP_ISSUER_CA: its certificate is of none of the authorities there"):
                await each.published()
        for each in (right, *wrong):
            await each.close()


@pytest.fixture(scope="module")
def kafka(real_kafka: Kafka) -> Kafka:
    """The real Kafka, which knows the platform by a name."""
    known(real_kafka, {USER: PASSWORD})
    return real_kafka


@pytest.fixture
def ways(kafka: Kafka, trusted: Trusted) -> Mapping[str, Brokers]:
    """Each way in that is right."""
    named = Brokers(kafka.door("SASL_SSL"), str(trusted.file), user=USER, password=PASSWORD)
    certified = Brokers(kafka.door("SSL"), str(trusted.file), *trusted.own("platform"))
    return {"certificate": certified, "scram": named, "plain": replace(named, mechanism="PLAIN")}


@pytest.mark.parametrize("way", ["certificate", "scram", "plain"])
async def test_what_is_published_by_a_secured_way_is_surveyed_and_consumed_by_it(
    kafka: Kafka, ways: Mapping[str, Brokers], way: str
) -> None:
    brokers, topic, stop, applied = ways[way], f"tests.t{uuid4().hex}.v1", asyncio.Event(), list[float]()
    kafka.create([topic])
    await asyncio.to_thread(let_in, brokers)
    publisher = Publisher(brokers)
    sent = ListValue()
    sent.extend([1.0, 2.0])
    await publisher.send(topic, b"key", sent.SerializeToString(), {})

    async def apply(messages: Sequence[ListValue]) -> None:
        applied.extend(float(value.number_value) for message in messages for value in message.values)
        stop.set()

    consumer = Consumer(topic, brokers, [Subscription(topic, ListValue, apply)], publisher.send, session_timeout_s=3.0, farewell_s=1.0)
    async with asyncio.timeout(60):
        assert sum(extent.end for extent in (await survey(brokers, topic, [topic])).values()) == 1
        await consumer.run(stop)
    await publisher.close()
    assert applied == [1.0, 2.0]


def refused(kafka: Kafka, trusted: Trusted, what: str) -> Brokers:
    """Each way in that is wrong."""
    named = Brokers(kafka.door("SASL_SSL"), str(trusted.file), user=USER, password="a-guess-at-it")
    certified = Brokers(kafka.door("SSL"), str(trusted.file), *trusted.own("platform"))
    return {
        "authority": replace(certified, ca=str(trusted.strange)),
        "no certificate": Brokers(kafka.door("SSL"), str(trusted.file)),
        "a strange certificate": Brokers(kafka.door("SSL"), str(trusted.file), *trusted.own("platform", Authority("a strange one"))),
        "scram": named,
        "plain": replace(named, mechanism="PLAIN"),
        "authority and a name": replace(named, ca=str(trusted.strange)),
    }[what]


@pytest.mark.parametrize(
    ("what", "setting"),
    [
        ("authority", "TARTIP_KAFKA_CA"),
        ("no certificate", "TARTIP_KAFKA_CERTIFICATE"),
        ("a strange certificate", "TARTIP_KAFKA_CERTIFICATE"),
        ("scram", "TARTIP_KAFKA_PASSWORD"),
        ("plain", "TARTIP_KAFKA_PASSWORD"),
        ("authority and a name", "TARTIP_KAFKA_CA"),
    ],
)
def test_a_wrong_way_to_kafka_is_told_by_its_setting(kafka: Kafka, trusted: Trusted, what: str, setting: str) -> None:
    with pytest.raises(SettingsError) as told:
        let_in(refused(kafka, trusted, what))
    assert setting in str(told.value).partition(": ")[0]
    assert kafka.door("SSL" if "cert" in what or what == "authority" else "SASL_SSL") in str(told.value)
    assert not {"a-guess-at-it", PASSWORD} & set(str(told.value).split())


def test_a_process_that_kafka_does_not_let_in_ends_with_two_before_it_begins(
    kafka: Kafka, trusted: Trusted, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def work(settings: Settings, stop: asyncio.Event) -> None:
        raise AssertionError("it has begun")

    monkeypatch.setenv("TARTIP_KAFKA", kafka.door("SASL_SSL"))
    monkeypatch.setenv("TARTIP_KAFKA_CA", str(trusted.file))
    monkeypatch.setenv("TARTIP_KAFKA_USER", USER)
    monkeypatch.setenv("TARTIP_KAFKA_PASSWORD", "a-guess-at-it")
    assert main("things", "", (Process("work", "work", Settings, ("kafka",), work),), ["work"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("things: TARTIP_KAFKA_USER, TARTIP_KAFKA_PASSWORD, TARTIP_KAFKA_MECHANISM: Kafka at ")
    assert "a-guess-at-it" not in said


def test_a_kafka_that_is_away_is_waited_for_later(trusted: Trusted) -> None:
    let_in(Brokers("127.0.0.1:1", str(trusted.file)))
