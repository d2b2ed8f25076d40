"""How fast BPS is asked: no two requests closer than an interval, and pauses that the source asks for."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Pace:
    """A turnstile for requests, safe between threads.

    Attributes:
        seconds: the least time from the start of one request to the start of the next; 0 for none.
        clock: monotonic seconds.
        sleep: waits for a number of seconds.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = field(default=-math.inf, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def wait(self) -> None:
        """Return when the next request may start."""
        with self._lock:
            while (rest := self._free_at - self.clock()) > 0:
                self.sleep(rest)
            self._free_at = self.clock() + self.seconds

    def hold(self, seconds: float) -> None:
        """Let no request start for so many seconds from now."""
        with self._lock:
            self._free_at = max(self._free_at, self.clock() + seconds)
