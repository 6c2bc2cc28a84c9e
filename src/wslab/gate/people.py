"""Who has joined: the list of people, their sessions and their sockets."""

from __future__ import annotations

import ipaddress
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, Protocol

from starlette.authentication import BaseUser

from wslab.gate import nicknames
from wslab.gate.limits import Bucket, Limits
from wslab.language import Text

State = Literal["here", "away"]

SPARED = 60.0
"""Seconds after a sign of life in which nobody loses their place: a phone that sleeps or reloads is back by then."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the gate closes connections.

    Attributes:
        code: the close code (RFC 6455, section 7.4).
        reason: goes with the code, at most 123 bytes.
        sentence: what the visitor's page says.
    """

    code: int
    reason: Text
    sentence: Text


class Connection(Protocol):
    """A WebSocket of a visitor's."""

    async def close(self, ending: Ending) -> None:
        """Close it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has joined, at one moment.

    Attributes:
        nickname: what they call themselves; nobody else is called so.
        address: where they came from.
        since: when they joined.
        messages: how many WebSocket messages they sent to the app.
        sockets: how many WebSockets they have open to the app.
        state: `here` while a page of theirs (or a program) is connected, `away` when none is.
        guest: whether it is a program that brought the token along and never saw the join page.
    """

    nickname: str
    address: str
    since: datetime
    messages: int
    sockets: int
    state: State
    guest: bool


@dataclass(frozen=True)
class User(BaseUser):
    """Who somebody is to the app: its `websocket.user` (`request.user`).

    It keeps the nickname that they had when the connection began: an app that files its clients by name finds the
    same one at the end.

    Attributes:
        nickname: what they are called; `display_name` for the app.
        language: of their pages.
    """

    nickname: str
    language: str

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        return self.nickname

    @property
    def identity(self) -> str:
        return self.nickname


class Visitor:
    """The session of somebody who has joined.

    Attributes:
        nickname: what they are called at the moment.
        claimed: the nickname that they asked for, before it was made unique.
        language: of their pages.
        session: the secret in their cookie, "" for a guest.
        seen: when they last gave a sign of life, in seconds of the loop's clock.
        connections: their open WebSockets, to the app and to the gate.
    """

    def __init__(self, nickname: str, address: str, language: str, session: str, limits: Limits, now: float) -> None:
        self.nickname = self.claimed = nickname
        self.address = address
        self.language = language
        self.session = session
        self.since = datetime.now(UTC).astimezone()
        self.messages = 0
        self.seen = now
        self.requests = Bucket(limits.requests_per_second, limits.request_burst, now)
        # Of the person, not of the connection: a new connection brings no new allowance.
        self.allowance = Bucket(limits.messages_per_second, limits.message_burst, now)
        self.connections: set[Connection] = set()
        self.sockets = 0
        self.pages = 0

    @property
    def user(self) -> User:
        """Who they are to the app, from now on."""
        return User(self.nickname, self.language)

    @property
    def present(self) -> bool:
        """Whether anything of theirs is connected."""
        return bool(self.sockets or self.pages)

    def snapshot(self) -> Person:
        """The person as plain data."""
        return Person(
            nickname=self.nickname,
            address=self.address,
            since=self.since,
            messages=self.messages,
            sockets=self.sockets,
            state="here" if self.present else "away",
            guest=not self.session,
        )


class Full(Exception):
    """Nobody else can join, from this address or at all; `scope` says which."""

    def __init__(self, scope: Literal["class", "address"]) -> None:
        super().__init__(scope)
        self.scope: Literal["class", "address"] = scope


@dataclass(frozen=True, slots=True)
class _KeptOut:
    """Somebody who was kicked, and how they are recognised.

    Attributes:
        nickname: what they were called.
        claimed: the nickname that they had asked for.
        session: the secret in their cookie, "" for a program.
        address: where they came from.
        alone: whether nobody else came from there, so that the address says who it is.
    """

    nickname: str
    claimed: str
    session: str
    address: str
    alone: bool


class People:
    """Everybody who has joined, and who is kept out.

    Changed on the server's loop only, but for `let_in`; `snapshot` and `kept_out` may be called from any thread.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sessions: dict[str, Visitor] = {}
        self._guests: list[Visitor] = []
        self._kept_out: list[_KeptOut] = []
        self._lock = threading.Lock()

    @property
    def everybody(self) -> list[Visitor]:
        """People and guests, in the order in which they came."""
        with self._lock:
            return sorted([*self._sessions.values(), *self._guests], key=lambda visitor: visitor.since)

    def of_session(self, session: str) -> Visitor | None:
        """Whose cookie this is."""
        # The key is 128 random bits, so the time of the look-up reveals nothing that helps to guess it.
        return self._sessions.get(session)

    def join(self, nickname: str, address: str, language: str, now: float) -> Visitor:
        """A new session under this nickname, made unique; in a full class it replaces the one that was away longest.

        Args:
            now: seconds of the loop's clock.

        Raises:
            Full: the class is, or this address has sent enough people, and nobody has been away for `SPARED` seconds.
        """
        with self._lock:
            mine = [visitor for visitor in self._sessions.values() if visitor.address == address]
            if len(mine) >= self._limits.people_per_address and not self._free_a_place(mine, now):
                raise Full("address")
            if len(self._sessions) >= self._limits.people and not self._free_a_place(
                list(self._sessions.values()), now
            ):
                raise Full("class")
            visitor = Visitor(self._unique(nickname), address, language, secrets.token_urlsafe(16), self._limits, now)
            visitor.claimed = nickname
            self._sessions[visitor.session] = visitor
        return visitor

    def rename(self, visitor: Visitor, nickname: str) -> None:
        """Call somebody otherwise from now on, made unique among the others; what they voted stays theirs."""
        with self._lock:
            visitor.nickname = self._unique(nickname, but=visitor)
            visitor.claimed = nickname

    def _free_a_place(self, visitors: list[Visitor], now: float) -> bool:
        """Forget whoever has been away longest, if anybody has been for `SPARED` seconds."""
        away = [visitor for visitor in visitors if not visitor.present and now - visitor.seen >= SPARED]
        if not away:
            return False
        del self._sessions[min(away, key=lambda visitor: visitor.seen).session]
        return True

    def guest(self, nickname: str, address: str, language: str, now: float) -> Visitor:
        """A program that brought the token along, for as long as its connection lasts."""
        with self._lock:
            visitor = Visitor(self._unique(nickname), address, language, "", self._limits, now)
            visitor.claimed = nickname
            self._guests.append(visitor)
        return visitor

    def _unique(self, nickname: str, but: Visitor | None = None) -> str:
        everybody = (*self._sessions.values(), *self._guests)
        return nicknames.unique(nickname, [other.nickname for other in everybody if other is not but])

    def forget(self, visitor: Visitor) -> None:
        """End a session: its cookie opens nothing from now on."""
        with self._lock:
            self._sessions.pop(visitor.session, None)
            if visitor in self._guests:
                self._guests.remove(visitor)

    def kick(self, visitor: Visitor) -> None:
        """End a session, and keep its person out until `let_in`."""
        others = any(other.address == visitor.address for other in self.everybody if other is not visitor)
        # Programs of the instructor's own notebook all come from the loopback address.
        alone = not others and not _is_loopback(visitor.address)
        self.forget(visitor)
        with self._lock:
            self._kept_out.append(_KeptOut(visitor.nickname, visitor.claimed, visitor.session, visitor.address, alone))

    def keeps_out(self, session: str, address: str, nickname: str = "") -> bool:
        """Whether somebody was kicked and not let in since: by cookie, by an address of their own, or by nickname.

        Args:
            session: the cookie, "" if there is none.
            nickname: as given; compared among those of the same address only, so that nobody takes a name from others.
        """
        with self._lock:
            return any(
                (session and session == kicked.session)
                or (address == kicked.address and (kicked.alone or nicknames.same(nickname, kicked.claimed)))
                for kicked in self._kept_out
            )

    def let_in(self, nickname: str) -> bool:
        """Let somebody who was kicked join again; False if nobody of that nickname is kept out."""
        with self._lock:
            before = len(self._kept_out)
            self._kept_out = [kicked for kicked in self._kept_out if kicked.nickname != nickname]
            return len(self._kept_out) < before

    def kept_out(self) -> tuple[str, ...]:
        """The nicknames of those who are kept out, in the order in which they were kicked."""
        with self._lock:
            return tuple(dict.fromkeys(kicked.nickname for kicked in self._kept_out))

    def snapshot(self) -> tuple[Person, ...]:
        """Everybody, as plain data."""
        return tuple(visitor.snapshot() for visitor in self.everybody)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
