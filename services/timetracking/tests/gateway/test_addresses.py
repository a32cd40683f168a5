"""Where a request comes from: whatever is written into X-Forwarded-For, nobody but a listed proxy says where a device stands."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timetracking.gateway.addresses import client, networks

PROXIES = networks("10.0.0.0/24, 2001:db8::/64")
proxies = st.ip_addresses(network="10.0.0.0/24").map(str)
others = st.ip_addresses().filter(lambda each: not any(each in known for known in PROXIES)).map(str)
anything = st.one_of(others, proxies, st.text(max_size=20).filter(lambda each: "," not in each))


@pytest.mark.parametrize(
    ("line", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, nonsense, 10.0.0.2"], None),
        ("10.0.0.1", ["198.51.100.1, "], None),
        ("10.0.0.1", [], None),
        ("10.0.0.1", ["10.0.0.2"], None),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("2001:db8::1", ["2001:db8:1::7"], "2001:db8:1::7"),
        ("", [], None),
        (None, ["198.51.100.1"], None),
    ],
)
def test_the_address_is_read_from_the_right_as_far_as_proxies_are_listed(
    line: str | None, forwarded: list[str], expected: str | None
) -> None:
    assert client(line, forwarded, PROXIES) == (ip_address(expected) if expected else None)


def plain(text: str) -> object:
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


@given(others, st.lists(anything))
def test_who_is_no_proxy_is_taken_for_itself_whatever_it_writes(line: str, forwarded: list[str]) -> None:
    assert client(line, [", ".join(forwarded)] if forwarded else [], PROXIES) == plain(line)


@given(st.lists(anything), others, st.lists(proxies), proxies)
def test_what_stands_left_of_what_proxies_say_changes_nothing(invented: list[str], device: str, between: list[str], line: str) -> None:
    assert client(line, [", ".join([*invented, device, *between])], PROXIES) == plain(device)


@given(st.lists(proxies), proxies)
def test_a_proxy_that_says_of_nobody_proves_nobody(between: list[str], line: str) -> None:
    assert client(line, [", ".join(between)] if between else [], PROXIES) is None


def test_networks_are_read_and_what_is_none_is_refused() -> None:
    assert networks("") == ()
    assert networks("10.0.0.0/8,::1/128") == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    with pytest.raises(ValueError, match="does not appear"):
        networks("10.0.0.0/8, everywhere")
