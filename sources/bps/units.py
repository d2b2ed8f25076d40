"""Units in which BPS gives figures of labour, by the words it uses for them."""

from typing import Literal

UnitKind = Literal["persons", "thousands", "percent"]
RATES = frozenset({"unemployment_rate", "participation_rate"})
FACTORS: dict[UnitKind, int] = {"persons": 1, "thousands": 1000, "percent": 1}
_WORDS: dict[str, UnitKind] = {
    "orang": "persons",
    "jiwa": "persons",
    "ribu orang": "thousands",
    "ribu jiwa": "thousands",
    "000 orang": "thousands",
    "000 jiwa": "thousands",
    "persen": "percent",
    "%": "percent",
}


def kind_of_unit(text: str | None) -> UnitKind | None:
    """Tell what a unit's word means; null for a word that labour figures do not come in.

    Args:
        text: such as `Orang`, `Ribu Orang`, `(000 orang)`, `Persen`.
    """
    bare = " ".join((text or "").lower().replace("'", " ").strip(" ().").split())
    return _WORDS.get(bare)
