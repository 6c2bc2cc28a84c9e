"""L2, cleaning up: however a connection ends, the list of clients is right afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from wslab.labs.document import (
    COUNT_FAULTS,
    RELAY,
    count_becomes,
    counted,
    is_answer,
    settled_count,
)
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.stage import Client, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

MANY = 30

GHOST = Misconception(
    "ghost",
    Text(
        en="The client is gone, but its connection is still in the list: a ghost that every relay will trip over.",
        tr="İstemci gitti, ama bağlantısı hâlâ listede: her iletmenin takılacağı bir hayalet.",
    ),
    Text(
        en="Ask how the handler ends: `receive_text()` raises. Take the connection off the list in a `finally` "
        "around the loop.",
        tr="İşleyicinin nasıl bittiğini sorun: `receive_text()` istisna fırlatır. Bağlantıyı döngüyü saran bir "
        "`finally` içinde listeden çıkarın.",
    ),
)
ONLY_ON_1000 = Misconception(
    "only-on-1000",
    Text(
        en="A goodbye with 1000 is cleaned up, this end is not: the code decides. Most connections end without "
        "one (1005).",
        tr="1000 ile veda temizleniyor, bu bitiş temizlenmiyor: kodun değerine bakılıyor. Bağlantıların çoğu "
        "kodsuz biter (1005).",
    ),
    Text(
        en="Clean up whatever the code says: in a `finally`, without looking at it.",
        tr="Kod ne olursa olsun temizleyin: koda bakmadan, `finally` içinde.",
    ),
)
REMOVES_TOO_MANY = Misconception(
    "removes-too-many",
    Text(
        en="One client left, and more than one is gone from the list.",
        tr="Bir istemci ayrıldı, listeden birden fazlası silindi.",
    ),
    Text(
        en="Take off the list just the connection whose handler ends, and only once.",
        tr="Listeden yalnızca işleyicisi biten bağlantıyı, yalnızca bir kez çıkarın.",
    ),
)
NOT_LISTED = Misconception(
    "not-in-the-list",
    Text(
        en="A client is connected and the count has not moved, so it never came into the list, or was taken off "
        "too early.",
        tr="Bir istemci bağlı, ama sayı değişmedi: ya listeye hiç girmedi ya da çok erken çıkarıldı.",
    ),
    Text(
        en="Append after `accept()`, and take off only when the loop has ended.",
        tr="`accept()` sonrasında ekleyin; ancak döngü bittiğinde çıkarın.",
    ),
)
_CLEAN = Text(
    en="The count went {base} → {more} → {base}.",
    tr="Sayı {base} → {more} → {base} oldu.",
)

Leaving = Callable[[Client], Awaitable[None]]
"""A way to leave: `Client.close`, `Client.fin`…"""

KINDS: dict[str, Leaving] = {
    "normal": Client.close,
    "no-code": Client.close_without_code,
    "fin": Client.fin,
    "reset": Client.reset,
}
"""How a client can leave, by the name of the check that is about it."""


async def _come_and_go(stage: Stage, who: str, leave: Leaving, base: int, within: float | None = None) -> int:
    """How many are counted too many after a client came and left.

    Raises:
        Failure: the count does not rise, or falls too low.
    """
    client = await stage.connect(who)
    came = await count_becomes(stage, base + 1, within)
    if came < base + 1:
        raise Failure(NOT_LISTED, counted(1, came, base))
    await leave(client)
    came = await count_becomes(stage, base, within)
    if came < base:
        raise Failure(REMOVES_TOO_MANY, counted(0, came, base))
    return came - base


def _ending(kind: str) -> Callable[[Stage], Awaitable[Text]]:
    async def ended(stage: Stage) -> Text:
        base = await settled_count(stage)
        left = await _come_and_go(stage, "A", KINDS[kind], base)
        if left:
            seen = counted(0, base + left, base)
            lines = list(stage.lines)
            fault = (
                GHOST
                if kind == "normal" or await _come_and_go(stage, "B", Client.close, base + left, _short(stage))
                else ONLY_ON_1000
            )
            stage.lines = lines
            raise Failure(fault, seen)
        return filled(_CLEAN, base=base, more=base + 1)

    return ended


def _short(stage: Stage) -> float:
    # For a second look, after patience has been spent on the first.
    return stage.patience.step / 3


# An exception in the handler

UNKNOWN = "/?"
"""A message on which the given `reply_to()` raises."""

ONLY_ON_DISCONNECT = Misconception(
    "only-on-disconnect",
    Text(
        en="A client that leaves is cleaned up; a handler that an exception ends is not. Only one way out leads "
        "past the cleanup.",
        tr="Ayrılan istemci temizleniyor; bir istisnanın bitirdiği işleyici temizlenmiyor. Temizliğe yalnızca tek "
        "bir çıkış uğruyor.",
    ),
    Text(
        en="Move the removal from `except WebSocketDisconnect` into a `finally`: that runs on every way out.",
        tr="Çıkarma işini `except WebSocketDisconnect` bloğundan `finally` bloğuna taşıyın: o, her çıkışta çalışır.",
    ),
)
OUTSIDE_FINALLY = Misconception(
    "outside-finally",
    Text(
        en="One exception was cleaned up and another was not: the removal stands where only some ways out come by.",
        tr="İstisnalardan biri temizlendi, öteki temizlenmedi: çıkarma satırı, her çıkışın uğramadığı bir yerde.",
    ),
    Text(
        en="Let the `try` begin right after the append and hold the whole loop; the removal goes into its `finally`.",
        tr="`try` eklemenin hemen ardından başlasın ve döngünün tamamını sarsın; çıkarma onun `finally` bloğuna "
        "girsin.",
    ),
)
_AFTER_BOTH = Text(
    en="Still counted after `reply_to()` raised: {text}. Still counted after a binary message: {binary}.",
    tr="`reply_to()` istisna fırlattıktan sonra hâlâ sayılan: {text}. İkili mesajdan sonra hâlâ sayılan: {binary}.",
)
_SURVIVED_BOTH = Text(
    en="A message that `reply_to()` does not know, and a binary one: nobody is left in the list.",
    tr="`reply_to()` fonksiyonunun bilmediği bir mesaj ve ikili bir mesaj: listede kimse kalmadı.",
)


async def exception(stage: Stage) -> Text:
    """A message that makes the handler raise leaves nobody in the list, whether or not the connection survives it."""
    base = await settled_count(stage)
    left: dict[str, int] = {}
    for who, message in (("A", UNKNOWN), ("B", b"\x00\xff")):

        async def provoke(client: Client, message: str | bytes = message) -> None:
            await client.send(message)
            # Comes back where the handler survived; otherwise the connection ends, and nothing is waited for.
            await client.send(stage.unique("?"))
            await client.next(is_answer)
            if client.open:
                await client.close()
            else:
                await client.ended()

        left[who] = await _come_and_go(stage, who, provoke, base + sum(left.values()))
    if not any(left.values()):
        return _SURVIVED_BOTH
    seen = filled(_AFTER_BOTH, text=left["A"], binary=left["B"])
    if not all(left.values()):
        raise Failure(OUTSIDE_FINALLY, seen)
    lines = list(stage.lines)
    ghost = await _come_and_go(stage, "C", Client.close, base + sum(left.values()), _short(stage))
    stage.lines = lines
    raise Failure(GHOST if ghost else ONLY_ON_DISCONNECT, seen)


# Thirty at once

LOST_UPDATE = Misconception(
    "lost-update",
    Text(
        en="Alone, every kind of end is cleaned up; {count} of {many} who left together stayed: one handler "
        "overwrote what another had taken off.",
        tr="Tek tek her bitiş temizleniyor; birlikte ayrılan {many} istemciden {count} tanesi kaldı: bir "
        "işleyici, ötekinin çıkardığını geri yazdı.",
    ),
    Text(
        en="Do not build the list anew across an `await`: another handler runs meanwhile. Take one connection off "
        "in one step.",
        tr="Listeyi yeniden kurarken araya `await` sokmayın: o sırada başka bir işleyici çalışır. Tek bir "
        "bağlantıyı tek adımda çıkarın.",
    ),
)
_KIND_FIRST = Misconception(
    "one-kind-first",
    Text(
        en="Not even one client alone is cleaned up when it leaves like this.",
        tr="Böyle ayrılan tek bir istemci bile temizlenmiyor.",
    ),
    Text(
        en="First bring the check `{needs}` to pass.",
        tr="Önce `{needs}` sınamasını geçin.",
    ),
)
_ALL_GONE = Text(
    en="{many} clients left at once in four ways: {base} → {more} → {base}.",
    tr="{many} istemci dört ayrı biçimde, aynı anda ayrıldı: {base} → {more} → {base}.",
)


async def interleaved(stage: Stage) -> Text:
    """Thirty clients that leave at once, in every way there is, leave nobody behind."""
    base = await settled_count(stage)
    # They come one by one; it is the leaving together that is judged.
    clients = [await stage.connect(str(number)) for number in range(1, MANY + 1)]
    came = await count_becomes(stage, base + MANY)
    if came < base + MANY:
        raise Failure(NOT_LISTED, counted(MANY, came, base))
    ways = list(KINDS.values())
    await asyncio.gather(*(ways[number % len(ways)](client) for number, client in enumerate(clients)))
    came = await count_becomes(stage, base)
    if came == base:
        return filled(_ALL_GONE, many=MANY, base=base, more=base + MANY)
    seen = counted(0, came, base)
    if came < base:
        raise Failure(REMOVES_TOO_MANY, seen)
    await _each_alone(stage, came, seen)
    raise Failure(LOST_UPDATE, seen, count=came - base, many=MANY)


async def _each_alone(stage: Stage, base: int, seen: Text) -> None:
    """Try each way to leave with one client.

    Raises:
        Waits: one of them leaves a ghost, so its own check comes first.
    """
    lines = list(stage.lines)
    for kind, leave in KINDS.items():
        left = await _come_and_go(stage, "?", leave, base, _short(stage))
        if left:
            stage.lines = lines
            raise Waits(kind, _KIND_FIRST, seen)
    stage.lines = lines


# The others

DOUBLE_REMOVAL = Misconception(
    "double-removal",
    Text(
        en="The count is right, but cleaning up raised: {error}. The connection was taken off twice.",
        tr="Sayı doğru, ama temizlik istisna fırlattı: {error}. Bağlantı iki kez çıkarılmış.",
    ),
    Text(
        en="Remove in one place only, the `finally`. If two places must, ask first: `if websocket in "
        "connected_clients`.",
        tr="Yalnızca bir yerde, `finally` içinde çıkarın. İki yer şartsa önce sorun: `if websocket in "
        "connected_clients`.",
    ),
)
CLEANUP_RAISES = Misconception(
    "cleanup-raises",
    Text(
        en="The count is right, but a handler raised while it cleaned up: {error}.",
        tr="Sayı doğru, ama bir işleyici temizlik yaparken istisna fırlattı: {error}.",
    ),
    Text(
        en="The client is gone by then: what in the cleanup still talks to it?",
        tr="O anda istemci gitmiştir: temizlikte onunla hâlâ konuşan ne var?",
    ),
)
REMOVES_THE_WRONG_ONE = Misconception(
    "removes-the-wrong-one",
    Text(
        en="As many are in the list as are connected, but not the same ones: somebody who stayed was taken off.",
        tr="Listede bağlı olanlar kadar bağlantı var, ama aynıları değil: kalanlardan biri çıkarılmış.",
    ),
    Text(
        en="Name the connection that goes: `remove(websocket)`, never `pop()` or an index that others can shift.",
        tr="Giden bağlantıyı adıyla çıkarın: `remove(websocket)`; `pop()` ya da başkalarının kaydırabileceği bir "
        "indeks değil.",
    ),
)
HEARS_TWICE = Misconception(
    "hears-twice",
    Text(
        en="Somebody got a message twice, so a connection is in the list twice.",
        tr="Bir istemci mesajı iki kez aldı; demek ki bir bağlantı listede iki kez var.",
    ),
    Text(en="Append once, after `accept()`.", tr="Bir kez, `accept()` sonrasında ekleyin."),
)
_UNDISTURBED = Text(
    en="B and D left, A, C and E stayed: each heard each message once, and the server raised nothing.",
    tr="B ile D ayrıldı, A, C ve E kaldı: her biri her mesajı bir kez duydu, sunucu da istisna fırlatmadı.",
)
_MISSED = Text(
    en="After B and D had left, {who} did not get {message}.",
    tr="B ile D ayrıldıktan sonra {who} istemcisine {message} ulaşmadı.",
)
_TWICE = Text(en="{who} got {message} {count} times.", tr="{who} istemcisi {message} mesajını {count} kez aldı.")
_RAISED = Text(en="The server raised {error}.", tr="Sunucu şunu fırlattı: {error}.")


async def others(stage: Stage) -> Text:
    """Two of five leave; the three others go on as if nothing had happened, and so does the server."""
    base = await settled_count(stage)
    alice, bob, carol, dave, eve = [await stage.connect(who) for who in "ABCDE"]
    if (came := await count_becomes(stage, base + 5)) < base + 5:
        raise Failure(NOT_LISTED, counted(5, came, base))
    for client, kind, left in ((bob, "normal", 4), (dave, "reset", 3)):
        await KINDS[kind](client)
        came = await count_becomes(stage, base + left)
        if came > base + left:
            raise Waits(kind, _KIND_FIRST, counted(left, came, base))
        if came < base + left:
            raise Failure(REMOVES_TOO_MANY, counted(left, came, base))
    staying = (alice, carol, eve)
    for sender in (alice, eve):
        text = stage.unique("Kim kaldı?")
        await sender.send(text)
        for client in staying:
            heard = await client.next(lambda message, text=text: text in message.text)  # type: ignore[misc]
            if heard is None:
                raise await _missed(stage, client, text)
    await stage.pause()
    for client in staying:
        for message in client.messages:
            count = sum(other.text == message.text for other in client.messages)
            if count > 1:
                raise Failure(HEARS_TWICE, _TWICE, who=client.who, message=message, count=count)
    errors = [one for one in await stage.raised() if not one.warning]
    if errors:
        twice = errors[0].name in ("ValueError", "KeyError", "IndexError")
        raise Failure(DOUBLE_REMOVAL if twice else CLEANUP_RAISES, _RAISED, error=errors[0])
    return _UNDISTURBED


async def _missed(stage: Stage, client: Client, text: str) -> Failure:
    missing = filled(_MISSED, who=client.who, message=quoted(RELAY + text))
    failure = await stage.silence(client, REMOVES_THE_WRONG_ONE, ended=REMOVES_THE_WRONG_ONE)
    same = failure.misconception is REMOVES_THE_WRONG_ONE
    return Failure(REMOVES_THE_WRONG_ONE, missing) if same else failure


# The warm-up

TOO_EARLY = Misconception(
    "removed-too-early",
    Text(
        en="The member is still there and already off the list: the line that removes it runs before the wait.",
        tr="Üye hâlâ bağlı, ama listeden çıkmış bile: onu çıkaran satır, beklemeden önce çalışıyor.",
    ),
    Text(
        en="Swap two lines, so that the removal stands in the `finally`.",
        tr="İki satırın yerini değiştirin; çıkarma satırı `finally` içinde dursun.",
    ),
)


async def warm_up(stage: Stage) -> Text:
    """Who is connected is counted, who has left is not."""
    base = await settled_count(stage)
    client = await stage.connect("A")
    came = await count_becomes(stage, base + 1)
    if came < base + 1:
        raise Failure(TOO_EARLY, counted(1, came, base))
    await client.close()
    came = await count_becomes(stage, base)
    if came != base:
        raise Failure(GHOST, counted(0, came, base))
    return filled(_CLEAN, base=base, more=base + 1)


_END_RULE = Hint(
    Text(
        en="Whatever ends the client, `receive_text()` raises `WebSocketDisconnect` in its handler. A `finally` "
        "runs on every way out.",
        tr="İstemciyi bitiren ne olursa olsun, işleyicisindeki `receive_text()` `WebSocketDisconnect` fırlatır. "
        "`finally` her çıkışta çalışır.",
    )
)
_END_SKELETON = Hint(
    Text(en="Around the loop:", tr="Döngünün çevresinde:"),
    "connected_clients.append(websocket)\ntry:\n    while True:\n        …………\n"
    "except WebSocketDisconnect:\n    pass\nfinally:\n    …………",
)
_END_FAULTS = (*COUNT_FAULTS, GHOST, REMOVES_TOO_MANY, NOT_LISTED)


def _end_check(kind: str, title: Text, look: Text) -> Check:
    wrong = _END_FAULTS if kind == "normal" else (*_END_FAULTS, ONLY_ON_1000)
    return Check(kind, title, 2, _ending(kind), (Hint(look), _END_RULE, _END_SKELETON), wrong)


LAB = Lab(
    "L2-cleanup",
    Text(en="Cleaning up", tr="Temizlik"),
    (
        Check(
            "warmup",
            Text(en="Mended by swapping two lines", tr="İki satırın yeri değiştirilerek onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="Go through the handler line by line: at which line does it wait, and what has "
                        "happened by then?",
                        tr="İşleyiciyi satır satır izleyin: hangi satırda bekliyor, o ana kadar neler oldu?",
                    )
                ),
                Hint(
                    Text(
                        en="What stands in `finally` runs last, when the wait is over: there the member goes off "
                        "the list.",
                        tr="`finally` içindeki en son, bekleyiş bitince çalışır: üye orada listeden çıkar.",
                    )
                ),
                Hint(
                    Text(en="The order of the lines:", tr="Satırların sırası:"),
                    "members.append(websocket)\ntry:\n    await websocket.receive_text()\nfinally:\n    …………",
                ),
            ),
            (*COUNT_FAULTS, TOO_EARLY, GHOST),
            app="room",
        ),
        _end_check(
            "normal",
            Text(en="A goodbye with 1000", tr="1000 ile veda"),
            Text(
                en="Look at the count before, during and after the visit. Which of the three is wrong?",
                tr="Ziyaretten önceki, sıradaki ve sonraki sayıya bakın. Üçünden hangisi yanlış?",
            ),
        ),
        _end_check(
            "no-code",
            Text(en="A close without a code", tr="Kodsuz kapatma"),
            Text(
                en="A page's `close()` sends no code; the server sees 1005. Does your cleanup ask for a code?",
                tr="Sayfadaki `close()` kod göndermez; sunucu 1005 görür. Temizliğiniz bir kod arıyor mu?",
            ),
        ),
        _end_check(
            "fin",
            Text(en="The line goes dead (FIN)", tr="Hat sessizce kapanıyor (FIN)"),
            Text(
                en="No close frame came at all. Which line of your handler runs then?",
                tr="Hiç kapatma çerçevesi gelmedi. O zaman işleyicinizin hangi satırı çalışıyor?",
            ),
        ),
        _end_check(
            "reset",
            Text(en="The client is torn away (RST)", tr="İstemci kopuyor (RST)"),
            Text(
                en="The connection broke without a word. Which line of your handler runs then?",
                tr="Bağlantı tek söz söylemeden koptu. O zaman işleyicinizin hangi satırı çalışıyor?",
            ),
        ),
        Check(
            "others",
            Text(en="The others notice nothing", tr="Ötekiler hiçbir şey fark etmiyor"),
            2,
            others,
            (
                Hint(
                    Text(
                        en="Who missed a message, or what did the server raise? Both stand in the card.",
                        tr="Mesaj kime ulaşmadı ya da sunucu ne fırlattı? İkisi de kartta yazıyor.",
                    )
                ),
                Hint(
                    Text(
                        en="One connection goes, by name, in one place. `remove()` raises `ValueError` where "
                        "there is nothing to remove.",
                        tr="Tek bir bağlantı, adıyla, tek bir yerde çıkarılır. Çıkaracak bir şey yoksa `remove()` "
                        "`ValueError` fırlatır.",
                    )
                ),
                Hint(
                    Text(en="Nothing but this removes:", tr="Çıkaran tek yer burası:"),
                    "finally:\n    connected_clients.…………(websocket)",
                ),
            ),
            (
                *COUNT_FAULTS,
                NOT_LISTED,
                REMOVES_TOO_MANY,
                REMOVES_THE_WRONG_ONE,
                HEARS_TWICE,
                DOUBLE_REMOVAL,
                CLEANUP_RAISES,
                _KIND_FIRST,
            ),
        ),
        Check(
            "interleaved",
            Text(en="Thirty leave at once", tr="Otuz istemci birden ayrılıyor"),
            2,
            interleaved,
            (
                Hint(
                    Text(
                        en="How many are left in the list: all thirty, one kind of them, or a few by chance?",
                        tr="Listede kaç kişi kaldı: otuzunun hepsi mi, bir türü mü, rastgele birkaçı mı?",
                    )
                ),
                Hint(
                    Text(
                        en="Between two `await`s nobody else runs; across one, everybody may. Change the list in "
                        "a single step.",
                        tr="İki `await` arasında başkası çalışmaz; bir `await` boyunca herkes çalışabilir. "
                        "Listeyi tek adımda değiştirin.",
                    )
                ),
                Hint(
                    Text(en="One step, no `await` in it:", tr="Tek adım, içinde `await` yok:"),
                    "finally:\n    connected_clients.…………(websocket)",
                ),
            ),
            (*COUNT_FAULTS, NOT_LISTED, REMOVES_TOO_MANY, LOST_UPDATE, _KIND_FIRST),
        ),
        Check(
            "exception",
            Text(en="An exception in the handler", tr="İşleyicide bir istisna"),
            2,
            exception,
            (
                Hint(
                    Text(
                        en="Two messages make the handler raise: one in `reply_to()`, one in `receive_text()`. "
                        "After which of them is somebody left?",
                        tr="İki mesaj işleyicide istisna doğurur: biri `reply_to()`, öteki `receive_text()` "
                        "içinde. Hangisinden sonra biri kalıyor?",
                    )
                ),
                Hint(
                    Text(
                        en="`except WebSocketDisconnect` catches just that. Only `finally` runs whatever was "
                        "raised, and the exception goes on its way.",
                        tr="`except WebSocketDisconnect` yalnızca onu yakalar. Ne fırlatılmış olursa olsun "
                        "çalışan yalnızca `finally` bloğudur; istisna da yoluna devam eder.",
                    )
                ),
                Hint(
                    Text(en="Which block holds the removal?", tr="Çıkarma hangi blokta?"),
                    "try:\n    while True:\n        …………\n…………:\n    connected_clients.remove(websocket)",
                ),
            ),
            (*_END_FAULTS, ONLY_ON_DISCONNECT, OUTSIDE_FINALLY),
        ),
    ),
)
