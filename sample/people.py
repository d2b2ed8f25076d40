"""The sample's invented people: who is a member of which office, and what a month's export says of each.

Nobody here exists: NIKs begin with 99 or 00, which no province has, and names are plainly made up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

MONTHS = ("2026-08", "2026-09", "2026-10")
MEMBERS = 296
NEWCOMERS = 12
LEAVERS = frozenset({57, 115, 173, 231})
MOVER = 5
SEGMENTS = ("PU",) * 8 + ("BPU",) * 8 + ("JAKON",) * 3 + ("PMI",)
HABITS = ("pays",) * 6 + ("late", "lapsed", "returns", "ahead")
FIRST_NAMES = ("Contoh", "Rekaan", "Misal", "Umpama", "Khayal", "Peraga", "Andai", "Renée", "Señor", "Fiktif")
LAST_NAMES = (
    "Satu",
    "Dua",
    "Tiga",
    "Empat",
    "Lima",
    "Enam",
    "Tujuh",
    "Delapan",
    "Sembilan",
    "Sepuluh",
    "Sebelas",
)
SECTORS = ("A", "C", "F", "G", "H", "I", "S")
Cell = str | int | float | date | None
Row = dict[str, Cell]
Change = Callable[[Row], Cell]


@dataclass(frozen=True)
class Member:
    """One membership as its office knows it, without what changes from month to month."""

    place: int
    kpj: str
    nik: str
    name: str
    birth_date: date
    sex: str
    segment: str
    programmes: str
    employer_npp: str
    employer_scale: str
    sector_code: str
    region: int
    wage_idr: int
    registered_date: date
    funding: str
    channel: str
    agent_code: str


@dataclass(frozen=True)
class Flaw:
    """One line that is broken on purpose.

    Attributes:
        place: whose line, in the roster.
        rules: the codes of the rules that must find it; of a broken line only those of severity error.
        cells: what stands in place of the good cells; a function makes it from the good row.
        warns: the rules only warn, so that the line stays good.
    """

    place: int
    rules: tuple[str, ...]
    cells: Mapping[str, Cell | Change] = field(default_factory=dict[str, Cell])
    warns: bool = False

    def applied(self, row: Row) -> Row:
        """Give the row with the broken cells."""
        return row | {name: cell(row) if callable(cell) else cell for name, cell in self.cells.items()}


@dataclass(frozen=True)
class Office:
    """One office: its code, the first digits of its KPJ, its regions and villages as its files write them."""

    code: str
    number: str
    regions: tuple[str, ...]
    villages: tuple[str, ...] = ()


class Dice:
    """Choices that come out alike on every Python version: only ``Random.random`` is promised to."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 nothing here is secret

    def number(self, low: int, high: int) -> int:
        """Give a whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def pick(self, options: Sequence[str]) -> str:
        """Give one of the options."""
        return options[self.number(0, len(options) - 1)]


def nik(place: int, birth: date, sex: str) -> str:
    """Give an invented NIK: prefix 99 or 00, the date of birth (women: day + 40), a serial from 0001."""
    day = birth.day + (40 if sex == "P" else 0)
    return f"{'99' if place % 2 else '00'}{place % 89 + 1:02d}01{day:02d}{birth:%m%y}{place % 9000 + 1:04d}"


def programmes_of(segment: str, scale: str, place: int) -> str:
    """Give the programmes that a segment and employer scale have."""
    if segment == "PU":
        return {"micro": "JKK+JKM", "small": "JKK+JKM+JHT"}.get(scale, "JKK+JKM+JHT+JP")
    return "JKK+JKM+JHT" if segment == "BPU" and place % 3 == 0 else "JKK+JKM"


def member(office: Office, place: int, dice: Dice) -> Member:
    """Invent one member."""
    segment, sex = SEGMENTS[place % len(SEGMENTS)], dice.pick("LP")
    birth = date(dice.number(1966, 2006), dice.number(1, 12), dice.number(1, 28))
    employed = segment in ("PU", "JAKON")
    scale = dice.pick(("micro", "small", "medium", "large")) if segment == "PU" else ""
    by_agent = segment == "BPU" and place % 4 == 1
    year = dice.number(2019, 2026)
    registered = date(year, dice.number(1, 2 if year == 2026 else 12), dice.number(1, 28))
    if place >= MEMBERS - NEWCOMERS:
        registered = date(2026, 9 + place % 2, registered.day)
    return Member(
        place=place,
        kpj=f"{office.number}{place:08d}",
        nik=nik(place + int(office.number), birth, sex),
        name=f"{dice.pick(FIRST_NAMES)} {dice.pick(LAST_NAMES)} {place}",
        birth_date=birth,
        sex=sex,
        segment=segment,
        programmes=programmes_of(segment, scale, place),
        employer_npp=f"{office.number[-2:]}{dice.number(1, 30):06d}" if employed else "",
        employer_scale=scale,
        sector_code="F" if segment == "JAKON" else dice.pick(SECTORS),
        region=(place * 7 + dice.number(0, 3)) % len(office.regions),
        wage_idr=dice.number(24, 90) * 100_000 if employed else 1_000_000,
        registered_date=registered,
        funding="employer" if employed else "apbd" if place % 6 == 0 else "self",
        channel="employer" if employed else "perisai" if by_agent else "branch",
        agent_code=f"P{office.code}{place % 5 + 1:02d}" if by_agent else "",
    )


def same_person(roster: list[Member], place: int, other: int) -> None:
    """Make the membership at ``other`` belong to the person at ``place``."""
    person = roster[place]
    roster[other] = replace(
        roster[other], nik=person.nik, name=person.name, birth_date=person.birth_date, sex=person.sex
    )


def roster_of(office: Office) -> list[Member]:
    """Invent an office's members, one person with two PU memberships and one in two segments among them."""
    dice = Dice(office.code)
    roster = [member(office, place, dice) for place in range(MEMBERS)]
    same_person(roster, 40, 41)
    same_person(roster, 60, 68)
    return roster


def last_paid(person: Member, month: str) -> str:
    """Give the last month paid: some pay late, lapse for good, come back in October, or pay ahead."""
    before = f"2026-{int(month[-2:]) - 1:02d}"
    returned = month if month == "2026-10" else "2026-03"
    habits = {"pays": month, "late": before, "lapsed": "2026-06", "returns": returned, "ahead": "2026-12"}
    turn = person.place * 3 + person.place // len(SEGMENTS)
    return max(habits[HABITS[turn % len(HABITS)]], f"{person.registered_date:%Y-%m}")


def contribution(person: Member, paid: str) -> int | None:
    """Give one month's contribution; a builder's is paid by project, so there is none.

    PU: 0.24 % JKK, 0.30 % JKM, 5.7 % JHT, 3 % JP of the wage. BPU: 16,800, and 20,000 with
    JHT; PP 50/2025 halves the 16,800 from April 2026, in transport (H) from January. PMI: 332,500, 24 months.
    """
    if person.segment == "JAKON":
        return None
    if person.segment == "PMI":
        return 332_500
    if person.segment == "BPU":
        halved = paid >= ("2026-01" if person.sector_code == "H" else "2026-04")
        return (8_400 if halved else 16_800) + (20_000 if "JHT" in person.programmes else 0)
    rate = 54 + (570 if "JHT" in person.programmes else 0) + (300 if "JP" in person.programmes else 0)
    return person.wage_idr * rate // 10_000


def is_there(person: Member, month: str) -> bool:
    """Tell whether a membership is in an export: newcomers from their month, leavers until September."""
    left = month == "2026-10" and person.place in LEAVERS
    return f"{person.registered_date:%Y-%m}" <= month and not left


def month_row(office: Office, person: Member, month: str) -> Row:
    """Give a member's canonical cells in one month; one of them moves in October."""
    paid = last_paid(person, month)
    moved = 1 if month == "2026-10" and person.place == MOVER else 0
    region = (person.region + moved) % len(office.regions)
    return {
        "kpj": person.kpj,
        "nik": person.nik,
        "name": person.name,
        "birth_date": person.birth_date,
        "sex": person.sex,
        "segment": person.segment,
        "programmes": person.programmes,
        "employer_npp": person.employer_npp,
        "employer_scale": person.employer_scale,
        "sector_code": person.sector_code,
        "region_code": office.regions[region],
        "village_code": office.villages[region] if office.villages and person.place % 3 == 0 else "",
        "wage_idr": person.wage_idr,
        "contribution_idr": contribution(person, paid),
        "last_paid_period": paid,
        "registered_date": person.registered_date,
        "funding": person.funding,
        "channel": person.channel,
        "agent_code": person.agent_code,
    }


def month_lines(office: Office, month: str, flaws: Sequence[Flaw]) -> Iterator[tuple[Row, Flaw | None]]:
    """Give every line of one export with the flaw that it has; a repeated line stands behind its first."""
    broken = {flaw.place: flaw for flaw in flaws}
    for person in roster_of(office):
        if is_there(person, month):
            row, flaw = month_row(office, person, month), broken.get(person.place)
            if flaw is not None and not flaw.cells:
                yield row, None
            yield (flaw.applied(row) if flaw else row), flaw
