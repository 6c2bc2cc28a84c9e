"""classroom(): what an instructor does with a server that is shared with a class."""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from wslab.classroom import card
from wslab.classroom.addresses import reachable_at
from wslab.classroom.counts import in_the_guides_form
from wslab.classroom.own_questions import Wording, own_question
from wslab.classroom.tally import CSS as SPLIT_CSS
from wslab.classroom.tally import Tally
from wslab.classroom.voting import Vote
from wslab.errors import LabError
from wslab.gate import Gate, Person, Visitor
from wslab.jupyter import in_kernel
from wslab.language import Text
from wslab.predictions import catalogue
from wslab.predictions.question import Question
from wslab.serving import Server
from wslab.serving.arguments import stays_here

_PERIOD = 0.4  # seconds between two updates of the card; while a class joins, something changes all the time
_LOOP_DEADLINE = 8.0  # seconds for the server's loop, added to the time that a client may refuse to read


class ClassroomError(LabError):
    """What was asked of the class cannot be done; the message says why and what to do."""


_NOT_SHARED = Text(
    en='{name} is not shared with a class. Start it with serve(app, host="0.0.0.0", token=True), '
    "then classroom(server).",
    tr='{name} bir sınıfla paylaşılmıyor. serve(app, host="0.0.0.0", token=True) ile başlatıp classroom(server) yazın.',
)
_NO_SERVER = Text(
    en="classroom() needs the server that serve(app, token=True) gave; it got {what}.",
    tr="classroom(), serve(app, token=True) ile elde edilen sunucuyu ister; verilen: {what}.",
)
_OVER = Text(
    en="The server has stopped, and with it this class. Start it again and write classroom(server) again.",
    tr="Sunucu durdu, ders de onunla bitti. Yeniden başlatıp tekrar classroom(server) yazın.",
)
_NOT_KEPT_OUT = Text(
    en="Nobody called “{nickname}” is kept out. Kept out are: {names}.",
    tr="“{nickname}” adıyla dışarıda tutulan kimse yok. Dışarıda tutulanlar: {names}.",
)
_NOBODY = Text(
    en="Nobody here is called “{nickname}”. Here are: {names}.",
    tr="Burada “{nickname}” adında kimse yok. Burada olanlar: {names}.",
)
_HELD = Text(
    en="“{nickname}” could not be kicked within {deadline:g} s: {place} holds the event loop. Once it lets go, that "
    "happens by itself. A wait belongs behind await, a long calculation into asyncio.to_thread(…). If it never lets "
    "go: server.restart(), then classroom(server) again.",
    tr="“{nickname}” {deadline:g} saniye içinde çıkarılamadı: olay döngüsünü {place} tutuyor. Döngü serbest kalınca "
    "kendiliğinden çıkarılır. Beklemenin yeri await, uzun hesabın yeri asyncio.to_thread(…). Döngü hiç serbest "
    "kalmıyorsa: server.restart(), ardından yeniden classroom(server).",
)
_A_HANDLER = Text(en="a handler", tr="bir işleyici")
_NO_VOTE = Text(
    en='There is no vote yet. Ask one: room.vote("07.order").',
    tr='Henüz bir oylama yok. Bir soru sorun: room.vote("07.order").',
)


class Classroom:
    """The people who have joined one server, and their votes; made by `classroom(server)`.

    As the last expression of a cell it shows the way in as a QR code and who has come, and follows what happens.

    Attributes:
        server: what is shared.
        token: the code that lets people in.
    """

    def __init__(self, server: Server, gate: Gate) -> None:
        self.server = server
        self.token = gate.token
        self._gate = gate
        self._votes: list[Vote] = []
        self._views: list[Any] = []
        self._news = threading.Event()
        self._lock = threading.Lock()
        self._follower: threading.Thread | None = None
        gate.board = self._board
        gate.hear = self._hear
        gate.changed = self._news.set

    # -- who is in ------------------------------------------------------------------------------------------

    @property
    def links(self) -> tuple[str, ...]:
        """Addresses of the join page, the likeliest first; empty once the server has stopped."""
        if not self._running:
            return ()
        port, token = self.server.port, self.token
        return tuple(f"http://{address}:{port}/join/{token}" for address in reachable_at(self.server.host))

    @property
    def people(self) -> tuple[Person, ...]:
        """Who has joined, in the order in which they came."""
        return self._gate.people.snapshot()

    @property
    def refused(self) -> dict[str, int]:
        """How often somebody was turned away or closed, by reason."""
        return dict(self._gate.refused)

    def kick(self, nickname: str) -> None:
        """Close this person's connections (code 1008), end their visit and keep them out; their vote no longer counts.

        They are recognised by their browser's cookie, by their address where nobody else came from it, and by the
        nickname among those of one address. `let_in()` lets them join again.

        Raises:
            ClassroomError: nobody is called so, the server has stopped, or a handler holds its loop; then the visit
                ends once the handler lets go.
        """
        self._need_running()
        deadline = self._gate.limits.send_deadline + _LOOP_DEADLINE
        try:
            found = self.server.submit(self._gate.kick(nickname)).result(deadline)
        except concurrent.futures.CancelledError:
            raise ClassroomError(_OVER) from None
        except TimeoutError:
            self._need_running()
            place = self.server.blocking_line() or _A_HANDLER
            raise ClassroomError(_HELD, nickname=nickname, deadline=deadline, place=place) from None
        if not found:
            names = ", ".join(person.nickname for person in self.people) or "–"
            raise ClassroomError(_NOBODY, nickname=nickname, names=names)

    def let_in(self, nickname: str) -> None:
        """Let somebody who was kicked join again, with the same code.

        Raises:
            ClassroomError: nobody of this nickname is kept out.
        """
        if not self._gate.people.let_in(nickname):
            names = ", ".join(self.kept_out) or "–"
            raise ClassroomError(_NOT_KEPT_OUT, nickname=nickname, names=names)
        self._news.set()

    @property
    def kept_out(self) -> tuple[str, ...]:
        """The nicknames of those who were kicked and not let in since."""
        return self._gate.people.kept_out()

    def lock(self) -> None:
        """Close the door: who is in stays in, nobody else joins."""
        self._gate.locked = True
        self._news.set()

    def unlock(self) -> None:
        """Open the door again."""
        self._gate.locked = False
        self._news.set()

    # -- votes ------------------------------------------------------------------------------------------------

    def vote(self, key: str) -> Vote:
        """Ask everybody who has joined, and who joins later, a prediction; an open vote is closed first.

        Args:
            key: of a prediction, `07.order`.

        Raises:
            PredictionError: there is no such prediction.
            ClassroomError: the server has stopped.
        """
        return self._ask(catalogue.find(key))

    def ask(self, question: Wording, options: Sequence[Wording] = (), *, right: object = None) -> Vote:
        """Ask everybody a question of your own; an open vote is closed first.

        Args:
            question: a text, or one in each language: `{"en": "Which one?", "tr": "Hangisi?"}`.
            options: the answers to choose from, two to six; without them people type one.
            right: the right answer, one of the options; of a typed answer a number or a word. Left out, the question
                has none until `vote.reveal(answer)` gives one.

        Raises:
            OwnQuestionError: the question or its options are unfit, or `right` is none of them.
            ClassroomError: the server has stopped.
        """
        number = 1 + sum(vote.own for vote in self._votes)
        return self._ask(own_question(f"own.{number}", question, options, right), own=True)

    def _ask(self, question: Question, own: bool = False) -> Vote:
        self._need_running()
        if self._votes:
            self._votes[-1].close()
        self._votes.append(Vote(question, self._voters, self._tell, own))
        self._tell()
        return self._votes[-1]

    def close_vote(self) -> Tally:
        """End the vote and give the split, without saying which answer is right: that is `vote.reveal()`.

        Raises:
            ClassroomError: nothing has been asked yet.
        """
        if not self._votes:
            raise ClassroomError(_NO_VOTE)
        return self._votes[-1].close()

    @property
    def votes(self) -> tuple[Tally, ...]:
        """Every vote so far as plain data, oldest first."""
        return tuple(vote.split() for vote in self._votes)

    def counts(self) -> str:
        """The votes so far in the form of the instructor's guide, as YAML: `print(room.counts())`.

        Of several votes on one prediction the first counts, before anybody argued. Your own questions are left out.
        """
        return in_the_guides_form((vote.question, vote.split()) for vote in self._votes if not vote.own)

    def _voters(self) -> list[Visitor]:
        return [visitor for visitor in self._gate.people.everybody if visitor.session]

    def _board(self, visitor: Visitor) -> dict[str, Any]:
        return {"vote": self._votes[-1].shown_to(visitor)} if self._votes else {}

    def _hear(self, visitor: Visitor, said: dict[str, Any]) -> None:
        if self._votes:
            self._votes[-1].cast(visitor, said.get("vote"), said.get("choice"))

    def _tell(self) -> None:
        self._news.set()
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody is left to be told
            self.server.loop.call_soon_threadsafe(self._gate.tell_everybody)

    # -- in the notebook --------------------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        return self.server.running and self.server.gate is self._gate

    def _need_running(self) -> None:
        if not self._running:
            raise ClassroomError(_OVER)

    def poster(self) -> Poster:
        """The way in alone, large enough for the last row."""
        return Poster(self)

    def _way_in(self) -> Markup:
        return card.way_in(self.links, self.token, stays_here(self.server.host), self._running)

    def _attendance(self) -> card.Attendance:
        return card.Attendance(self.people, self.refused, self.kept_out, self._gate.locked)

    def _html(self) -> Markup:
        after = self._votes[-1].split() if self._votes else None
        # While a vote is open the projector must not tell people how the others vote.
        split = "" if after is None else after.state_html() if after.open else after.html()
        who = card.who_is_in(self._attendance())
        return card.card(self._way_in(), who, css=SPLIT_CSS, after=split)

    def __repr__(self) -> str:
        return card.as_text(self.links, self.token, self._attendance())

    def _repr_html_(self) -> str:
        return self._html()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self._html()}
        if in_kernel():
            from wslab.classroom.view import View

            view = View(self._html)
            with self._lock:
                self._views = [*self._views[-3:], view]
                if self._follower is None:
                    self._follower = threading.Thread(target=self._follow, name="wslab classroom", daemon=True)
                    self._follower.start()
            bundle |= view.bundle()
        return bundle

    def _follow(self) -> None:
        while True:
            self._news.wait(1.0)
            self._news.clear()
            running = self._running
            for view in list(self._views):
                view.refresh()
            if not running:
                with self._lock:
                    self._follower = None
                return
            time.sleep(_PERIOD)


class Poster:
    """The way into a class, large; made by `room.poster()`."""

    def __init__(self, classroom: Classroom) -> None:
        self._classroom = classroom

    def __repr__(self) -> str:
        return "\n".join(self._classroom.links) or str(_OVER)

    def _repr_html_(self) -> str:
        return card.card(self._classroom._way_in(), large=True)


# By the gate's id: a class and its gate refer to each other, so both are collected together.
_classes: weakref.WeakValueDictionary[int, Classroom] = weakref.WeakValueDictionary()
_registry = threading.Lock()


def classroom(server: Server) -> Classroom:
    """The class of a server that `serve(app, host="0.0.0.0", token=True)` shares; the same one at each call.

    Raises:
        ClassroomError: the server is not shared, or has stopped.
    """
    if not isinstance(server, Server):
        raise ClassroomError(_NO_SERVER, what=f"{server!r:.80}")
    if server.gate is None:
        raise ClassroomError(_NOT_SHARED, name=server.name)
    if not server.running:
        raise ClassroomError(_OVER)
    with _registry:
        known = _classes.get(id(server.gate))
        if known is None or known._gate is not server.gate:
            known = _classes[id(server.gate)] = Classroom(server, server.gate)
        return known
