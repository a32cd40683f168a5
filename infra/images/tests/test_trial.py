"""What an image shows of itself is held to what it must be."""

from typing import Any

import pytest
from images.inside import looked_at
from images.trial import wrong_inside

FIT: dict[str, Any] = {
    "user": 10_001,
    "group": 10_001,
    "may_write": ["/tmp/", "/var/tmp/"],
    "packages": {"grpcio": "1.85.1", "ruamel-yaml": "0.19.1"},
    "tools": [],
    "bill": "tartip-registry.cdx.json",
}
BILL = {"components": [{"name": "grpcio", "version": "1.85.1"}, {"name": "ruamel.yaml", "version": "0.19.1"}]}


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ({}, []),
        ({"user": 0}, ["runs as 0:10001"]),
        ({"may_write": ["/usr/bin/", "/tmp/", "/opt/"]}, ["its user may write 2 places of it, /opt/ the first"]),
        ({"tools": ["pip"]}, ["holds pip, which only serves to check or to install"]),
        ({"packages": {"grpcio": "1.85.2"}}, ["grpcio in it is not as its bill says", "ruamel-yaml in it is not as its bill says"]),
        ({"bill": ""}, ["holds as its bill nothing"]),
    ],
)
def test_what_is_not_as_it_must_be_is_named(shown: dict[str, Any], said: list[str]) -> None:
    assert wrong_inside(FIT | shown, BILL, "tartip-registry.cdx.json") == said


def test_an_image_is_asked_for_all_that_is_held_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.walk", lambda _: iter([("/", ["usr"], []), ("/nowhere", [], ["file"])]))
    monkeypatch.setattr("os.listdir", lambda _: ["tartip-registry.cdx.json"])
    found = looked_at()
    assert set(found) == set(FIT)
    assert {"pip", "pytest", "chassis.testing"} <= set(found["tools"])
    assert found["packages"]["grpcio"] == found["packages"]["grpcio-status"]
