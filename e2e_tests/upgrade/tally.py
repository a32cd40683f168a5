"""What became of calls: how many were answered with which code, how often gRPC made them again, and the longest time without an answer."""

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """The calls of one kind. `again` counts the attempts that gRPC made beyond the first, by itself."""

    codes: Counter[str] = field(default_factory=Counter)
    again: int = 0
    longest_s: float = 0.0
    _last: float = field(default_factory=time.monotonic)

    def answered(self, code: str, again: int = 0) -> None:
        """Counts an answer."""
        self.codes[code] += 1
        self.again += again
        if code == "OK":
            now = time.monotonic()
            self.longest_s, self._last = max(self.longest_s, now - self._last), now

    def said(self) -> str:
        """All of it in a line."""
        codes = ", ".join(f"{count} {code}" for code, count in sorted(self.codes.items())) or "none"
        return f"{codes}; made again by gRPC {self.again} times; longest without an answer {self.longest_s:.1f} s"
