"""Secrets of a region: what the chart asks for by name and key, with URLs that lead into the database in the role that they name."""

import asyncio
from typing import Any

import asyncpg
import pytest
import yaml
from chassis.testing.postgres import Postgres
from region.__main__ import SUPERUSER, main
from region.helm import EXAMPLE, rendered
from registry.protected.keys import SensitiveKeys


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    return {each["metadata"]["name"]: each["stringData"] for each in yaml.safe_load_all(capsys.readouterr().out)}


def asked_for() -> set[tuple[str, str]]:
    """Every key of every Secret that a region's pods are told of, but for Kafka's password, which is Kafka's to give."""
    result = rendered(EXAMPLE)
    pods = [each["spec"]["template"]["spec"] for each in (*result.of_kind("Deployment"), *result.of_kind("Job"))]
    variables: list[Any] = [each for pod in pods for container in pod["containers"] for each in container["env"] if "valueFrom" in each]
    references = [each["valueFrom"]["secretKeyRef"] for each in variables]
    return {(each["name"], each["key"]) for each in references if not each["name"].endswith("-kafka")}


async def entered_as(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def test_secrets_are_those_that_the_chart_asks_for(
    killable_postgres: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUPERUSER, killable_postgres.url)
    assert main(["secrets"]) == 0
    own = printed(capsys)
    at = f"127.0.0.1:{killable_postgres.port}"
    assert main(["databases", "--at", at, "--query", ""]) == 0
    databases = printed(capsys)
    assert {(name, key) for name, keys in {**own, **databases}.items() for key in keys} == asked_for()
    SensitiveKeys.told(own["tartip-registry"]["sensitive-keys"])
    for name, urls in databases.items():
        service = name.removeprefix("tartip-").removesuffix("-database")
        for key, url in urls.items():
            assert asyncio.run(entered_as(url)) == f"{service}_{key.removeprefix('database-')}"


def test_the_url_leads_where_pods_find_the_server_and_says_the_way(
    killable_postgres: Postgres, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUPERUSER, killable_postgres.url)
    assert main(["databases", "--at", "postgres.db.svc:6432"]) == 0
    url = printed(capsys)["tartip-registry-database"]["database-app"]
    assert url.endswith("@postgres.db.svc:6432/registry?sslmode=verify-full&sslrootcert=/etc/tartip/database/ca.crt")


def test_a_server_that_is_away_is_said_and_so_is_one_that_is_not_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SUPERUSER, raising=False)
    assert main(["databases", "--at", "db:5432"]) == 2
    assert SUPERUSER in capsys.readouterr().err
    monkeypatch.setenv(SUPERUSER, "postgresql://postgres:x@127.0.0.1:1/postgres")
    assert main(["databases", "--at", "db:5432"]) == 1
    assert "could not be created" in capsys.readouterr().err
