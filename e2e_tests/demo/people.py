"""The people of the ministry: units with heads, posts, and three hundred servants with possible IINs."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from .world import Body, Pattern, Position, Servant, Text, Unit

FIRST = date(2026, 12, 14)
"""The Monday of the week. All appointments begin on it: the ministry is founded, and nothing before it is anybody's day."""
LAST = date(2026, 12, 20)

BODY = Body(
    id="KGD",
    title=Text("Үлгілік министрлік", "Образцовое министерство", "Model Ministry"),
    kind="CENTRAL",
    region="75",
    zone="Asia/Almaty",
)

_FIRST_WEIGHTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
_SECOND_WEIGHTS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2)

# A family name as a man and as a woman bears it.
_FAMILIES = (
    ("Серіков", "Серікова"),
    ("Ахметов", "Ахметова"),
    ("Оспанов", "Оспанова"),
    ("Жұмабаев", "Жұмабаева"),
    ("Сейітқали", "Сейітқали"),
    ("Бекенов", "Бекенова"),
    ("Тілеуов", "Тілеуова"),
    ("Нұрғали", "Нұрғали"),
    ("Қасымов", "Қасымова"),
    ("Әбенов", "Әбенова"),
    ("Досанов", "Досанова"),
    ("Иманғали", "Иманғали"),
    ("Петров", "Петрова"),
    ("Ким", "Ким"),
    ("Иванов", "Иванова"),
    ("Кузнецов", "Кузнецова"),
    ("Шевченко", "Шевченко"),
    ("Юсупов", "Юсупова"),
    ("Төлегенов", "Төлегенова"),
    ("Мұқанов", "Мұқанова"),
)
_INITIALS = "АБВГДЕЖЗИКЛМНОПРСТ"


@dataclass(frozen=True, slots=True)
class _UnitPlan:
    """A unit and how many serve in it: so many by each pattern, the office people first and their head among them."""

    id: str
    title: Text
    parent: str = ""
    office: int = 0
    flexible: int = 0
    remote: int = 0
    shift: int = 0

    @property
    def patterns(self) -> list[Pattern]:
        sizes = (
            (Pattern.OFFICE, self.office),
            (Pattern.FLEXIBLE, self.flexible),
            (Pattern.REMOTE, self.remote),
            (Pattern.SHIFT, self.shift),
        )
        return [pattern for pattern, size in sizes for _ in range(size)]


_UNITS = (
    _UnitPlan("secretariat", Text("Хатшылық", "Секретариат", "Secretariat"), office=14),
    _UnitPlan("hr", Text("Персоналды басқару қызметі", "Служба управления персоналом", "Human resources service"), office=12),
    _UnitPlan("legal", Text("Заң департаменті", "Юридический департамент", "Legal department"), office=34, flexible=4),
    _UnitPlan("finance", Text("Қаржы департаменті", "Департамент финансов", "Department of finance"), office=36),
    _UnitPlan("payments", Text("Төлемдер басқармасы", "Управление платежей", "Division of payments"), parent="finance", office=20),
    _UnitPlan(
        "international",
        Text("Халықаралық ынтымақтастық департаменті", "Департамент международного сотрудничества", "International department"),
        office=20,
        flexible=6,
        remote=6,
    ),
    _UnitPlan("archive", Text("Мұрағат", "Архив", "Archive"), office=22),
    _UnitPlan("reception", Text("Азаматтарды қабылдау орталығы", "Центр приема граждан", "Citizens' reception"), office=34, flexible=4),
    _UnitPlan("analysis", Text("Талдау департаменті", "Департамент анализа", "Department of analysis"), office=30, flexible=6, remote=6),
    _UnitPlan("it", Text("Ақпараттық технологиялар департаменті", "Департамент информационных технологий", "IT department"), office=24),
    _UnitPlan("it-support", Text("Қолдау басқармасы", "Управление поддержки", "Support division"), parent="it", office=6, remote=4),
    _UnitPlan("duty", Text("Кезекші бөлім", "Дежурная часть", "Duty office"), shift=12),
)

_HEAD = Text("Басшы", "Руководитель", "Head")
_EXPERT = Text("Бас сарапшы", "Главный эксперт", "Chief expert")


@dataclass(frozen=True, slots=True)
class People:
    """Who there is."""

    units: tuple[Unit, ...]
    positions: tuple[Position, ...]
    servants: tuple[Servant, ...]


def people(random: Random) -> People:
    """Returns the units with their heads, a post for each servant, and the servants in the order of their IDs."""
    units: list[Unit] = []
    positions: list[Position] = []
    servants: list[Servant] = []
    issued: set[str] = set()
    for plan in _UNITS:
        head_position = f"{plan.id}-1"
        for place, pattern in enumerate(plan.patterns, start=1):
            number = len(servants) + 1
            position = f"{plan.id}-{place}"
            is_head = place == 1
            supervising = "" if is_head else head_position
            positions.append(Position(position, _HEAD if is_head else _EXPERT, plan.id, "C-2" if is_head else "C-4", supervising))
            woman = random.random() < 0.55
            iin = _new_iin(random, woman, issued)
            act = f"№ {number}-ж/қ"
            servants.append(Servant(f"s-{number:04}", iin, _name(random, woman), plan.id, position, pattern, FIRST, act))
        head = servants[-len(plan.patterns)].id
        units.append(Unit(plan.id, plan.title, head, plan.parent, hr_service=plan.id == "hr"))
    return People(tuple(units), tuple(positions), tuple(servants))


def check_digit(digits: str) -> int | None:
    """Returns the check digit of eleven digits: a weighted sum modulo 11, with other weights where that gives 10, else none."""
    for weights in (_FIRST_WEIGHTS, _SECOND_WEIGHTS):
        rest = sum(weight * int(digit) for weight, digit in zip(weights, digits, strict=True)) % 11
        if rest != 10:
            return rest
    return None


def _new_iin(random: Random, woman: bool, issued: set[str]) -> str:
    while True:
        born = date(1964, 1, 1) + timedelta(days=random.randrange(14_000))  # 26 to 62 years old
        century = (3 if born.year < 2000 else 5) + woman
        digits = f"{born:%y%m%d}{century}{random.randrange(10_000):04}"
        last = check_digit(digits)
        iin = f"{digits}{last}"
        if last is not None and iin not in issued:
            issued.add(iin)
            return iin


def _name(random: Random, woman: bool) -> str:
    return f"{random.choice(_FAMILIES)[woman]} {random.choice(_INITIALS)}."
