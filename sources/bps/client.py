"""A client of the BPS WebAPI: whole lists, data by as many calls as a domain's cap needs, SIMDASI tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from pydantic import SecretStr

from sources.bps import errors
from sources.bps.answers import Answer, Listing, listing_of, page_of
from sources.bps.data import missing_periods, must_answer
from sources.bps.pace import Pace
from sources.bps.simdasi import areas_of, inner_of, simdasi_listing
from sources.bps.wire import BpsSettings, Wire

Model = Literal["subject", "subcat", "var", "vervar", "th", "turth", "turvar", "unit"]
DomainKind = Literal["all", "prov", "kab", "kabbyprov"]
NATION = "0000"
_NOTHING = (errors.NotAvailableError, errors.EmptyAnswerError)
# What may be wrong with one period and not with the next.
_OWN_FAULTS = (errors.TooLargeError, errors.ForeignAnswerError, errors.RefusedError)
_SIMDASI = "interoperabilitas/datasource/simdasi/id/{service}/"


@dataclass(frozen=True)
class DataAnswers:
    """The answers to one question about a variable.

    Attributes:
        answers: in the order of the periods; each decodes by itself with `sources.bps.data.decode_data`.
        unavailable: periods (`th_id`) that were asked for and for which BPS has nothing.
        fault: what kept the answer of one call from being used; that of other calls stands.
    """

    answers: tuple[Answer, ...]
    unavailable: tuple[str, ...]
    fault: errors.BpsError | None = None


class BpsClient:
    """The WebAPI of BPS; close it, or use it as a context."""

    def __init__(self, key: SecretStr, settings: BpsSettings | None = None, pace: Pace | None = None) -> None:
        """Check key and address; nothing is asked yet.

        Args:
            key: the WebAPI key; it goes into requests and nowhere else.
            settings: addresses, pace, time limits.
            pace: a turnstile of one's own, for a clock of one's own; otherwise made from the settings.

        Raises:
            KeyUnusableError, AddressUnsafeError: see `sources.bps.errors`.
        """
        rules = settings or BpsSettings()
        self._wire = Wire(key, rules, pace)
        self._caps = dict(rules.caps)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Return the address, never the key."""
        return f"BpsClient({self._wire!r})"

    @property
    def caps(self) -> Mapping[str, int]:
        """Return how many periods a call may ask for, by domain, as learnt from refusals."""
        return dict(self._caps)

    @property
    def requests(self) -> int:
        """Return how many requests were sent, refused and repeated ones included."""
        return self._wire.requests

    def close(self) -> None:
        """Close all connections."""
        self._wire.close()

    def domains(self, kind: DomainKind = "all", province: str | None = None) -> Listing:
        """Fetch the list of domains (`domain_id`, `domain_name`, `domain_url`).

        Args:
            kind: all, provinces, regencies, or the regencies of one province.
            province: domain of the province, with `kabbyprov`.
        """
        chosen = {"type": kind} if province is None else {"type": kind, "prov": province}
        return self._listing("domain", chosen)

    def listing(self, model: Model, domain: str, **filters: str | int) -> Listing:
        """Fetch a whole list, all its pages, reconciled with the source's own total.

        Args:
            model: which list.
            domain: four digits, `0000` for the nation.
            filters: such as `var=543`, `subject=6`, `subcat=1`, `vervar=1`, `area=1`, `keyword="angkatan kerja"`.

        Returns:
            Rows as text (`th_id`, `th`; `var_id`, `title`, `unit`; …) and the raw answers.

        Raises:
            ListDiffersError: pages or rows do not add up. Any other error of `sources.bps.errors`.
        """
        chosen = {name: str(value) for name, value in sorted(filters.items())}
        return self._listing("list", {"model": model, "domain": domain, "lang": "ind", **chosen})

    def data(self, domain: str, variable: int | str, periods: Iterable[int | str]) -> DataAnswers:
        """Fetch the values of a variable, in no more calls than the domain's cap demands.

        Args:
            domain: four digits; caps are 3 periods a call for the nation and 2 elsewhere until BPS says less.
            variable: `var_id` in that domain.
            periods: `th_id` from `listing("th", domain, var=variable)`; they are not years.

        Returns:
            Raw answers, and the periods for which BPS has nothing.

        Raises:
            NotAvailableError, EmptyAnswerError: BPS has nothing for any of the periods.
            TooLargeError: one single period is too large for one answer.
            PeriodMissingError: no period was given.
            ForeignAnswerError: BPS answered about another variable or period.
        """
        wanted = tuple(dict.fromkeys(str(period) for period in periods))
        if not wanted:
            raise errors.PeriodMissingError("no period was given")
        calls = list(self._in_calls(domain, str(variable), wanted))
        answers = tuple(outcome for _, outcome in calls if isinstance(outcome, Answer))
        refusals = [outcome for _, outcome in calls if isinstance(outcome, errors.BpsError)]
        faults = [refusal for refusal in refusals if not isinstance(refusal, _NOTHING)]
        if faults or not answers:
            raise [*refusals, *faults][-1]
        unavailable = [
            period
            for asked, outcome in calls
            for period in (missing_periods(outcome, asked) if isinstance(outcome, Answer) else asked)
        ]
        return DataAnswers(answers, tuple(unavailable))

    def simdasi_provinces(self) -> Listing:
        """Fetch the provinces as SIMDASI knows them (service 26).

        Returns:
            Rows with `region_code` (seven digits, as the `area` of the other services), `name`, `kind`.

        Raises:
            RefusedError, ForeignAnswerError, ListDiffersError: see `sources.bps.simdasi.areas_of`.
        """
        return areas_of(self._wire.get(_SIMDASI.format(service=26), {}))

    def simdasi_regencies(self, province: str) -> Listing:
        """Fetch the regencies of a province (service 27); rows and errors as `simdasi_provinces`.

        Args:
            province: seven digits, `7400000` for Sulawesi Tenggara.
        """
        return areas_of(self._wire.get(_SIMDASI.format(service=27), {"parent": province}), province)

    def simdasi_districts(self, regency: str) -> Listing:
        """Fetch the districts of a regency (service 28); rows and errors as `simdasi_provinces`.

        Args:
            regency: seven digits, `5171000` for Denpasar.
        """
        return areas_of(self._wire.get(_SIMDASI.format(service=28), {"parent": regency}), regency)

    def data_by_call(
        self, domain: str, variable: int | str, periods: Iterable[int | str]
    ) -> Iterator[tuple[tuple[str, ...], DataAnswers]]:
        """Fetch as `data` does, and hand over what each call brought before the next one is made.

        Args:
            domain: four digits.
            variable: `var_id` in that domain.
            periods: `th_id` of the variable.

        Yields:
            The periods of one call, with one answer; none where BPS has nothing for them, or with the fault where
            it is about these periods alone (TooLargeError, ForeignAnswerError, RefusedError), found by asking for
            each by itself. The other periods are asked for all the same.

        Raises:
            KeyRefusedError, and every error after which asking further is no use: what was handed over is whole.
        """
        wanted = tuple(dict.fromkeys(str(period) for period in periods))
        for asked, outcome in self._in_calls(domain, str(variable), wanted):
            if isinstance(outcome, Answer):
                yield tuple(asked), DataAnswers((outcome,), tuple(missing_periods(outcome, asked)))
            elif isinstance(outcome, _NOTHING):
                yield tuple(asked), DataAnswers((), tuple(asked))
            else:
                yield tuple(asked), DataAnswers((), (), outcome)

    def simdasi_subjects(self, area: str) -> Listing:
        """Fetch the subjects of an area (service 22).

        Args:
            area: seven digits, `0000000` for the nation, `5171000` for Denpasar.
        """
        return self._simdasi_list(22, {"wilayah": area})

    def simdasi_tables(self, area: str, subject: int | str | None = None) -> Listing:
        """Fetch the tables of an area (service 23), or of an area and subject (24).

        Args:
            area: seven digits.
            subject: `mms_id` of the subject; 520 is labour.

        Returns:
            Rows with `id_tabel`, `judul`, `kode_tabel`, `ketersediaan_tahun` (a JSON list of years), ….
        """
        if subject is None:
            return self._simdasi_list(23, {"wilayah": area})
        return self._simdasi_list(24, {"wilayah": area, "id_subjek": str(subject)})

    def simdasi_table(self, area: str, year: int, table: str) -> Answer:
        """Fetch one table (service 25); decode it with `sources.bps.simdasi.decode_simdasi`.

        Args:
            area: seven digits.
            year: one of the table's `ketersediaan_tahun`.
            table: `id_tabel`.
        """
        params = {"wilayah": area, "tahun": str(year), "id_tabel": table}
        answer = self._wire.get(_SIMDASI.format(service=25), params)
        inner_of(answer)
        return answer

    def _listing(self, path: str, params: Mapping[str, str]) -> Listing:
        first = self._wire.get(path, params)
        others = range(2, page_of(first).pages + 1)
        return listing_of([first, *(self._wire.get(path, {**params, "page": str(number)}) for number in others)])

    def _simdasi_list(self, service: int, params: Mapping[str, str]) -> Listing:
        return simdasi_listing(self._wire.get(_SIMDASI.format(service=service), params))

    def _in_calls(
        self, domain: str, variable: str, wanted: Sequence[str]
    ) -> Iterator[tuple[Sequence[str], Answer | errors.BpsError]]:
        waiting = list(wanted)
        most, alone = len(waiting), 0
        while waiting:
            asked = waiting[: 1 if alone else min(self._cap(domain), most)]
            outcome = self._outcome(domain, variable, asked)
            if isinstance(outcome, errors.TooManyPeriodsError):
                self._learn(domain, outcome, len(asked))
            elif isinstance(outcome, errors.TooLargeError) and len(asked) > 1:
                most = len(asked) // 2
            elif isinstance(outcome, _OWN_FAULTS) and len(asked) > 1:
                alone = len(asked)
            else:
                yield asked, outcome
                alone = max(alone - 1, 0)
                waiting = waiting[len(asked) :]

    def _outcome(self, domain: str, variable: str, periods: Sequence[str]) -> Answer | errors.BpsError:
        params = {"model": "data", "domain": domain, "var": variable, "th": ";".join(periods), "lang": "ind"}
        try:
            answer = self._wire.get("list", params)
        except errors.KeyRefusedError:
            raise
        except (*_NOTHING, *_OWN_FAULTS) as outcome:
            return outcome
        try:
            must_answer(answer, variable, periods)
        except (*_NOTHING, *_OWN_FAULTS) as outcome:
            outcome.raw = answer.raw
            return outcome
        return answer

    def _cap(self, domain: str) -> int:
        return self._caps.get(domain, 3 if domain == NATION else 2)

    def _learn(self, domain: str, refusal: errors.TooManyPeriodsError, asked: int) -> None:
        if not 0 < refusal.cap < asked:
            raise refusal
        self._caps[domain] = refusal.cap
