"""The limits of one visitor of a shared server, and the token bucket that counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a shared server allows; the defaults fit a class whose devices have addresses of their own.

    Where a whole class comes from one address (a router in between), raise what is counted for each address:
    `Limits(people_per_address=80, connections_per_address=400)`.

    Attributes:
        people: how many may join; then whoever has been away longest, a minute at least, loses the place to the next.
        people_per_address: how many of them from one address.
        sockets_per_person: WebSockets that one person may have open.
        connections: TCP connections in all.
        connections_per_address: of them from one address.
        message_bytes: the longest WebSocket message; a longer one is closed with 1009.
        messages_per_second: what one person may send in the long run; more is closed with 1008. The programs of one
            address may send what `people_per_address` people may.
        message_burst: messages that a person may send at once.
        requests_per_second: requests and handshakes of one person or one address in the long run.
        request_burst: requests at once.
        body_bytes: the longest body of an HTTP request.
        request_deadline: seconds in which a request must have arrived.
        send_deadline: seconds that a client may refuse to read before its connection is aborted.
    """

    people: int = 80
    people_per_address: int = 8
    sockets_per_person: int = 6
    connections: int = 400
    connections_per_address: int = 40
    message_bytes: int = 65_536
    messages_per_second: float = 10.0
    message_burst: int = 30
    requests_per_second: float = 5.0
    request_burst: int = 60
    body_bytes: int = 65_536
    request_deadline: float = 5.0
    send_deadline: float = 2.0


class Bucket:
    """A token bucket: `burst` at once, `rate` a second in the long run."""

    __slots__ = ("_burst", "_left", "_rate", "_when")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._left = float(burst)
        self._when = now

    def _fill(self, now: float) -> None:
        self._left = min(self._burst, self._left + (now - self._when) * self._rate)
        self._when = now

    def take(self, now: float) -> bool:
        """Take one at the time `now` (seconds of any clock that does not go back); False if none is left."""
        self._fill(now)
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def full(self, now: float) -> bool:
        """Whether nothing is missing, so that a new bucket would do as well."""
        self._fill(now)
        return self._left >= self._burst


class Buckets:
    """A bucket for each address; those that are full again are forgotten."""

    def __init__(self, rate: float, burst: int, most: int = 1_000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._buckets: dict[str, Bucket] = {}

    def take(self, key: str, now: float) -> bool:
        """Take one of what `key` has; False if none is left."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._most:
                self._buckets = {known: held for known, held in self._buckets.items() if not held.full(now)}
            if len(self._buckets) >= self._most:
                return False
            bucket = self._buckets[key] = Bucket(self._rate, self._burst, now)
        return bucket.take(now)
