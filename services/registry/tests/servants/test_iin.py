"""The IIN: what is a number, whose it may be, and what it never shows."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernel.faults import Malformed
from registry.servants.iin import Iin, check_digit


def by_the_definition(digits: str) -> int | None:
    """The algorithm again, written from its definition and not from the code."""
    first = sum((place + 1) * int(digit) for place, digit in enumerate(digits)) % 11
    if first != 10:
        return first
    second = sum(((place + 2) % 11 + 1) * int(digit) for place, digit in enumerate(digits)) % 11
    return second if second != 10 else None


born = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@st.composite
def eleven_digits(draw: st.DrawFn) -> str:
    day = draw(born)
    century = draw(st.sampled_from("34" if day.year < 2000 else "56"))
    return f"{day:%y%m%d}{century}{draw(st.integers(0, 9999)):04d}"


@given(eleven_digits())
def test_the_check_digit_is_that_of_the_two_passes(digits: str) -> None:
    assert check_digit(digits) == by_the_definition(digits)


@given(eleven_digits())
def test_a_number_is_read_with_its_check_digit_and_with_no_other(digits: str) -> None:
    right = by_the_definition(digits)
    for last in range(10):
        if last == right:
            assert Iin.read(f"{digits}{last}").digits == f"{digits}{last}"
        else:
            with pytest.raises(Malformed) as refused:
                Iin.read(f"{digits}{last}")
            assert refused.value.reason == "IIN_CHECKSUM"


@given(eleven_digits(), st.integers(0, 10), st.integers(1, 9))
def test_one_mistyped_digit_is_never_accepted_in_the_serial_number(digits: str, place: int, by: int) -> None:
    right = by_the_definition(digits)
    if right is None or place < 7:
        return
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    if by_the_definition(wrong) != right:
        with pytest.raises(Malformed):
            Iin.read(f"{wrong}{right}")


@pytest.mark.parametrize(
    ("digits", "last"),
    [
        # 8·1 + 5·2 + 0·3 + 3·4 + 1·5 + 4·6 + 3·7 + 1·11 = 91 = 8·11 + 3
        ("85031430001", 3),
        # 80 + 4·10 + 1·11 = 131 = 11·11 + 10, so the second: 8·3 + 5·4 + 3·6 + 1·7 + 4·8 + 3·9 + 4·1 + 1·2 = 134 = 12·11 + 2
        ("85031430041", 2),
        # 80 + 4·10 + 5·11 = 175 = 15·11 + 10, and the second: 132 + 5·2 = 142 = 12·11 + 10: never issued
        ("85031430045", None),
    ],
)
def test_numbers_worked_by_hand(digits: str, last: int | None) -> None:
    assert check_digit(digits) == last


@given(eleven_digits())
def test_the_birth_date_is_read_with_its_century(digits: str) -> None:
    last = by_the_definition(digits)
    if last is not None:
        century = 1900 if digits[6] in "34" else 2000
        assert Iin.read(f"{digits}{last}").born == date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


@pytest.mark.parametrize(
    "digits",
    [
        "",
        "85031430001",
        "8503143000188",
        "85031430001a",
        "８５０３１４３０００１８",
        "850230300015",
        "851314300015",
        "850314100010",
        "850314000010",
    ],
    ids=["empty", "short", "long", "letter", "full-width", "30 February", "month 13", "born in the 1800s", "foreigner"],
)
def test_what_is_no_number_of_a_civil_servant_is_malformed(digits: str) -> None:
    with pytest.raises(Malformed) as refused:
        Iin.read(digits)
    assert refused.value.reason == "MALFORMED"
    assert set(refused.value.violations) == {"servant.iin"}


def test_a_number_never_shows_itself() -> None:
    digits = next(f"85031430001{last}" for last in range(10) if by_the_definition("85031430001") == last)
    number = Iin.read(digits)
    assert digits not in f"{number} {number!r}"
    with pytest.raises(Malformed) as refused:
        Iin.read(digits[:-1] + str((int(digits[-1]) + 1) % 10))
    assert digits[:6] not in f"{refused.value} {refused.value.violations} {refused.value.facts}"
