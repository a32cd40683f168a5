"""Which benches there are, in the order in which they run."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

from . import audit, backlog, durable, echo, history, latency, memory, memory_fold, quarter, streams
from .figures import Figure
from .stand import Stand


@dataclass(frozen=True, slots=True)
class Bench:
    """One bench: its name on the command line, and the module whose `measure` it is and whose docstring says what it shows."""

    name: str
    module: ModuleType

    @property
    def measure(self) -> Callable[[Stand], Awaitable[Sequence[Figure]]]:
        """Measures; gives its figures."""
        measure: Callable[[Stand], Awaitable[Sequence[Figure]]] = self.module.measure
        return measure

    @property
    def shows(self) -> str:
        """What it shows, for people."""
        return inspect.cleandoc(self.module.__doc__ or "")


BENCHES = (
    Bench("fold", memory_fold),
    Bench("streams", streams),
    Bench("echo", echo),
    Bench("audit", audit),
    Bench("latency", latency),
    Bench("durable", durable),
    Bench("backlog", backlog),
    Bench("quarter", quarter),
    Bench("history", history),
    Bench("memory", memory),
)


def chosen(only: str) -> Sequence[Bench]:
    """The benches of these names, parted by commas; all of them where none is named. Raises ValueError for a name that is none's."""
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = sorted(set(names) - {each.name for each in BENCHES})
    if unknown:
        raise ValueError(f"there is no bench {', '.join(unknown)}; there are {', '.join(each.name for each in BENCHES)}")
    return [each for each in BENCHES if not names or each.name in names]
