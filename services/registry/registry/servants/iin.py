"""The individual identification number (IIN, ЖСН): personal, and wrong more often than one thinks."""

from dataclasses import dataclass
from datetime import date

from kernel.faults import Malformed

# The two passes of the check digit: where the first gives 10, the second is taken; a number that gives 10 again is never issued.
_FIRST = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)
# The seventh digit names century and sex. 1 and 2 stand for the 1800s: nobody born then is in service; 0 is for foreigners,
# who cannot be civil servants.
_CENTURIES = {"3": 1900, "4": 1900, "5": 2000, "6": 2000}


@dataclass(frozen=True, slots=True, repr=False)
class Iin:
    """A valid IIN: 12 digits, a possible birth date and century, the right check digit. Never shows itself in a log or a refusal."""

    digits: str

    @classmethod
    def read(cls, text: str, field: str = "servant.iin") -> "Iin":
        """Returns the number in `text`; Malformed for `field`, with the reason IIN_CHECKSUM where only the check digit is wrong."""
        if not (len(text) == 12 and text.isascii() and text.isdigit()):
            raise Malformed({field: "12 digits"})
        if _birth_date(text) is None:
            raise Malformed({field: "a possible birth date in digits 1 to 6, a century (3 to 6) in digit 7"})
        if check_digit(text[:11]) != int(text[11]):
            raise Malformed({field: "12 digits, the last of which is the check digit"}, reason="IIN_CHECKSUM")
        return cls(text)

    @property
    def born(self) -> date:
        """The birth date in it."""
        born = _birth_date(self.digits)
        assert born is not None
        return born

    def __repr__(self) -> str:
        return "Iin(…)"

    __str__ = __repr__


def check_digit(digits: str) -> int | None:
    """Returns the check digit of the first 11 digits, or None where no number with them is ever issued."""
    for weights in (_FIRST, _SECOND):
        remainder = sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True)) % 11
        if remainder < 10:
            return remainder
    return None


def _birth_date(digits: str) -> date | None:
    century = _CENTURIES.get(digits[6])
    if century is None:
        return None
    try:
        return date(century + int(digits[0:2]), int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None
