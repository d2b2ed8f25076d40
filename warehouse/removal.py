"""Removing files some at a time, counted by what they are; a dry run only counts."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from sources.places import Entry, Place
from warehouse.file_loading import Progress

FileKind = Literal["unfinished", "log", "data", "raw", "leftovers", "copies"]
Kind = FileKind | Literal["build", "quarantine", "small_files"]
Reason = FileKind | Literal["passed", "failed", "aside", "quarantine", "small_files"]
_AT_ONCE = 1000


@dataclass(frozen=True)
class Gone:
    """Some files that went, or would go.

    Attributes:
        kind: what they are.
        what: the build, the table, the dataset or the place.
        reason: why.
        files: how many.
        bytes: how large in all; of `quarantine` and `small_files` it goes after the grace time.
    """

    kind: Kind
    what: str
    reason: Reason
    files: int
    bytes: int


@dataclass(frozen=True)
class Remover:
    """Removes files, or only counts them.

    Attributes:
        is_dry: remove nothing.
        confirm: raises where this run may remove nothing any more; asked before each removal.
        progress: whom to tell how many went.
    """

    is_dry: bool
    confirm: Callable[[], None] = field(default=lambda: None)
    progress: Progress = field(default=lambda _what, _done, _of: None)

    def remove(
        self, place: Place, going: Iterable[Entry], kind: FileKind, what: str | Callable[[Entry], str]
    ) -> list[Gone]:
        """Remove files of one kind; the kind says why as well.

        Args:
            place: where they are.
            going: the files.
            kind: what they are.
            what: of which table, dataset or place.

        Returns:
            How many went, and how large they were, by `what`; nothing where none went.
        """
        sizes: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        waiting, done = iter(going), 0
        while batch := list(islice(waiting, _AT_ONCE)):
            for entry in batch:
                counted = sizes[what if isinstance(what, str) else what(entry)]
                counted[0] += 1
                counted[1] += entry.size
            if not self.is_dry:
                self.confirm()
                place.remove(entry.key for entry in batch)
            done += len(batch)
            self.progress(f"{kind} {place.uri}", done, done)
        return [Gone(kind, name, kind, *counted) for name, counted in sorted(sizes.items())]


def measured(kind: Kind, what: str, reason: Reason, entries: Iterable[Entry]) -> Gone:
    """Count files of one kind."""
    sizes = [entry.size for entry in entries]
    return Gone(kind, what, reason, len(sizes), sum(sizes))
