"""L4, the server speaks: one HTTP request, one message for everybody who is there, and an honest count."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence

from wslab.labs import general
from wslab.labs.document import SERVER, is_by_server
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.stage import Client, Message, Reply, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

PATH = "/broadcast"
REPORT = "/rapor"
"""A message over which the given `reply_to()` takes so long that its handler does not notice its client leaving."""

NO_ROUTE = Misconception(
    "no-route",
    Text(
        en="The request was not taken: the path, the method or the parameters are other ones than the task's.",
        tr="İstek kabul edilmedi: yol, yöntem ya da parametreler görevdekinden farklı.",
    ),
    Text(
        en='Compare with `@app.post("/broadcast")` and `message: str, pause: float = 0`.',
        tr='`@app.post("/broadcast")` ve `message: str, pause: float = 0` ile karşılaştırın.',
    ),
)
NOTHING_YET = Misconception(
    "nothing-yet",
    Text(
        en="The function returns nothing, and nobody heard anything: it is still empty.",
        tr="Fonksiyon bir şey döndürmüyor, kimse de bir şey duymadı: içi henüz boş.",
    ),
    Text(
        en="Go through the clients that are connected and send each the message.",
        tr="Bağlı istemciler üzerinde dolaşın ve her birine mesajı gönderin.",
    ),
    begun=False,
)
NO_NUMBER = Misconception(
    "no-number",
    Text(
        en="The reply has to be JSON in which `sent` is a whole number.",
        tr="Yanıt, içinde `sent` adlı bir tam sayı bulunan JSON olmalı.",
    ),
    Text(
        en='Count while you send, and end with `return {{"sent": …}}`.',
        tr='Gönderirken sayın, sonunda `return {{"sent": …}}` yazın.',
    ),
)
RAISES = Misconception(
    "raises",
    Text(
        en="The request ended in an exception, so whoever sent it only knows that something went wrong: {error}.",
        tr="İstek bir istisnayla bitti; isteği gönderen yalnızca bir şeyin ters gittiğini biliyor: {error}.",
    ),
    Text(
        en="Go to that line and ask which value it met that it cannot work with.",
        tr="O satıra gidin: hangi değerle karşılaştı da onunla çalışamadı?",
    ),
)
REPLY_FAULTS = (NO_ROUTE, NOTHING_YET, RAISES)
NOT_HEARD = Misconception(
    "not-heard",
    Text(
        en="The request was answered, and somebody who is connected did not get the message.",
        tr="İstek yanıtlandı, ama bağlı olan biri mesajı almadı.",
    ),
    Text(
        en="Who is in the list when you send? And does the loop reach its end, or does a `return` or `break` cut it "
        "short?",
        tr="Gönderdiğiniz anda listede kim var? Döngü sonuna varıyor mu, yoksa onu bir `return` ya da `break` mi "
        "kesiyor?",
    ),
)
HEARS_TWICE = Misconception(
    "hears-twice",
    Text(
        en="Somebody heard the same message more than once.",
        tr="Birisi aynı mesajı birden çok kez duydu.",
    ),
    Text(
        en="One turn of the loop for each client, one `send_text` in it: what makes it two?",
        tr="Her istemci için döngünün bir turu, içinde bir `send_text`: onu iki yapan ne?",
    ),
)
WRONG_TEXT = Misconception(
    "wrong-text",
    Text(
        en="The message arrived, in other words than the task's.",
        tr="Mesaj ulaştı, ama görevdekinden farklı sözlerle.",
    ),
    Text(
        en="Send `SUNUCU: ` and the message, as text.",
        tr="`SUNUCU: ` ile mesajı, metin olarak gönderin.",
    ),
)
_NOT_FOUND = {"detail": "Not Found"}
"""FastAPI's own 404; another one is the app's."""
_REPLIED = Text(en="The reply was {status} {body}.", tr="Yanıt {status} {body} oldu.")
_WHO_HEARD = Text(en="{message} was heard: {heard}.", tr="{message} mesajını duyanlar: {heard}.")
_HEARD_ALL = Text(
    en="{message}: each of {names} heard it once.", tr="{message}: {names} istemcilerinin her biri onu bir kez duydu."
)


def _door() -> str:
    return f"/ws?name=konuk-{secrets.token_hex(4)}"


async def _guests(stage: Stage, names: str) -> list[Client]:
    return [await stage.connect(who, _door()) for who in names]


async def _post(stage: Stage, text: str, pause: float = 0.0) -> Reply | None:
    params = {"message": text} | ({"pause": f"{pause:.3f}"} if pause else {})
    # With a pause it takes as long as there are clients, those included whom the server should have forgotten.
    return await stage.request("POST", PATH, params=params, within=_LONGEST * pause if pause else None)


async def _announce(stage: Stage, text: str, *, pause: float = 0.0) -> Reply:
    """Have the server send `text` to everybody.

    Raises:
        Failure: the request was not accepted.
    """
    return await _accepted(stage, await _post(stage, text, pause))


async def _accepted(stage: Stage, reply: Reply | None) -> Reply:
    if reply is None:
        raise await stage.silence(None)
    if _no_route(reply):
        raise Failure(NO_ROUTE, _REPLIED, status=reply.status, body=reply.text[:80])
    if not reply.ok:
        errors = [one for one in await stage.raised() if not one.warning]
        error = errors[-1] if errors else reply.status
        raise Failure(RAISES, _REPLIED, status=reply.status, body=reply.text[:80], error=error)
    return reply


def _sent(reply: Reply) -> int:
    """The number in a reply.

    Raises:
        Failure: there is none.
    """
    found = reply.json.get("sent") if isinstance(reply.json, dict) else None
    if isinstance(found, bool) or not isinstance(found, int):
        blank = reply.body == b"null"
        raise Failure(NOTHING_YET if blank else NO_NUMBER, _REPLIED, status=reply.status, body=reply.text[:80] or "–")
    return found


async def _hear(stage: Stage, clients: Sequence[Client], text: str) -> dict[str, list[Message]]:
    """What each client heard of `text`, once all have heard it or patience has ended."""

    def look() -> bool | None:
        return all(any(text in one.text for one in client.messages) for client in clients) or None

    await stage.until(look)
    await stage.pause()
    return {client.who: [one for one in client.messages if text in one.text] for client in clients}


def _who_heard(text: str, got: dict[str, list[Message]]) -> Text:
    return filled(_WHO_HEARD, message=quoted(text), heard=", ".join(f"{who} {len(all_)}×" for who, all_ in got.items()))


# Each once


async def each(stage: Stage) -> Text:
    """Everybody who is connected gets the message behind `SUNUCU: `, once."""
    clients = await _guests(stage, "ABC")
    text = stage.unique("Çay hazır")
    reply = await _announce(stage, text)
    got = await _hear(stage, clients, text)
    if not any(got.values()) and reply.body == b"null":
        raise Failure(NOTHING_YET, _who_heard(text, got))
    if not all(got.values()):
        raise Failure(NOT_HEARD, _who_heard(text, got))
    if any(len(all_) > 1 for all_ in got.values()):
        raise Failure(HEARS_TWICE, _who_heard(text, got))
    for (message,) in got.values():
        if message.data != SERVER + text:
            raise Failure(WRONG_TEXT, expected=quoted(SERVER + text), came=message)
    return filled(_HEARD_ALL, message=quoted(SERVER + text), names=", ".join(got))


# The warm-up

ONLY_THE_FIRST = Misconception(
    "only-the-first",
    Text(
        en="One heard it and the loop was over: the `return` stands inside it.",
        tr="Biri duydu, döngü bitti: `return` döngünün içinde duruyor.",
    ),
    Text(
        en="Move the `return` to the left, so that it runs once the loop has ended.",
        tr="`return` satırını sola alın; döngü bittikten sonra çalışsın.",
    ),
)


async def warm_up(stage: Stage) -> Text:
    """Everybody hears the mended server."""
    clients = await _guests(stage, "ABC")
    text = stage.unique("Çay hazır")
    await _announce(stage, text)
    got = await _hear(stage, clients, text)
    if not all(got.values()):
        raise Failure(ONLY_THE_FIRST if any(got.values()) else NOT_HEARD, _who_heard(text, got))
    return filled(_HEARD_ALL, message=quoted(text), names=", ".join(got))


# Nobody there

NOBODY_IS_AN_ERROR = Misconception(
    "nobody-is-an-error",
    Text(
        en="Nobody is connected, and the request failed ({status}). A broadcast to nobody has reached everybody there "
        "is.",
        tr="Kimse bağlı değil ve istek başarısız oldu ({status}). Kimse yokken yapılan yayın, var olan herkese "
        "ulaşmıştır.",
    ),
    Text(
        en='Let the loop run zero times and answer `{{"sent": 0}}`; which line does not work without a client?',
        tr='Döngü sıfır kez dönsün, yanıt `{{"sent": 0}}` olsun; hangi satır istemci olmadan çalışmıyor?',
    ),
)
GHOSTS_COUNTED = Misconception(
    "ghosts-counted",
    Text(
        en="Nobody is connected, and {sent} are counted: somebody who left is still in the list and in the sum.",
        tr="Kimse bağlı değil, sayı ise {sent}: ayrılmış biri hâlâ listede ve toplamda.",
    ),
    Text(
        en="Count each `send_text` that succeeded, and take whoever leaves off the list in the `finally`.",
        tr="Başarılı olan her `send_text` çağrısını sayın; ayrılanı `finally` içinde listeden çıkarın.",
    ),
)
_NOBODY = Text(
    en="Nobody was connected: {status} {body}, and the server raised nothing.",
    tr="Kimse bağlı değildi: {status} {body}; sunucu da istisna fırlatmadı.",
)


def _no_route(reply: Reply) -> bool:
    """Whether nothing takes the request there: a redirect (`/broadcast/`) leads elsewhere, and is not followed."""
    return reply.status in (404, 405, 422) or 300 <= reply.status < 400


async def none(stage: Stage) -> Text:
    """With nobody there the answer is accepted, and 0."""
    text = stage.unique("Kimse var mı?")
    tries = 10  # clients of an earlier check may still be on their way out
    while True:
        reply = await _post(stage, text)
        missing = reply is not None and _no_route(reply) and (reply.status != 404 or reply.json == _NOT_FOUND)
        if reply is not None and not reply.ok and not missing:
            raise Failure(NOBODY_IS_AN_ERROR, _REPLIED, status=reply.status, body=reply.text[:80])
        reply = await _accepted(stage, reply)
        sent = _sent(reply)
        if sent < 0:
            raise Failure(general.UNFORESEEN, _REPLIED, status=reply.status, body=reply.text)
        if sent == 0:
            return filled(_NOBODY, status=reply.status, body=reply.text)
        tries -= 1
        if not tries:
            raise Failure(GHOSTS_COUNTED, _REPLIED, status=reply.status, body=reply.text, sent=sent)
        await stage.pause()


# Coming back

DUPLICATE_AFTER_RECONNECT = Misconception(
    "duplicates-after-reconnect",
    Text(
        en="The guest came back under the same name before its old connection was gone, and is now in the list twice.",
        tr="Konuk, eski bağlantısı daha bitmeden aynı adla geri geldi; şimdi listede iki kez var.",
    ),
    Text(
        en="Keep the connections by name: a dictionary has one place for each, and the new connection takes it.",
        tr="Bağlantıları adlarıyla tutun: sözlükte her ada tek yer vardır, oraya yeni bağlantı geçer.",
    ),
)
TALKS_TO_THE_OLD = Misconception(
    "talks-to-the-old-one",
    Text(
        en="The guest came back, and the message went to the connection that it had left behind.",
        tr="Konuk geri geldi, ama mesaj arkasında bıraktığı bağlantıya gitti.",
    ),
    Text(
        en="Whoever comes last under a name is the guest: let the new connection take the old one's place.",
        tr="Bir adla en son gelen konuktur: yeni bağlantı eskisinin yerine geçsin.",
    ),
)
FORGOTTEN_AFTER_RECONNECT = Misconception(
    "forgotten-after-reconnect",
    Text(
        en="When the old connection ended at last, its `finally` took the new one off the list: both have the "
        "same name.",
        tr="Eski bağlantı sonunda bitince `finally` bloğu listeden yenisini çıkardı: ikisinin adı aynı.",
    ),
    Text(
        en="Before you remove, look whether the place is still yours: `if clients.get(name) is websocket`.",
        tr="Çıkarmadan önce yer hâlâ sizin mi diye bakın: `if clients.get(name) is websocket`.",
    ),
)
_CAME_BACK = Text(
    en="A came back before its old connection was gone: it heard each message once, before and after the old one "
    "ended.",
    tr="A, eski bağlantısı bitmeden geri geldi: her mesajı, eskisi bitmeden önce de sonra da, bir kez duydu.",
)


async def reconnect(stage: Stage) -> Text:
    """A guest that comes back under its name hears each message once, on the new connection."""
    door = _door()
    old = await stage.connect("A", door)
    new = await stage.connect("A′", door)
    text = stage.unique("Yine mi geldiniz?")
    await _announce(stage, text)
    got = await _hear(stage, (new,), text) | {"A": [one for one in old.messages if text in one.text]}
    if got["A"] and got["A′"]:
        raise Failure(DUPLICATE_AFTER_RECONNECT, _who_heard(text, got))
    if len(got["A′"]) > 1:
        raise Failure(DUPLICATE_AFTER_RECONNECT, _who_heard(text, got))
    if not got["A′"]:
        raise Failure(TALKS_TO_THE_OLD if got["A"] else NOT_HEARD, _who_heard(text, got))
    if old.open:
        await old.close()
    # The goodbye is answered by the protocol, before the handler has tidied up; an echo behind it comes after that.
    await stage.pause()
    await _echo(stage, new)
    text = stage.unique("Hâlâ burada mısınız?")
    await _announce(stage, text)
    got = await _hear(stage, (new,), text)
    if not got["A′"]:
        raise Failure(FORGOTTEN_AFTER_RECONNECT, _who_heard(text, got))
    return _CAME_BACK


# Meanwhile

TIME_SLEEP = Misconception(
    "time-sleep",
    Text(
        en="While the broadcast paused nobody else was served: the pause holds the event loop.",
        tr="Yayın beklerken başka kimseye hizmet verilmedi: bekleyiş, olay döngüsünü tutuyor.",
    ),
    Text(
        en="`time.sleep()` stops the thread; `await asyncio.sleep()` only this function.",
        tr="`time.sleep()` iş parçacığını durdurur; `await asyncio.sleep()` yalnızca bu fonksiyonu.",
    ),
)
NO_PAUSE = Misconception(
    "no-pause",
    Text(
        en="The broadcast was over before one pause could have passed: nothing waited.",
        tr="Yayın, tek bir bekleyişe bile yetmeyecek sürede bitti: bekleyen olmadı.",
    ),
    Text(
        en="After each send: `await asyncio.sleep(pause)`. Is `await` there?",
        tr="Her gönderimden sonra: `await asyncio.sleep(pause)`. `await` yerinde mi?",
    ),
)
_HELD_UP = Text(
    en="An echo that takes {idle} otherwise took {took} during the broadcast, each of {count} times.",
    tr="Normalde {idle} süren bir yankı, yayın sırasında {took} sürdü; {count} denemenin hepsinde böyleydi.",
)
_TOO_QUICK = Text(
    en="With {count} guests and a pause of {pause} the broadcast was over after {took}.",
    tr="{count} konuk ve {pause} bekleyişle yayın {took} içinde bitti.",
)
WALKS_THE_LIVE_LIST = Misconception(
    "walks-the-live-list",
    Text(
        en="One guest left during the pause, and another one paid for it: the loop walks a list that is changed under "
        "its "
        "feet.",
        tr="Bekleyiş sırasında bir konuk ayrıldı, bedelini bir başkası ödedi: döngü, altından değişen bir listede "
        "yürüyor.",
    ),
    Text(
        en="Walk a copy: `list(…)` around what you iterate over.",
        tr="Bir kopya üzerinde yürüyün: üzerinde dolaştığınız şeyi `list(…)` içine alın.",
    ),
)
_MEANWHILE = Text(
    en="During a broadcast of {total} an echo took {took}; one guest left in the middle, and the others all heard it.",
    tr="{total} süren yayın sırasında bir yankı {took} sürdü; ortasında bir konuk ayrıldı, ötekilerin hepsi duydu.",
)
_MILLISECONDS = Text(en="{ms:.1f} ms", tr="{ms:.1f} ms")
_ATTEMPTS = 3
_LONGEST = 25  # pauses


def _shown(duration: float) -> Text:
    return filled(_MILLISECONDS, ms=1000 * duration)


async def meanwhile(stage: Stage) -> Text:
    """A broadcast that takes its time holds up nobody, and who leaves during it costs nobody the message."""
    clients = await _guests(stage, "ABCD")
    pause = max(0.2, 2 * stage.patience.grace)
    idle = await _echo(stage, clients[-1])
    for _ in range(_ATTEMPTS):  # one hiccup of the machine is not a blocked loop; that would be there each time
        begun = stage.clock()
        async with _broadcasting(stage, clients, pause) as (posted, first, _text):
            took = await _echo(stage, next(client for client in clients if client is not first))
            await _accepted(stage, await posted)
        total = stage.clock() - begun
        if total < pause:
            raise Failure(NO_PAUSE, _TOO_QUICK, pause=_shown(pause), took=_shown(total), count=len(clients))
        if took < 1.5 * pause:
            break
    else:
        raise Failure(TIME_SLEEP, _HELD_UP, idle=_shown(idle), took=_shown(took), count=_ATTEMPTS)
    async with _broadcasting(stage, clients, pause) as (posted, first, text):
        await first.close()
        reply = await posted
    got = await _hear(stage, [client for client in clients if client is not first], text)
    if not all(got.values()) or (reply is not None and reply.status == 500):
        raise Failure(WALKS_THE_LIVE_LIST, _who_heard(text, got))
    await _accepted(stage, reply)
    return filled(_MEANWHILE, total=_shown(total), took=_shown(took))


@contextlib.asynccontextmanager
async def _broadcasting(
    stage: Stage, clients: Sequence[Client], pause: float
) -> AsyncIterator[tuple[asyncio.Task[Reply | None], Client, str]]:
    """A broadcast that has reached its first client and goes on: the request, that client, the message.

    Raises:
        Failure: it reached nobody.
    """
    text = stage.unique("Ağır ağır")
    posted = asyncio.create_task(_post(stage, text, pause))
    posted.add_done_callback(lambda _: stage.ring())

    def look() -> Client | None:
        return next((one for one in clients if any(text in message.text for message in one.messages)), None)

    try:
        # Until somebody has heard, or the request is done: those whom the server should have forgotten come first in
        # its list, and each of them takes a pause.
        await stage.until(lambda: look() or posted.done() or None, _LONGEST * pause)
        first = await stage.until(look, stage.patience.grace)
        if first is None:
            reply = await _accepted(stage, await posted)
            got: dict[str, list[Message]] = {client.who: [] for client in clients}
            raise Failure(NOTHING_YET if reply.body == b"null" else NOT_HEARD, _who_heard(text, got))
        yield posted, first, text
    finally:
        if not posted.done():
            posted.cancel()
            await asyncio.wait({posted}, timeout=stage.patience.grace)


async def _echo(stage: Stage, client: Client) -> float:
    """How long an answer to this client takes, in seconds.

    Raises:
        Failure: none comes.
    """
    text = stage.unique("?")
    begun = stage.clock()
    await client.send(text)
    came = await client.next(lambda message: text in message.text and not is_by_server(message))
    if came is None:
        raise await stage.silence(client)
    return came.at - begun


# One of them dead

COUNTS_THE_LIST = Misconception(
    "counts-the-list",
    Text(
        en="{sent} were counted, and it could be sent to {there} only: the number is the list's length, or counts "
        "what was "
        "tried.",
        tr="Sayılan {sent}, gönderilebilen ise yalnızca {there}: sayı ya listenin uzunluğu ya da denenenlerin toplamı.",
    ),
    Text(
        en="Start at 0 and add 1 behind the `send_text`, inside the `try`: there only what succeeded comes by.",
        tr="0'dan başlayın ve `try` içinde, `send_text` satırının altında 1 ekleyin: oraya yalnızca başarılı olan "
        "uğrar.",
    ),
)
COUNTS_TOO_FEW = Misconception(
    "counts-too-few",
    Text(
        en="{there} got the message, and the reply says {sent}.",
        tr="Mesajı {there} istemci aldı, yanıt ise {sent} diyor.",
    ),
    Text(
        en="Add 1 for each `send_text` that succeeded, and return after the loop.",
        tr="Başarılı olan her `send_text` için 1 ekleyin, döngüden sonra döndürün.",
    ),
)
STOPS_AT_THE_DEAD = Misconception(
    "stops-at-the-dead",
    Text(
        en="One client was dead, and those behind it in the list heard nothing: the exception ended the whole loop.",
        tr="Bir istemci ölüydü; listede ardında olanlar bir şey duymadı: istisna bütün döngüyü bitirdi.",
    ),
    Text(
        en="Put the `try` inside the loop, around the one `send_text`.",
        tr="`try` bloğunu döngünün içine, tek bir `send_text` çağrısının çevresine alın.",
    ),
)
ONLY_THE_FIRST_TIME = Misconception(
    "only-the-first-time",
    Text(
        en="The first send to a dead client raises `WebSocketDisconnect`, each one after it a `RuntimeError`, and "
        "this one "
        "was not caught.",
        tr="Ölü bir istemciye ilk gönderim `WebSocketDisconnect`, sonrakilerin her biri `RuntimeError` fırlatır; bu "
        "ikincisi yakalanmadı.",
    ),
    Text(
        en="Catch both: `except (WebSocketDisconnect, RuntimeError):`",
        tr="İkisini de yakalayın: `except (WebSocketDisconnect, RuntimeError):`",
    ),
)
DEAD_FIRST = Misconception(
    "dead-first",
    Text(
        en="With a dead client in the list not even those who live hear the message, so there is no number to judge.",
        tr="Listede ölü bir istemci varken yaşayanlar bile mesajı duymuyor; değerlendirilecek bir sayı yok.",
    ),
    Text(en="First bring the check `{needs}` to pass.", tr="Önce `{needs}` sınamasını geçin."),
)
_COUNTED = Text(
    en="Two were there, a third was dead and not yet off the list: {body}.",
    tr="İkisi oradaydı, üçüncüsü ölüydü, ama daha listeden çıkmamıştı: {body}.",
)
_DEAD = Text(
    en="The first in the list was dead. {names} heard both messages.",
    tr="Listenin ilki ölüydü. {names} iki mesajı da duydu.",
)


async def _dies_at_work(stage: Stage, client: Client) -> None:
    # The handler is busy with the report, so nobody takes the connection off the list.
    await client.send(REPORT)
    await stage.pause()
    await client.reset()
    await stage.pause()


async def count(stage: Stage) -> Text:
    """The number in the reply is that of the clients it could be sent to."""
    alice, bob, carol = await _guests(stage, "ABC")
    await _dies_at_work(stage, carol)
    text = stage.unique("Kaç kişiyiz?")
    reply = await _post(stage, text)
    if reply is not None and reply.status == 500:
        raise Waits("dead", DEAD_FIRST, _REPLIED, status=reply.status, body=reply.text[:80])
    reply = await _accepted(stage, reply)
    sent = _sent(reply)
    got = await _hear(stage, (alice, bob), text)
    if not all(got.values()):
        raise Waits("dead", DEAD_FIRST, _who_heard(text, got))
    there = len(got)
    if sent > there:
        raise Failure(COUNTS_THE_LIST, _REPLIED, status=reply.status, body=reply.text, sent=sent, there=there)
    if sent < there:
        raise Failure(COUNTS_TOO_FEW, _REPLIED, status=reply.status, body=reply.text, sent=sent, there=there)
    return filled(_COUNTED, body=reply.text)


async def dead(stage: Stage) -> Text:
    """Those behind a dead client in the list hear the message, the first time and the second."""
    alice, bob, carol = await _guests(stage, "ABC")
    await _dies_at_work(stage, alice)
    for time in (1, 2):
        text = stage.unique("Herkes iyi mi?")
        reply = await _post(stage, text)
        if reply is None or _no_route(reply):
            await _accepted(stage, reply)
        assert reply is not None
        got = await _hear(stage, (bob, carol), text)
        if all(got.values()) and reply.ok:
            continue
        if reply.body == b"null" and not any(got.values()):
            raise Failure(NOTHING_YET, _who_heard(text, got))
        raise Failure(STOPS_AT_THE_DEAD if time == 1 else ONLY_THE_FIRST_TIME, _who_heard(text, got))
    return filled(_DEAD, names="B, C")


_LOOP = Hint(
    Text(
        en="One turn of the loop is one client; what may fail stands in a `try` inside that turn.",
        tr="Döngünün bir turu bir istemcidir; başarısız olabilecek şey o turun içindeki bir `try` bloğunda durur.",
    )
)

LAB = Lab(
    "L4-server-speaks",
    Text(en="The server speaks", tr="Sunucu konuşuyor"),
    (
        Check(
            "warmup",
            Text(en="Mended by moving one line", tr="Tek satır kaydırılarak onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="Who heard it? Compare with the order in which they came.",
                        tr="Kim duydu? Geliş sıralarıyla karşılaştırın.",
                    )
                ),
                Hint(
                    Text(
                        en="What is indented below `for` runs in each turn, and `return` ends the function in the "
                        "first.",
                        tr="`for` altında girintili olan her turda çalışır; `return` ise fonksiyonu ilk turda bitirir.",
                    )
                ),
                Hint(
                    Text(en="The shape of the function:", tr="Fonksiyonun biçimi:"),
                    'for guest in list(guests):\n    await guest.send_text(message)\n………… {"status": "sent"}',
                ),
            ),
            (*REPLY_FAULTS, ONLY_THE_FIRST, NOT_HEARD),
            app="hall",
        ),
        Check(
            "each",
            Text(en="Each guest hears it once", tr="Her konuk bir kez duyuyor"),
            2,
            each,
            (
                Hint(
                    Text(
                        en="Who heard it, and how often? What exactly arrived?",
                        tr="Kim, kaç kez duydu? Tam olarak ne ulaştı?",
                    )
                ),
                Hint(
                    Text(
                        en="Go through a copy of the connections and `await` one `send_text` in each turn.",
                        tr="Bağlantıların bir kopyasında dolaşın ve her turda bir `send_text` çağrısını `await` "
                        "ile bekleyin.",
                    )
                ),
                Hint(
                    Text(en="The loop:", tr="Döngü:"),
                    'for client in list(…………):\n    await client.send_text(f"SUNUCU: {……}")',
                ),
            ),
            (*REPLY_FAULTS, NOT_HEARD, HEARS_TWICE, WRONG_TEXT),
        ),
        Check(
            "none",
            Text(en="Nobody there: 0, and no error", tr="Kimse yok: 0, hata da yok"),
            2,
            none,
            (
                Hint(
                    Text(
                        en="What does the reply say when nobody is connected?",
                        tr="Kimse bağlı değilken yanıt ne diyor?",
                    )
                ),
                Hint(
                    Text(
                        en="A loop over nothing runs zero times; give the number its 0 before the loop.",
                        tr="Boş bir liste üzerinde döngü sıfır kez döner; sayıya 0 değerini döngüden önce verin.",
                    )
                ),
                Hint(
                    Text(en="Around the loop:", tr="Döngünün çevresinde:"),
                    'sent = ……\nfor client in …………:\n    …………\nreturn {"sent": ……}',
                ),
            ),
            (*REPLY_FAULTS, NO_NUMBER, NOBODY_IS_AN_ERROR, GHOSTS_COUNTED),
        ),
        Check(
            "reconnect",
            Text(en="Whoever comes back hears it once", tr="Geri gelen bir kez duyuyor"),
            2,
            reconnect,
            (
                Hint(
                    Text(
                        en="A and A′ are one guest with two connections. Which of them heard what?",
                        tr="A ile A′, iki bağlantısı olan tek bir konuk. Hangisi neyi duydu?",
                    )
                ),
                Hint(
                    Text(
                        en="A dictionary from name to connection has one place for a name. Whoever leaves frees the "
                        "place "
                        "only if it is still its own.",
                        tr="Addan bağlantıya giden bir sözlükte her ada tek yer vardır. Ayrılan, yeri ancak hâlâ "
                        "kendisininse boşaltır.",
                    )
                ),
                Hint(
                    Text(en="In the handler:", tr="İşleyicide:"),
                    "clients[name] = …………\ntry:\n    …………\nfinally:\n    if clients.get(name) is …………:\n        del "
                    "…………",
                ),
            ),
            (
                *REPLY_FAULTS,
                DUPLICATE_AFTER_RECONNECT,
                TALKS_TO_THE_OLD,
                FORGOTTEN_AFTER_RECONNECT,
                NOT_HEARD,
            ),
        ),
        Check(
            "meanwhile",
            Text(en="A slow broadcast holds up nobody", tr="Yavaş yayın kimseyi bekletmiyor"),
            2,
            meanwhile,
            (
                Hint(
                    Text(
                        en="How long did the echo take, and the whole broadcast? Who missed the message after "
                        "somebody left?",
                        tr="Yankı ne kadar sürdü, yayının tamamı ne kadar? Biri ayrıldıktan sonra mesajı kim kaçırdı?",
                    )
                ),
                Hint(
                    Text(
                        en="Wait with `await asyncio.sleep(pause)`, and remember that during an `await` anybody may "
                        "leave "
                        "the list.",
                        tr="`await asyncio.sleep(pause)` ile bekleyin; bir `await` sırasında herkesin listeden "
                        "çıkabileceğini unutmayın.",
                    )
                ),
                Hint(
                    Text(en="The loop with its pause:", tr="Bekleyişiyle döngü:"),
                    "for client in ……(…………):\n    …………\n    await …………(pause)",
                ),
            ),
            (*REPLY_FAULTS, NOT_HEARD, TIME_SLEEP, NO_PAUSE, WALKS_THE_LIVE_LIST),
        ),
        Check(
            "dead",
            Text(en="One is dead, the others hear it", tr="Biri ölü, ötekiler duyuyor"),
            2,
            dead,
            (
                Hint(
                    Text(
                        en="Who heard the first message, who the second? And what did the server raise?",
                        tr="İlk mesajı kim duydu, ikincisini kim? Sunucu ne fırlattı?",
                    )
                ),
                _LOOP,
                Hint(
                    Text(en="One `try` for each client:", tr="Her istemciye bir `try`:"),
                    "for client in list(…………):\n    ……:\n        await client.send_text(…………)\n"
                    "    except (WebSocketDisconnect, …………):\n        pass",
                ),
            ),
            (NO_ROUTE, NOTHING_YET, STOPS_AT_THE_DEAD, ONLY_THE_FIRST_TIME),
        ),
        Check(
            "count",
            Text(en="The reply says how many it reached", tr="Yanıt kaç kişiye gönderildiğini söylüyor"),
            2,
            count,
            (
                Hint(
                    Text(
                        en="Compare the number with who was there: two, and one whose connection was dead.",
                        tr="Sayıyı orada olanlarla karşılaştırın: iki kişi, bir de bağlantısı ölü olan.",
                    )
                ),
                Hint(
                    Text(
                        en="Count what happened, not what is in the list: add 1 in the line below `send_text`, which "
                        "an "
                        "exception leaves out.",
                        tr="Listede olanı değil, olup biteni sayın: `send_text` altındaki satırda 1 ekleyin; istisna o "
                        "satırı atlar.",
                    )
                ),
                Hint(
                    Text(en="Inside the loop:", tr="Döngünün içinde:"),
                    "try:\n    await client.send_text(…………)\n    …………\nexcept …………:\n    pass",
                ),
            ),
            (*REPLY_FAULTS, NO_NUMBER, COUNTS_THE_LIST, COUNTS_TOO_FEW, DEAD_FIRST),
        ),
    ),
)
