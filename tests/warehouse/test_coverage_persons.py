"""marts.coverage counts persons as a plain reading of the rules does, on exports with missing months."""

import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from expectations.contracts import load_contracts
from tests.marts.harness import run_case

PERIODS = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06")
MONTH_ENDS = ("2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30")
OFFICES = {"A": "K1", "B": "K1", "C": "K2"}
REGIONS = ("1303", "1311", "5171", "51", "0000")
SEGMENTS = ("PU", "JAKON", "BPU", "PMI")
BASES = ("registered_stock", "active_stock", "protected_stock")
Counts = dict[tuple[str, ...], tuple[int, int, int]]


class Member(NamedTuple):
    """One membership of one month, as exported."""

    month: int
    office: str
    membership: str
    person: str
    segment: str
    region: str
    paid: int

    def has(self, basis: str) -> bool:
        """Tell whether the membership counts for a basis at its month's end."""
        unpaid = self.month - self.paid
        return unpaid < {"registered_stock": 99, "active_stock": 3, "protected_stock": 1}[basis]


def invented(seed: int) -> list[Member]:
    """Exports of three offices over six months: some months missing, memberships that move and lapse."""
    chance = random.Random(seed)  # noqa: S311 -- an invented country, not a secret
    members: list[Member] = []
    silent = {(office, month) for office in OFFICES for month in range(6) if chance.random() < 0.4}
    for number in range(25):
        person, segment = f"p{chance.randrange(14)}", chance.choice(SEGMENTS)
        region, office = chance.choice(REGIONS), chance.choice(list(OFFICES))
        for month in range(6):
            office = chance.choice(list(OFFICES)) if chance.random() < 0.1 else office
            paid = month - chance.choice((0, 0, 1, 2, 3, 5))
            if (office, month) not in silent:
                members.append(Member(month, office, f"m{number:02}", person, segment, region, paid))
    return members


def counted(members: list[Member], month: int) -> list[tuple[Member, bool]]:
    """Give the memberships that a month's totals count, each with whether it is carried."""
    reported = [member for member in members if member.month == month]
    taken = {member.membership for member in reported}
    carried: list[Member] = []
    for office in OFFICES.keys() - {member.office for member in reported}:
        last = max((m.month for m in members if m.office == office and m.month < month), default=-9)
        if month - last <= 3:
            carried += [m for m in members if m.office == office and m.month == last]
    newest: dict[str, Member] = {}
    for member in sorted(carried, key=lambda m: m.month):
        newest[member.membership] = member
    kept = [m for key, m in newest.items() if key not in taken]
    return [(m, False) for m in reported] + [(m, True) for m in kept]


def domiciles(members: list[tuple[Member, bool]]) -> dict[str, str]:
    by_person: dict[str, list[Member]] = defaultdict(list)
    for member, _ in members:
        by_person[member.person].append(member)
    return {
        person: min(held, key=lambda m: (-m.paid, SEGMENTS.index(m.segment), m.membership)).region
        for person, held in by_person.items()
    }


def places(member: Member, carried: bool, domicile: str) -> Iterator[tuple[str, str]]:
    yield "national", "0000"
    yield "province", domicile[:2] if domicile != "0000" else "unallocated"
    yield "regency", domicile if len(domicile) == 4 and domicile != "0000" else "unallocated"
    yield "kanwil", OFFICES[member.office]
    if not carried:
        yield "office", member.office


def expected(members: list[Member]) -> Counts:
    """Count persons, memberships and carried persons of every place, segment and basis."""
    persons: dict[tuple[str, ...], set[str]] = defaultdict(set)
    reported: dict[tuple[str, ...], set[str]] = defaultdict(set)
    memberships: dict[tuple[str, ...], int] = defaultdict(int)
    for month in sorted({member.month for member in members}):
        standing = counted(members, month)
        home = domiciles(standing)
        for member, carried in standing:
            for level, code in places(member, carried, home[member.person]):
                for segment in (member.segment, "ALL"):
                    for basis in BASES:
                        key = (MONTH_ENDS[month], level, code, segment, basis)
                        has = member.has(basis)
                        persons[key] |= {member.person} if has else set()
                        reported[key] |= {member.person} if has and not carried else set()
                        memberships[key] += has
    return {key: (len(persons[key]), memberships[key], len(persons[key] - reported[key])) for key in persons}


def paid_period(month: int) -> str:
    return PERIODS[month] if month >= 0 else f"2025-{13 + month:02}"


def as_rows(members: list[Member]) -> list[dict[str, Any]]:
    return [
        {
            "office_code": m.office,
            "period": PERIODS[m.month],
            "membership_id": m.membership,
            "person_id": m.person,
            "segment": m.segment,
            "programmes": "JKK",
            "region_code": m.region,
            "last_paid_period": paid_period(m.paid),
        }
        for m in members
    ]


@pytest.mark.parametrize("seed", range(6))
def test_persons_are_counted_as_the_rules_say(seed: int) -> None:
    members = invented(seed)
    kanwil = [{"office_code": code, "name": code, "office_type": "kanwil"} for code in ("K1", "K2")]
    offices = [
        {"office_code": code, "name": code, "office_type": "kc", "kanwil_code": kanwil_code}
        for code, kanwil_code in OFFICES.items()
    ]
    con = run_case(
        {
            "as_of": "2026-12-31",
            "reference": {"offices": kanwil + offices, "office_regions": []},
            "core": {"participants": as_rows(members)},
        }
    )
    found = con.execute(
        "SELECT CAST(as_of AS VARCHAR), geo_level, geo_code, segment, numerator_basis, "
        "numerator, memberships, carried_numerator FROM marts.coverage"
    ).fetchall()
    assert {row[:5]: tuple(int(value) for value in row[5:]) for row in found} == expected(members)
    for check in load_contracts()["coverage"].checks:
        offences = con.execute(check.query.replace("{table}", "marts.coverage")).fetchall()
        assert (check.code, offences) == (check.code, [(0,)])
