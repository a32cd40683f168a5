"""How a device proves itself, without anything around it."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Malformed, WrongState
from timetracking.devices.domain import (
    Device,
    Doubt,
    FormerProof,
    Networks,
    Presented,
    Proof,
    Protocol,
    Secret,
    SerialAlone,
    SystemToken,
    doubt,
)

from ..samples import device, settings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOTHING = Presented(None, None)
NETWORK = Networks((ip_network("10.20.0.0/24"), ip_network("2001:db8::/48")))
texts, salts = st.text(max_size=60), st.binary(min_size=16, max_size=16)


def by(secret: str | None = None, address: str = "10.20.0.7") -> Presented:
    return Presented(secret, ip_address(address))


def terminal(proof: Proof, protocol: Protocol = Protocol.ADMS) -> Device:
    return Device("gate", "KGD", protocol, "hq", (settings(),), proof=proof)


@given(texts, texts, salts)
def test_a_secret_fits_itself_and_no_other(secret: str, other: str, salt: bytes) -> None:
    kept = Secret.of(secret, salt)
    assert kept.fits(secret)
    assert kept.fits(other) is (secret == other)


@given(st.text(min_size=8, max_size=60), salts, salts)
def test_what_is_kept_of_a_secret_is_another_thing_under_each_salt_and_shows_nothing(secret: str, salt: bytes, other: bytes) -> None:
    kept = Secret.of(secret, salt)
    assert (kept == Secret.of(secret, other)) is (salt == other)
    assert secret.encode() not in salt + kept.digest
    assert repr(kept) == "Secret()"
    assert secret not in repr(Presented(secret, None)) or secret in repr(NOTHING)


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_network_holds_the_addresses_of_its_prefix(address: object, length: int) -> None:
    given_address = ip_address(str(address))
    kind = IPv4Network if given_address.version == 4 else IPv6Network
    network = kind((str(given_address), min(length, given_address.max_prefixlen)), strict=False)
    outside = ip_address(int(given_address) ^ (1 << (given_address.max_prefixlen - 1))) if given_address.version == 6 else None
    assert Networks((network,)).hold(given_address)
    if outside is not None and network.prefixlen:
        assert not Networks((network,)).hold(ip_address(str(outside)))


@pytest.mark.parametrize(
    ("proof", "presented", "expected"),
    [
        (Secret.of("right", b"salt"), by("right", "8.8.8.8"), None),
        (Secret.of("right", b"salt"), by("wrong"), Doubt.WRONG_SECRET),
        (Secret.of("right", b"salt"), by(""), Doubt.WRONG_SECRET),
        (Secret.of("right", b"salt"), by(), Doubt.NO_SECRET),
        (NETWORK, by(), None),
        (NETWORK, by(None, "2001:db8::1"), None),
        (NETWORK, by("right", "10.20.1.7"), Doubt.WRONG_NETWORK),
        (NETWORK, Presented("right", None), Doubt.WRONG_NETWORK),
        (SerialAlone(), NOTHING, None),
        (SystemToken(), by("right"), Doubt.WRONG_NETWORK),
    ],
)
def test_a_request_is_taken_by_the_proof_of_its_device_alone(proof: Proof, presented: Presented, expected: Doubt | None) -> None:
    assert doubt(proof, None, presented, NOW) == expected


@given(st.integers(-10, 10))
def test_a_former_proof_is_taken_before_its_end_and_not_from_then_on(seconds: int) -> None:
    former = FormerProof(Secret.of("old", b"salt"), NOW)
    found = doubt(Secret.of("new", b"salt"), former, by("old"), NOW + timedelta(seconds=seconds))
    assert found is (None if seconds < 0 else Doubt.WRONG_SECRET)
    assert doubt(Secret.of("new", b"salt"), former, by("new"), NOW + timedelta(seconds=seconds)) is None


def test_at_most_two_proofs_are_taken() -> None:
    first, second, third = (Secret.of(each, b"salt") for each in ("first", "second", "third"))
    rotated = terminal(first).proved_by(second, NOW, HOUR).proved_by(third, NOW, HOUR)
    taken = [doubt(rotated.proof, rotated.former, by(each), NOW) is None for each in ("first", "second", "third")]
    assert (taken, rotated.revision) == ([False, True, True], 3)
    assert terminal(first).proved_by(second, NOW, timedelta()).former is None


@pytest.mark.parametrize("protocol", [Protocol.ADMS, Protocol.ISAPI])
@pytest.mark.parametrize("proof", [SerialAlone(), SystemToken()])
def test_nobody_is_enrolled_over_http_without_a_proof(protocol: Protocol, proof: Proof) -> None:
    with pytest.raises(Malformed) as refused:
        terminal(proof, protocol).enrolled()
    assert list(refused.value.violations) == ["device.proof"]
    assert terminal(NETWORK, protocol).enrolled()


@pytest.mark.parametrize("proof", [SerialAlone(), NETWORK, Secret.of("x", b"salt")])
def test_over_grpc_the_token_alone_is_the_proof(proof: Proof) -> None:
    with pytest.raises(Malformed):
        terminal(proof, Protocol.GRPC).enrolled()
    with pytest.raises(Malformed):
        device().proved_by(proof, NOW, HOUR)
    assert device().enrolled() == device()


def test_a_device_is_revoked_once_and_comes_back_as_it_was() -> None:
    revoked = terminal(NETWORK).revoked(NOW)
    assert revoked.revoked_at == NOW
    with pytest.raises(WrongState, match="DEVICE_REVOKED"):
        revoked.revoked(NOW)
    with pytest.raises(WrongState, match="DEVICE_REVOKED"):
        revoked.proved_by(NETWORK, NOW, HOUR)
    back = revoked.reinstated()
    assert (back.revoked_at, back.proof, back.revision) == (None, NETWORK, 3)
    with pytest.raises(WrongState):
        back.reinstated()
