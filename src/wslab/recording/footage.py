"""A stretch of tape, copied: what the pure half of the recorder starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wslab.recording.places import Stand
from wslab.recording.trace import Place

INTERNAL = 0
"""The number on the tape of library code."""
CROWD = 1
"""The number of tasks that are over the bound on lanes."""
KIT = -1
"""The number of this kit's own tasks, which are not shown."""
THRESHOLD_NS = 50_000_000
"""From here on a step counts as blocking: one twentieth of a second is what a person begins to feel."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the watchdog saw: at time `at` the loop was held at `stand`, called from the coroutine's line `calling`."""

    at: int
    stand: Stand | Place
    calling: Stand | Place | None = None


@dataclass(frozen=True, slots=True)
class LaneNotes:
    """A `Tracked` at one moment, with its name as text; `serves` is the type of its ASGI scope, "" if it has none.

    `client` is that scope's client.
    """

    number: int
    name: str
    kind: str
    serves: str
    user: bool
    born: int
    origin: str
    ended: int
    ending: str
    error: str
    first: int
    client: tuple[str, int] | None = None
    wait_failed: bool = False


@dataclass(frozen=True, slots=True)
class Footage:
    """A stretch of tape, copied: raw material for `assembly.assemble`. Times are `perf_counter_ns` values.

    That of another process has places that are described already. `process` is its number in the operating system, and
    `over` says that it has ended.
    """

    loop: str
    start: int
    end: int
    starts: Sequence[int]
    ends: Sequence[int]
    whos: Sequence[int]
    places: Sequence[int]
    idle_starts: Sequence[int]
    idle_ends: Sequence[int]
    lanes: Mapping[int, LaneNotes]
    stands: tuple[Stand | Place | None, ...]
    samples: tuple[Sample, ...]
    lates: tuple[tuple[int, int, int], ...]
    unawaited: tuple[tuple[int, int, str, Stand | Place | None], ...]
    running: tuple[int, int] | None
    idle_since: int
    idle_known: bool
    threshold: int
    lost_steps: int
    lost_idles: int
    lost_lanes: int
    lost_places: int
    lost_lates: int
    lost_unawaited: int
    fault: str
    process: int = 0
    over: bool = False
