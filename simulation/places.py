"""Which office serves which regency, and how many memberships live there: the country cut into offices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

# Of a workforce: the share with a membership, so that 42 million come out of 146 million workers.
_INSURED = {"PU": 0.45, "BPU": 0.12, "JAKON": 0.35, "PMI": 0.0034}
# An office's border moves to that of a regency that is at most this share of an office away.
_NEAR = 0.3
_SHARE_DIGITS = 4


@dataclass(frozen=True)
class Regency:
    """One regency and its workers (persons)."""

    code: str
    name: str
    formal: int
    informal: int
    builders: int

    @property
    def workers(self) -> int:
        """Everybody who works."""
        return self.formal + self.informal

    def insured(self) -> dict[str, float]:
        """Give the expected memberships by segment if the country had its real number of them."""
        of = {"PU": self.formal, "BPU": self.informal, "JAKON": self.builders, "PMI": self.workers}
        return {segment: workers * _INSURED[segment] for segment, workers in of.items()}


@dataclass(frozen=True)
class Cell:
    """A regency as far as one office serves it: its share, and the slots of its memberships."""

    office_no: int
    regency: Regency
    share: float
    first_slot: int = 0
    end_slot: int = 0

    @property
    def weight(self) -> float:
        """Expected memberships."""
        return sum(self.regency.insured().values()) * self.share


def cells_of(regencies: Sequence[Regency], offices: int, participants: int, seed: int) -> list[Cell]:
    """Cut the country into offices, neighbours together, and share out the memberships.

    Args:
        regencies: in the order of their codes, so that neighbours stand together.
        offices: how many there are to be.
        participants: memberships over all offices.
        seed: where the borders of offices lie.

    Returns:
        One cell for each regency that an office serves, by office; every regency is served, its shares add up to 1.
    """
    cells = list(_served(regencies, _borders(regencies, offices, seed)))
    total, done, first = sum(cell.weight for cell in cells), 0.0, 0
    placed: list[Cell] = []
    for cell in cells:
        done += cell.weight
        end = participants if cell is cells[-1] else round(participants * done / total)
        placed.append(replace(cell, first_slot=first, end_slot=end))
        first = end
    return placed


def _edges(regencies: Sequence[Regency]) -> list[float]:
    """Give where each regency begins on a line of all workers, from 0 to 1, and the end."""
    total, done, edges = sum(regency.workers for regency in regencies), 0, [0.0]
    for regency in regencies:
        done += regency.workers
        edges.append(done / total)
    return edges


def _borders(regencies: Sequence[Regency], offices: int, seed: int) -> list[float]:
    """Give where offices begin and the last ends: about equal numbers of workers, at regencies' borders if near."""
    dice = Random(f"offices {seed}")  # noqa: S311 nothing here is secret
    edges, width = _edges(regencies), 1 / offices
    borders = [0.0]
    place = 0
    for office in range(1, offices):
        border = (office + 0.3 * (dice.random() - 0.5)) * width
        while edges[place + 1] <= border:
            place += 1
        near = min(edges[place : place + 2], key=lambda edge: abs(edge - border))
        borders.append(near if abs(near - border) < _NEAR * width else border)
    return [*borders, 1.0]


def _served(regencies: Sequence[Regency], borders: Sequence[float]) -> Iterator[Cell]:
    edges = _edges(regencies)
    left = [1.0] * len(regencies)
    place = 0
    for office, (begins, ends) in enumerate(pairwise(borders)):
        while place < len(regencies) and edges[place] < ends:
            is_rest = edges[place + 1] <= ends
            inside = min(edges[place + 1], ends) - max(edges[place], begins)
            part = round(inside / (edges[place + 1] - edges[place]), _SHARE_DIGITS)
            share = left[place] if is_rest else min(part, left[place])
            left[place] = round(left[place] - share, _SHARE_DIGITS)
            if share > 0:
                yield Cell(office, regencies[place], share)
            if not is_rest:
                break
            place += 1


def office_code(number: int, offices: int) -> str:
    """Give the code of an office: a letter and at least three digits."""
    return f"K{number + 1:0{max(3, len(str(offices)))}d}"


def thresholds(weights: Mapping[str, float]) -> tuple[int, int, int]:
    """Give where PU, BPU and JAKON end on a scale to 10,000; PMI is the rest."""
    total, done, ends = sum(weights.values()), 0.0, list[int]()
    for segment in ("PU", "BPU", "JAKON"):
        done += weights[segment]
        ends.append(round(10_000 * done / total))
    return (ends[0], ends[1], ends[2])
