"""L3, codes and the door: who may come in, and what a connection is told when the server ends it."""

from __future__ import annotations

from wslab.labs import general
from wslab.labs.document import ECHO, is_answer
from wslab.labs.failure import Failure
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.stage import Client, End, Refusal, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

TOKEN = "ihlamur"
INSIDE = f"/ws?token={TOKEN}"
WRONG_DOORS = (
    "/ws",
    "/ws?token=",
    "/ws?token=kahve",
    f"/ws?token={TOKEN}2",
    f"/ws?token={TOKEN[:3]}",
    f"/ws?token={TOKEN[3:]}",
)
LONGEST_REASON = 123
"""Bytes: a control frame holds 125, and the code takes two (RFC 6455 §5.5, §5.5.1)."""

ENDS_WITHOUT_CLOSE = Misconception(
    "ends-without-a-close",
    Text(
        en="No close frame came, so the client noted 1006: the handler returned or raised without having closed.",
        tr="Kapatma çerçevesi gelmedi, istemci bu yüzden 1006 not etti: işleyici kapatmadan döndü ya da istisna "
        "fırlattı.",
    ),
    Text(
        en="Say it before the handler ends: `await websocket.close({code})`.",
        tr="İşleyici bitmeden söyleyin: `await websocket.close({code})`.",
    ),
)
STAYS_OPEN = Misconception(
    "stays-open",
    Text(
        en="The connection is still open: the handler took it for a message like any other, or ignored it.",
        tr="Bağlantı hâlâ açık: işleyici bunu sıradan bir mesaj saydı ya da görmezden geldi.",
    ),
    Text(
        en="Recognise it before the line that echoes, and close with {code}.",
        tr="Onu, yankıyı gönderen satırdan önce tanıyın ve {code} ile kapatın.",
    ),
)
WRONG_CODE = Misconception(
    "wrong-code",
    Text(
        en="The server closed with {came}; for this case the code is {code}.",
        tr="Sunucu {came} ile kapattı; bu durumun kodu {code}.",
    ),
    Text(
        en="Give `close()` the code: `await websocket.close({code}, …)`. Without one it says 1000.",
        tr="`close()` çağrısına kodu verin: `await websocket.close({code}, …)`. Kod verilmezse 1000 der.",
    ),
)
_ENDED = Text(en="After {said} the connection ended with {end}.", tr="{said} üzerine bağlantı {end} ile bitti.")
_AFTER = Text(
    en="After {said} nothing ended within {seconds:.1f} s.",
    tr="{said} üzerine {seconds:.1f} saniye içinde bir şey bitmedi.",
)


async def _ended_with(stage: Stage, client: Client, said: str | bytes, code: int) -> End:
    """Send `said` and return the end of the connection that the server answers with.

    Raises:
        Failure: it did not end, ended without a close frame (`ENDS_WITHOUT_CLOSE`), or with another code.
    """
    await client.send(said)
    end = await client.ended()
    shown = quoted(said)
    if end is None:
        failure = await stage.silence(client, STAYS_OPEN, code=code)
        seen = filled(_AFTER, said=shown, seconds=stage.patience.step)
        raise Failure(STAYS_OPEN, seen, code=code) if failure.misconception is STAYS_OPEN else failure
    if end.code == 1006:
        raise Failure(ENDS_WITHOUT_CLOSE, _ENDED, said=shown, end=end, code=code)
    if end.code != code:
        raise Failure(WRONG_CODE, _ENDED, said=shown, end=end, came=end.code, code=code)
    return end


# The warm-up

FORBIDDEN_CODE = Misconception(
    "forbidden-code",
    Text(
        en="1006 cannot be sent: `close(1006)` raised in the server, nothing was sent, and that is what the client "
        "noted as 1006.",
        tr="1006 gönderilemez: `close(1006)` sunucuda istisna fırlattı, hiçbir şey gönderilmedi; istemcinin 1006 diye "
        "not ettiği bu.",
    ),
    Text(
        en="Which code says that all went as planned? Change the one number.",
        tr="Her şeyin yolunda olduğunu hangi kod söyler? O tek sayıyı değiştirin.",
    ),
)
_GOODBYE = Text(en="The connection ended with {end}.", tr="Bağlantı {end} ile bitti.")


async def warm_up(stage: Stage) -> Text:
    """The mended handler says goodbye with 1000."""
    alice = await stage.connect("A")
    end = await alice.ended()
    if end is None:
        raise await stage.silence(alice, STAYS_OPEN, code=1000)
    if end.code == 1006:
        raise Failure(FORBIDDEN_CODE, _GOODBYE, end=end)
    if end.code != 1000:
        raise Failure(WRONG_CODE, _GOODBYE, end=end, came=end.code, code=1000)
    return filled(_GOODBYE, end=end)


# Coming in

NO_ECHO = Misconception(
    "no-echo-inside",
    Text(
        en="The right token opened the connection, but the message inside was not answered.",
        tr="Doğru jeton bağlantıyı açtı, ama içerideki mesaj yanıtlanmadı.",
    ),
    Text(
        en="After `accept()`: receive in a loop, and answer with `Mesajınız: ` and the message.",
        tr="`accept()` sonrasında: bir döngüde alın, `Mesajınız: ` ile mesajı gönderin.",
    ),
)
THROWN_OUT = Misconception(
    "thrown-out",
    Text(
        en="A client with the right token came in, and its connection ended without its doing anything wrong.",
        tr="Doğru jetonlu istemci içeri girdi, yanlış bir şey yapmadan bağlantısı bitti.",
    ),
    Text(
        en="Look at what follows `accept()`: is the whole of it in a `while True:`?",
        tr="`accept()` sonrasına bakın: hepsi bir `while True:` içinde mi?",
    ),
)
WRONG_ECHO = Misconception(
    "wrong-echo",
    Text(en="The answer is another one than in L1.", tr="Yanıt, L1'dekinden farklı."),
    Text(
        en="Answer with `Mesajınız: ` and the message, as text.",
        tr="`Mesajınız: ` ile mesajı, metin olarak gönderin.",
    ),
)
_INSIDE = Text(
    en="With the right token: 101, and {came} came back.", tr="Doğru jetonla: 101, ardından {came} geri geldi."
)


async def enter(stage: Stage) -> Text:
    """Whoever has the token comes in, and is answered."""
    alice = await stage.connect("A", INSIDE)
    text = stage.unique("Çay var mı?")
    await alice.send(text)
    came = await alice.next(is_answer)
    if came is None:
        raise await stage.silence(alice, NO_ECHO, ended=THROWN_OUT)
    if came.data != ECHO + text:
        raise Failure(WRONG_ECHO, expected=quoted(ECHO + text), came=came)
    return filled(_INSIDE, came=came)


# The door

LETS_IN = Misconception(
    "lets-anybody-in",
    Text(
        en="Somebody without the right token got 101 and is inside.",
        tr="Doğru jetonu olmayan biri 101 aldı, içeride.",
    ),
    Text(
        en="Compare the whole token, `token != TOKEN`, before anything else happens.",
        tr="Başka bir şey yapmadan önce jetonun tamamını karşılaştırın: `token != TOKEN`.",
    ),
)
ACCEPTS_THEN_CLOSES = Misconception(
    "accepts-then-closes",
    Text(
        en="The door was opened (101) and only then shut ({end}): the stranger was connected, and a page's `onopen` "
        "ran.",
        tr="Kapı önce açıldı (101), sonra kapatıldı ({end}): yabancı bağlanmış oldu, sayfasında `onopen` çalıştı.",
    ),
    Text(
        en="Close before `accept()`; then the answer to the handshake is 403.",
        tr="`accept()` çağrısından önce kapatın; el sıkışmanın yanıtı o zaman 403 olur.",
    ),
)
NOT_403 = Misconception(
    "not-403",
    Text(
        en="The stranger stayed outside, but was told of a fault in the server ({status}), not of a refusal: the "
        "handler returned or raised without having refused.",
        tr="Yabancı dışarıda kaldı, ama ona ret değil, sunucuda bir hata ({status}) bildirildi: işleyici reddetmeden "
        "döndü ya da istisna fırlattı.",
    ),
    Text(
        en="`await websocket.close()` before `accept()`, and then `return`.",
        tr="`accept()` öncesinde `await websocket.close()`, ardından `return`.",
    ),
)
HTTP_EXCEPTION = Misconception(
    "http-exception",
    Text(
        en="The stranger got {status} as from an HTTP endpoint (an `HTTPException`?), and uvicorn reports each of "
        "them as "
        "a fault: the handshake was never completed.",
        tr="Yabancı, bir HTTP uç noktasından alır gibi {status} aldı (`HTTPException`?); uvicorn da her birini hata "
        "olarak "
        "bildiriyor: el sıkışma tamamlanmadı.",
    ),
    Text(
        en="A WebSocket is refused by `await websocket.close()` before `accept()`, or by `raise "
        "WebSocketException(1008)`.",
        tr="Bir WebSocket, `accept()` öncesinde `await websocket.close()` ile ya da `raise WebSocketException(1008)` "
        "ile "
        "reddedilir.",
    ),
)
NO_ANSWER_AT_DOOR = Misconception(
    "no-answer-at-the-door",
    Text(
        en="The stranger got no answer at all, so it waits at the door until its own patience ends.",
        tr="Yabancıya hiç yanıt verilmedi; kendi sabrı tükenene kadar kapıda bekler.",
    ),
    Text(
        en="Refuse: `await websocket.close()` before `accept()`.",
        tr="Reddedin: `accept()` öncesinde `await websocket.close()`.",
    ),
)
_KNOCKED = Text(en="GET {path} was answered with {status}.", tr="GET {path} isteğinin yanıtı {status} oldu.")
_REFUSED = Text(
    en="{count} strangers knocked, without a token or with a wrong one: each got 403.",
    tr="{count} yabancı jetonsuz ya da yanlış jetonla kapıyı çaldı: her biri 403 aldı.",
)


async def refuse(stage: Stage) -> Text:
    """Whoever lacks the token gets 403 and no 101, and whoever has it comes in."""
    await stage.connect("A", INSIDE)
    with_a_body = False
    for path in WRONG_DOORS:
        found = await stage.knock("?", path)
        if isinstance(found, Refusal):
            with_a_body = with_a_body or bool(found.body)
            if found.status is None:
                raise Failure(NO_ANSWER_AT_DOOR, _KNOCKED, path=path, status="–")
            if found.status != 403:
                fault = NOT_403 if found.status == 500 else HTTP_EXCEPTION
                raise Failure(fault, _KNOCKED, path=path, status=found.status)
            continue
        end = await found.ended(within=stage.patience.step)
        if end is None:
            raise Failure(LETS_IN, _KNOCKED, path=path, status=101)
        raise Failure(ACCEPTS_THEN_CLOSES, _KNOCKED, path=path, status=101, end=end)
    # A close before accept() becomes a 403 without a body (ASGI, WebSocket close), a response of one's own brings one.
    if with_a_body or any("without completing handshake" in one.text for one in await stage.raised()):
        raise Failure(HTTP_EXCEPTION, _KNOCKED, path=path, status=403).earning(1)
    return filled(_REFUSED, count=len(WRONG_DOORS))


# bye


async def bye(stage: Stage) -> Text:
    """`bye` is answered with a close frame that says 1000."""
    alice = await stage.connect("A", INSIDE)
    end = await _ended_with(stage, alice, "bye", 1000)
    return filled(_ENDED, said=quoted("bye"), end=end)


# kick

NO_REASON = Misconception(
    "no-reason",
    Text(
        en="The code is right, but the close frame gave no reason.",
        tr="Kod doğru, ama kapatma çerçevesinde neden yok.",
    ),
    Text(
        en="The second argument of `close()` is the reason: what stands behind `kick `.",
        tr="`close()` çağrısının ikinci argümanı nedendir: `kick ` sözcüğünün ardındaki.",
    ),
)
WRONG_REASON = Misconception(
    "wrong-reason",
    Text(
        en="The code is right, but the reason is not the one that stood behind `kick `.",
        tr="Kod doğru, ama neden `kick ` sözcüğünün ardındaki değil.",
    ),
    Text(
        en='Cut the word off the front and keep the rest: `data.removeprefix("kick ")`.',
        tr='Öndeki sözcüğü atın, kalanı tutun: `data.removeprefix("kick ")`.',
    ),
)


async def kick(stage: Stage) -> Text:
    """`kick …` is answered with 1008 and the reason that was given."""
    alice = await stage.connect("A", INSIDE)
    reason = stage.unique("Kapı çalındı, özür dilenmedi")
    end = await _ended_with(stage, alice, f"kick {reason}", 1008)
    if end.reason != reason:
        fault = WRONG_REASON if end.reason else NO_REASON
        raise Failure(fault, expected=quoted(reason), came=quoted(end.reason))
    return filled(_ENDED, said=quoted("kick …"), end=end)


# A reason that is too long

REASON_TOO_LONG = Misconception(
    "reason-too-long",
    Text(
        en="A close frame has room for 123 bytes of reason. `close()` with a longer one raised, nothing was sent, and "
        "the client saw 1006.",
        tr="Bir kapatma çerçevesine 123 bayt neden sığar. Daha uzunuyla `close()` istisna fırlattı, hiçbir şey "
        "gönderilmedi, istemci 1006 gördü.",
    ),
    Text(
        en="Shorten the reason before you close: what counts is its length after `encode()`.",
        tr="Kapatmadan önce nedeni kısaltın: önemli olan, `encode()` sonrasındaki uzunluğu.",
    ),
)
COUNTS_LETTERS = Misconception(
    "counts-letters",
    Text(
        en="A long reason without Turkish letters fits now, one with them does not: 123 is in bytes, and ş, ğ, ı "
        "cost two.",
        tr="Türkçe harfsiz uzun bir neden artık sığıyor, Türkçe harflisi sığmıyor: 123 bayttır; ş, ğ, ı ikişer "
        "bayt tutar.",
    ),
    Text(
        en="Cut the bytes, not the letters: first `encode()`, then the slice.",
        tr="Harfleri değil baytları kesin: önce `encode()`, sonra dilim.",
    ),
)
CUTS_A_LETTER = Misconception(
    "cuts-a-letter",
    Text(
        en="The cut at 123 bytes went through the middle of a letter of two bytes, and half a letter cannot be "
        "decoded.",
        tr="123 baytlık kesim, iki baytlık bir harfin ortasından geçti; yarım harf çözülemez.",
    ),
    Text(
        en='Let the rest of that letter go: `decode(errors="ignore")`.',
        tr='O harfin kalanından vazgeçin: `decode(errors="ignore")`.',
    ),
)
_SHORTENED = Text(
    en="Of reasons of {long} and {longer} bytes, {short} and {shorter} arrived, with 1008.",
    tr="{long} ve {longer} baytlık nedenlerden {short} ve {shorter} bayt ulaştı, 1008 ile.",
)
PLAIN = "Neden uzun, sonu gelmez; okuyan da sonuna kadar okumaz. " * 3  # Turkish without a letter of two bytes
# One byte, then letters of two: byte 123 is the last of a letter, byte 124 too, so every cut is tried.
TURKISH = ("a" + "ş" * 100, "ğ" * 101)


async def reason(stage: Stage) -> Text:
    """A reason over 123 bytes is shortened, so that the client is told 1008 and its beginning."""
    plain = await _long(stage, "A", PLAIN, REASON_TOO_LONG)
    got = [await _long(stage, who, text, COUNTS_LETTERS) for who, text in zip("BC", TURKISH, strict=True)]
    return filled(
        _SHORTENED,
        long=_size(PLAIN),
        longer=_size(TURKISH[1]),
        short=_size(plain.reason),
        shorter=_size(got[1].reason),
    )


def _size(text: str) -> int:
    return len(text.encode())


async def _long(stage: Stage, who: str, text: str, fault: Misconception) -> End:
    client = await stage.connect(who, INSIDE)
    try:
        end = await _ended_with(stage, client, f"kick {text}", 1008)
    except Failure as failure:
        if failure.misconception is not ENDS_WITHOUT_CLOSE:
            raise
        names = [one.name for one in await stage.raised() if not one.warning]
        if "UnicodeDecodeError" in names:
            raise Failure(CUTS_A_LETTER, failure.observed) from None
        if "ProtocolError" in names:
            raise Failure(fault, failure.observed) from None
        raise
    if not end.reason:
        raise Failure(NO_REASON, _ENDED, said=quoted(f"kick {text}"), end=end)
    if not text.startswith(end.reason[:20]):
        raise Failure(WRONG_REASON, expected=quoted(text[:20]), came=quoted(end.reason))
    return end


# Binary

KEY_ERROR = Misconception(
    "key-error",
    Text(
        en="`receive_text()` met bytes and raised {error}; the handler ended without a close, and the client saw 1006.",
        tr="`receive_text()` baytla karşılaşıp {error} fırlattı; işleyici kapatmadan bitti, istemci 1006 gördü.",
    ),
    Text(
        en="Take `await websocket.receive()` and look whether its message has a `text`, or catch the `KeyError`; then "
        "close with 1003.",
        tr="`await websocket.receive()` ile alıp mesajda `text` var mı diye bakın ya da `KeyError` istisnasını "
        "yakalayın; sonra "
        "1003 ile kapatın.",
    ),
)
_BINARY = (b"\x00\xff\x10", "çay".encode())


async def binary(stage: Stage) -> Text:
    """Bytes are answered with 1003, whether or not they could be read as text."""
    for who, data in zip("AB", _BINARY, strict=True):
        client = await stage.connect(who, INSIDE)
        try:
            end = await _ended_with(stage, client, data, 1003)
        except Failure as failure:
            if failure.misconception is not ENDS_WITHOUT_CLOSE:
                raise
            for one in await stage.raised():
                if one.name in ("KeyError", "TypeError", "AttributeError", "UnicodeDecodeError"):
                    raise Failure(KEY_ERROR, failure.observed, error=one) from None
            raise
    return filled(_ENDED, said=quoted(_BINARY[0]), end=end)


# The server lives on

CLOSES_EVERYBODY = Misconception(
    "closes-everybody",
    Text(
        en="{who} did nothing wrong, and its connection ended together with somebody else's ({end}).",
        tr="{who} yanlış bir şey yapmadı, ama bağlantısı bir başkasınınkiyle birlikte bitti ({end}).",
    ),
    Text(
        en="Close the connection of the handler that met the message, `websocket`, and no other.",
        tr="Mesajı alan işleyicinin bağlantısını, yani `websocket` nesnesini kapatın; başkasını değil.",
    ),
)
GOES_ON_AFTER_CLOSE = Misconception(
    "goes-on-after-close",
    Text(
        en="After its own `close()` the handler went on: {error}. It speaks of `accept` or `send`, but the connection "
        "was over.",
        tr="İşleyici kendi `close()` çağrısından sonra devam etti: {error}. `accept` ya da `send` diyor, oysa bağlantı "
        "bitmişti.",
    ),
    Text(
        en="After `close()` comes `return`; nothing can be received or sent any more.",
        tr="`close()` çağrısının ardından `return` gelir; artık ne alınabilir ne gönderilebilir.",
    ),
)
_AFTER_CLOSE = ('Need to call "accept" first', "once a close message has been sent", "after sending 'websocket.close'")
"""What Starlette and uvicorn say to a handler that receives or sends after its own close."""

_RAISED = Text(en="The server raised {error}.", tr="Sunucu şunu fırlattı: {error}.")
_LIVES = Text(
    en="One was kicked, one said bye, one sent bytes, one was refused. {who} did not notice, and the next came in.",
    tr="Biri atıldı, biri vedalaştı, biri bayt gönderdi, biri kapıdan döndü. {who} hiçbirini fark etmedi; sıradaki de "
    "içeri girdi.",
)


async def alive(stage: Stage) -> Text:
    """Whoever stays is answered after others were ended, somebody new comes in, and no handler outlives its close."""
    alice = await stage.connect("A", INSIDE)
    for who, said in (("B", "kick kural dışı"), ("C", "bye"), ("D", b"\x00\xff")):
        client = await stage.connect(who, INSIDE)
        await client.send(said)
        await client.ended(within=stage.patience.step)
    await stage.knock("?", WRONG_DOORS[2])
    fred = await stage.connect("F", INSIDE)
    for client in (alice, fred):
        text = stage.unique("Hâlâ burada mıyız?")
        await client.send(text)
        came = await client.next(lambda message, text=text: text in message.text)  # type: ignore[misc]
        if came is None and client.end is not None:
            raise Failure(CLOSES_EVERYBODY, general.CONNECTION_ENDED, who=client.who, how=client.end, end=client.end)
        if came is None:
            raise await stage.silence(client, NO_ECHO)
    for one in await stage.raised():
        if any(sign in one.text for sign in _AFTER_CLOSE):
            raise Failure(GOES_ON_AFTER_CLOSE, _RAISED, error=one)
    return filled(_LIVES, who="A")


_ENDINGS = (ENDS_WITHOUT_CLOSE, STAYS_OPEN, WRONG_CODE)

LAB = Lab(
    "L3-codes",
    Text(en="Codes and the door", tr="Kodlar ve kapı"),
    (
        Check(
            "warmup",
            Text(en="Mended by changing one number", tr="Tek sayı değiştirilerek onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="Look at what the server raised, in the last line of the exchange.",
                        tr="Dökümün son satırında sunucunun ne fırlattığına bakın.",
                    )
                ),
                Hint(
                    Text(
                        en="1005 and 1006 are notes that a receiver makes for itself; no end may send them "
                        "(RFC 6455 §7.4.1).",
                        tr="1005 ile 1006, alanın kendine düştüğü notlardır; hiçbir taraf onları gönderemez "
                        "(RFC 6455 §7.4.1).",
                    )
                ),
                Hint(
                    Text(en="The code of a normal goodbye:", tr="Olağan bir vedanın kodu:"),
                    'await websocket.close(code=………, reason="görüşürüz")',
                ),
            ),
            (FORBIDDEN_CODE, STAYS_OPEN, WRONG_CODE),
            app="porch",
        ),
        Check(
            "enter",
            Text(en="Whoever has the token comes in", tr="Jetonu olan içeri giriyor"),
            2,
            enter,
            (
                Hint(
                    Text(
                        en="Was the answer to the handshake 101? Then, did the message come back?",
                        tr="El sıkışmanın yanıtı 101 mi? Öyleyse mesaj geri geldi mi?",
                    )
                ),
                Hint(
                    Text(
                        en="FastAPI puts `?token=…` into the argument `token`. The rest is the handler of L1: accept, "
                        "then receive and answer in a loop.",
                        tr="FastAPI, `?token=…` değerini `token` argümanına koyar. Gerisi L1'deki işleyici: kabul "
                        "edin, "
                        "sonra bir döngüde alıp yanıtlayın.",
                    )
                ),
                Hint(
                    Text(en="Inside, for those who may:", tr="Girebilenler için, içerisi:"),
                    "await websocket.accept()\nwhile True:\n    data = await …………\n"
                    '    await websocket.send_text(f"Mesajınız: {……}")',
                ),
            ),
            (NO_ECHO, THROWN_OUT, WRONG_ECHO),
        ),
        Check(
            "refuse",
            Text(en="Nobody else does: 403", tr="Başkası giremiyor: 403"),
            2,
            refuse,
            (
                Hint(
                    Text(
                        en="Which status did the stranger get? 101 means that the door was open, if only for a moment.",
                        tr="Yabancı hangi durum kodunu aldı? 101, kapının bir an için bile olsa açıldığını gösterir.",
                    )
                ),
                Hint(
                    Text(
                        en="A `close()` before `accept()` is a refusal: uvicorn answers 403, and code and reason are "
                        "lost.",
                        tr="`accept()` öncesindeki `close()` bir rettir: uvicorn 403 yanıtını verir, kod ile neden "
                        "kaybolur.",
                    )
                ),
                Hint(
                    Text(en="The first lines of the handler:", tr="İşleyicinin ilk satırları:"),
                    "if token …… TOKEN:\n    await websocket.…………\n    return\nawait websocket.accept()",
                ),
            ),
            (LETS_IN, ACCEPTS_THEN_CLOSES, NOT_403, HTTP_EXCEPTION, NO_ANSWER_AT_DOOR),
            needs="enter",
        ),
        Check(
            "bye",
            Text(en="`bye` ends with 1000", tr="`bye` 1000 ile bitiyor"),
            2,
            bye,
            (
                Hint(
                    Text(
                        en="With which code did the connection end? 1006 means that nobody said one.",
                        tr="Bağlantı hangi kodla bitti? 1006, kimsenin kod söylemediğini gösterir.",
                    )
                ),
                Hint(
                    Text(
                        en="Leaving the loop or returning is no goodbye; only `close()` sends the frame.",
                        tr="Döngüden çıkmak ya da `return` veda değildir; çerçeveyi yalnızca `close()` gönderir.",
                    )
                ),
                Hint(
                    Text(en="Before the echo:", tr="Yankıdan önce:"),
                    'if data == "bye":\n    await websocket.close(………)\n    …………',
                ),
            ),
            _ENDINGS,
            needs="enter",
        ),
        Check(
            "kick",
            Text(en="`kick` ends with 1008 and the reason", tr="`kick` 1008 ve nedenle bitiyor"),
            2,
            kick,
            (
                Hint(
                    Text(
                        en="Compare code and reason in the last line with the ones that the task asks for.",
                        tr="Son satırdaki kodla nedeni, görevde istenenlerle karşılaştırın.",
                    )
                ),
                Hint(
                    Text(
                        en="`close(code, reason)` takes both. The reason is what stands behind `kick `, as it came.",
                        tr="`close(code, reason)` ikisini de alır. Neden, `kick ` sözcüğünün ardında ne geldiyse odur.",
                    )
                ),
                Hint(
                    Text(en="Before the echo:", tr="Yankıdan önce:"),
                    'if data.startswith("kick "):\n    await websocket.close(………, data.removeprefix(………))\n    return',
                ),
            ),
            (*_ENDINGS, NO_REASON, WRONG_REASON),
            needs="enter",
        ),
        Check(
            "reason",
            Text(en="A long reason is shortened", tr="Uzun neden kısaltılıyor"),
            2,
            reason,
            (
                Hint(
                    Text(
                        en="What did the server raise? And which of the three reasons was it: the one without Turkish "
                        "letters, or one with them?",
                        tr="Sunucu ne fırlattı? Üç nedenden hangisiydi: Türkçe harfsiz olan mı, harfli olanlardan "
                        "biri mi?",
                    )
                ),
                Hint(
                    Text(
                        en="123 bytes fit. `encode()` makes bytes of a `str`, a slice cuts them, `decode()` makes "
                        "a "
                        "`str` again.",
                        tr="123 bayt sığar. `encode()` bir `str` değerinden bayt yapar, dilim onları keser, "
                        "`decode()` "
                        "yeniden `str` yapar.",
                    )
                ),
                Hint(
                    Text(en="In place of the reason:", tr="Nedenin yerine:"),
                    'reason.encode()[:………].decode(errors="……")',
                ),
            ),
            (*_ENDINGS, NO_REASON, WRONG_REASON, REASON_TOO_LONG, COUNTS_LETTERS, CUTS_A_LETTER),
            needs="enter",
        ),
        Check(
            "binary",
            Text(en="Bytes end with 1003", tr="Bayt 1003 ile bitiyor"),
            2,
            binary,
            (
                Hint(
                    Text(
                        en="Which code did the client see, and what did the server raise?",
                        tr="İstemci hangi kodu gördü, sunucu ne fırlattı?",
                    )
                ),
                Hint(
                    Text(
                        en="`receive()` gives the message as it came: a dictionary with `text` or with `bytes`, and "
                        "with "
                        "the type `websocket.disconnect` at the end.",
                        tr="`receive()` mesajı geldiği gibi verir: içinde `text` ya da `bytes` olan bir sözlük; "
                        "sonunda da türü "
                        "`websocket.disconnect` olan.",
                    )
                ),
                Hint(
                    Text(en="In place of `receive_text()`:", tr="`receive_text()` yerine:"),
                    "message = await websocket.receive()\n"
                    'if message["type"] == "websocket.disconnect":\n    return\ndata = message.get(………)\n'
                    "if data is None:\n    …………",
                ),
            ),
            (*_ENDINGS, KEY_ERROR),
            needs="enter",
        ),
        Check(
            "alive",
            Text(en="The server lives on", tr="Sunucu yaşıyor"),
            2,
            alive,
            (
                Hint(
                    Text(
                        en="Whose connection ended that should not have, or what did the server raise?",
                        tr="Bitmemesi gereken kimin bağlantısı bitti ya da sunucu ne fırlattı?",
                    )
                ),
                Hint(
                    Text(
                        en="Each handler closes its own `websocket`, and what follows a `close()` is a `return`.",
                        tr="Her işleyici kendi `websocket` nesnesini kapatır; `close()` çağrısının ardından da "
                        "`return` gelir.",
                    )
                ),
                Hint(
                    Text(en="Every ending has two lines:", tr="Her bitişin iki satırı var:"),
                    "await websocket.close(…………)\n…………",
                ),
            ),
            (CLOSES_EVERYBODY, GOES_ON_AFTER_CLOSE, NO_ECHO),
            needs="enter",
        ),
    ),
)
