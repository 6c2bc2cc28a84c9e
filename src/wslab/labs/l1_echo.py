"""L1, echo and count: the document's first server, judged by what its clients receive."""

from __future__ import annotations

import json

from wslab.labs import general
from wslab.labs.document import (
    COUNT_FAULTS,
    ECHO,
    RELAY,
    blame_ghosts,
    count_becomes,
    counted,
    is_answer,
    is_relay,
    settled_count,
)
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.stage import Refusal, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

MESSAGES = 50
EARLY_LEAVERS = 3

# Accepting

ACCEPT_NOT_AWAITED = Misconception(
    "accept-not-awaited",
    Text(
        en="`websocket.accept()` only made a coroutine; without `await` not one line of it ran, and no 101 was sent.",
        tr="`websocket.accept()` yalnızca bir eşyordam oluşturdu; `await` olmadan tek satırı çalışmadı, 101 "
        "gönderilmedi.",
    ),
    Text(en="Write `await` in front of it.", tr="Önüne `await` yazın."),
)
_OPENED = Text(
    en="The handshake was answered with 101: the connection is open.",
    tr="El sıkışma 101 ile yanıtlandı: bağlantı açık.",
)


async def accept(stage: Stage) -> Text:
    """The handshake is answered with 101."""
    await _open(stage, "A")
    return _OPENED


async def _open(stage: Stage, who: str) -> None:
    found = await stage.knock(who)
    if isinstance(found, Refusal):
        raised = await stage.raised()
        if any("accept' was never awaited" in one.text for one in raised):
            raise await stage.no_connection(found, ACCEPT_NOT_AWAITED)
        raise await stage.no_connection(found)


# The warm-up

GREETING = "Merhaba"
WRONG_GREETING = Misconception(
    "wrong-greeting",
    Text(
        en="The connection opens, but the greeting is another one now.",
        tr="Bağlantı açılıyor, ama selam değişmiş.",
    ),
    Text(
        en="Undo every change but the one in the line that needed mending.",
        tr="Onarılması gereken satır dışındaki değişiklikleri geri alın.",
    ),
)
_GREETED = Text(en="101, and then {came}.", tr="101, ardından {came}.")


async def warm_up(stage: Stage) -> Text:
    """The mended handler opens the connection and greets."""
    await _open(stage, "A")
    client = stage.clients[0]
    came = await client.next()
    if came is None:
        raise await stage.silence(client, ended=general.ENDED)
    if came.data != GREETING:
        raise Failure(WRONG_GREETING, expected=quoted(GREETING), came=came)
    return filled(_GREETED, came=came)


# The echo

SENT = "İğne iplik, çay ve ıhlamur; şişede 2  üzüm 🫖"

NO_ECHO = Misconception(
    "no-echo",
    Text(
        en="The connection is open, but the handler never answers what it receives.",
        tr="Bağlantı açık, ama işleyici aldığı mesaja hiç yanıt vermiyor.",
    ),
    Text(
        en="Receive with `await websocket.receive_text()`, then answer on the same connection.",
        tr="`await websocket.receive_text()` ile alın, sonra aynı bağlantıdan yanıt verin.",
    ),
)
ENDS_AT_ONCE = Misconception(
    "ends-at-once",
    Text(
        en="The handler accepted and was done; when a handler ends, its connection ends (1006, since nobody said "
        "close).",
        tr="İşleyici bağlantıyı kabul edip bitti; işleyici bitince bağlantısı da biter (kapatan olmadığı için 1006).",
    ),
    Text(
        en="After accepting, receive and answer in a loop: `while True:`",
        tr="Kabul ettikten sonra bir döngüde alıp yanıtlayın: `while True:`",
    ),
)
BYTES = Misconception(
    "bytes-instead-of-text",
    Text(
        en="The content is right, but it was sent as a binary frame; a page's `onmessage` gets a Blob, not a text.",
        tr="İçerik doğru, ama ikili (binary) çerçeveyle gönderildi; sayfanın `onmessage` fonksiyonu metin değil Blob "
        "alır.",
    ),
    Text(
        en="Send a `str` with `send_text`; `send_bytes` and `.encode()` make binary frames.",
        tr="`send_text` ile bir `str` gönderin; `send_bytes` ve `.encode()` ikili çerçeve üretir.",
    ),
)
NO_PREFIX = Misconception(
    "no-prefix",
    Text(
        en="The message came back alone, without the prefix in front.",
        tr="Mesaj tek başına döndü; önündeki ön ek eksik.",
    ),
    Text(en="Answer with `Mesajınız: ` and the message.", tr="`Mesajınız: ` ile mesajı birlikte gönderin."),
)
NOT_FILLED_IN = Misconception(
    "braces-not-filled-in",
    Text(
        en="The braces were sent as they stand, so the string was no f-string.",
        tr="Süslü ayraçlar olduğu gibi gönderildi; demek ki dize bir f-string değil.",
    ),
    Text(
        en='Put an f in front of the quote: `f"Mesajınız: {{…}}"`', tr='Tırnağın önüne f yazın: `f"Mesajınız: {{…}}"`'
    ),
)
DOTTED_I = Misconception(
    "dotted-i",
    Text(
        en="`Mesajınız` has two dotless ı, and the answer has an i in the place of one; to a program they differ "
        "like a and b.",
        tr="`Mesajınız` sözcüğünde iki tane noktasız ı var, yanıtta birinin yerinde i duruyor; bir program için a ile "
        "b kadar farklılar.",
    ),
    Text(
        en="Copy the prefix from the task instead of typing it: `Mesajınız: `",
        tr="Ön eki yazmak yerine görevden kopyalayın: `Mesajınız: `",
    ),
)
SPACES = Misconception(
    "spaces-differ",
    Text(
        en="Every letter is there, but the spaces differ; the text between client and server is exact.",
        tr="Bütün harfler yerinde, ama boşluklar farklı; istemciyle sunucu arasındaki metin birebir aynı olmalı.",
    ),
    Text(
        en="One space follows the colon, and the message stays as it came: no `strip()`, no `split()`.",
        tr="İki noktadan sonra tek boşluk gelir; mesaj geldiği gibi kalır: `strip()` ya da `split()` yok.",
    ),
)
JSON_TEXT = Misconception(
    "json-instead-of-text",
    Text(
        en="What came is JSON: the text in quotes, its letters perhaps escaped. `send_json` writes it so.",
        tr="Gelen bir JSON: metin tırnak içinde, harfleri de belki kaçışlı. `send_json` böyle yazar.",
    ),
    Text(en="Send the text itself with `send_text`.", tr="Metnin kendisini `send_text` ile gönderin."),
)
CHANGED = Misconception(
    "changes-the-message",
    Text(
        en="The prefix is right, but the message behind it is not the one that was sent.",
        tr="Ön ek doğru, ama ardındaki mesaj gönderilen mesaj değil.",
    ),
    Text(
        en="Pass on what you received untouched; the exchange shows both.",
        tr="Aldığınızı değiştirmeden geri gönderin; dökümde ikisi de görülüyor.",
    ),
)
_ECHOED = Text(en="{came} came back, as text, letter for letter.", tr="{came} metin olarak, harfi harfine geri geldi.")


async def echo(stage: Stage) -> Text:
    """One message with Turkish letters comes back behind the prefix, exactly."""
    alice = await stage.connect("A")
    text = stage.unique(SENT)
    expected = ECHO + text
    await alice.send(text)
    came = await alice.next(is_answer)
    if came is None:
        raise await stage.silence(alice, NO_ECHO, ended=ENDS_AT_ONCE)
    if came.data == expected:
        return filled(_ECHOED, came=came)
    raise Failure(_echo_fault(came.data, came.text, text), expected=quoted(expected), came=came)


def _echo_fault(data: str | bytes, came: str, text: str) -> Misconception:
    expected = ECHO + text
    if isinstance(data, bytes) and came == expected:
        return BYTES
    if came == text:
        return NO_PREFIX
    if came.startswith(ECHO + "{"):
        return NOT_FILLED_IN
    if came.startswith('"') and came in (json.dumps(expected), json.dumps(expected, ensure_ascii=False)):
        return JSON_TEXT
    if came.replace("ı", "i") == expected.replace("ı", "i"):
        return DOTTED_I
    if came.split() == expected.split() or came.replace(" ", "") == expected.replace(" ", ""):
        return SPACES
    return CHANGED if came.startswith(ECHO) else general.UNFORESEEN


# The order

RETURNS_AFTER_ONE = Misconception(
    "returns-after-one",
    Text(
        en="After the first answer the handler came to its end, and the connection with it.",
        tr="İşleyici ilk yanıttan sonra sona erdi; bağlantı da onunla bitti.",
    ),
    Text(
        en="Look at what is inside the loop, and for a `return` or `break`: the next message needs "
        "`receive_text()` again.",
        tr="Döngünün içinde ne olduğuna bakın, `return` ya da `break` arayın: sonraki mesaj için yeniden "
        "`receive_text()` gerekir.",
    ),
)
OUT_OF_ORDER = Misconception(
    "out-of-order",
    Text(
        en="Every answer came, but not in the order of the messages: they were answered by tasks that overtake "
        "each other.",
        tr="Bütün yanıtlar geldi ama mesajların sırasıyla değil: yanıtları birbirini geçen görevler veriyor.",
    ),
    Text(
        en="Answer one message before you receive the next: `await` the send instead of making a task for it.",
        tr="Sonrakini almadan önce mesajı yanıtlayın: gönderme için görev oluşturmak yerine onu `await` ile bekleyin.",
    ),
)
LOSES_SOME = Misconception(
    "loses-some",
    Text(
        en="Of {sent} messages only {count} were answered, and the connection is still open.",
        tr="{sent} mesajdan yalnızca {count} tanesi yanıtlandı; bağlantı ise hâlâ açık.",
    ),
    Text(
        en="Every message that is received needs its answer: is there more than one receive in a turn of the loop?",
        tr="Alınan her mesaj yanıtlanmalı: döngünün bir turunda birden çok alma mı var?",
    ),
)
DUPLICATES = Misconception(
    "answers-twice",
    Text(en="Some messages were answered more than once.", tr="Bazı mesajlar birden çok kez yanıtlandı."),
    Text(
        en="One message, one `send_text` to its sender: which second line sends to it as well?",
        tr="Bir mesaj, göndericisine bir `send_text`: ona gönderen ikinci satır hangisi?",
    ),
)
NO_MESSAGE_IN_IT = Misconception(
    "no-message-in-the-answer",
    Text(
        en="Answers came, but none of them holds the message it answers, so their order cannot be seen.",
        tr="Yanıtlar geldi, ama hiçbiri yanıtladığı mesajı içermiyor; bu yüzden sıraları görülemiyor.",
    ),
    Text(
        en="First bring the check `{needs}` to pass: one message, answered letter for letter.",
        tr="Önce `{needs}` sınamasını geçin: tek bir mesaj, harfi harfine yanıtlanmış.",
    ),
)
_IN_ORDER = Text(
    en="{count} messages sent at once, {count} answers in their order.",
    tr="Arka arkaya {count} mesaj gönderildi, {count} yanıt sırasıyla geldi.",
)
_NUMBERS = Text(en="Answered: {numbers}.", tr="Yanıtlananlar: {numbers}.")


async def order(stage: Stage) -> Text:
    """Fifty messages that are sent without waiting are answered in their order."""
    try:
        return await _order(stage)
    except Failure as failure:
        raise await blame_ghosts(stage, failure, "count") from None


async def _order(stage: Stage) -> Text:
    alice = await stage.connect("A")
    mark = stage.unique("·")
    texts = [f"{number:02d} {mark}" for number in range(1, MESSAGES + 1)]
    await alice.send(*texts)
    numbers: list[int] = []
    while len(numbers) < MESSAGES:
        came = await alice.next(is_answer)
        if came is None:
            break
        numbers += [number for number, text in enumerate(texts, 1) if text in came.text]
        if not numbers and len(alice.messages) >= MESSAGES:
            break
    if not numbers:
        if answers := [message for message in alice.messages if is_answer(message)]:
            raise Waits("echo", NO_MESSAGE_IN_IT, expected=quoted(ECHO + texts[0]), came=answers[0])
        if alice.end is not None and await _answers_one(stage):
            raise await stage.silence(alice, ended=RETURNS_AFTER_ONE)
        raise await stage.silence(alice, NO_ECHO, ended=ENDS_AT_ONCE)
    await stage.pause()
    late = [message for message in alice.messages if is_answer(message)][len(numbers) :]
    numbers += [number for message in late for number, text in enumerate(texts, 1) if text in message.text]
    wanted = list(range(1, MESSAGES + 1))
    if numbers == wanted:
        return filled(_IN_ORDER, count=MESSAGES)
    shown = filled(_NUMBERS, numbers=_shortened(numbers))
    if len(set(numbers)) < len(numbers):
        raise Failure(DUPLICATES, shown)
    if sorted(numbers) == wanted:
        raise Failure(OUT_OF_ORDER, shown)
    if len(numbers) == 1 and alice.end is not None:
        raise await stage.silence(alice, ended=RETURNS_AFTER_ONE)
    raise await stage.silence(alice, LOSES_SOME, sent=MESSAGES, count=len(numbers))


async def _answers_one(stage: Stage) -> bool:
    # A server that closes on unread messages may take its own last answer down with it (RFC 9293 §3.10.7.4).
    bob = await stage.connect("B")
    await bob.send(text := stage.unique("·"))
    return await bob.next(lambda message: text in message.text) is not None


def _shortened(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")


# The count

NEVER_COUNTS = Misconception(
    "never-counts",
    Text(
        en="Two clients are connected and the count has not moved.",
        tr="İki istemci bağlı, ama sayı hiç değişmedi.",
    ),
    Text(
        en="Append the connection to the list once it is accepted; `GET /` returns the list's length.",
        tr="Kabul edilen bağlantıyı listeye ekleyin; `GET /` listenin uzunluğunu döndürür.",
    ),
)
COUNTS_BEFORE_ACCEPT = Misconception(
    "counts-before-accept",
    Text(
        en="Clients that left during the handshake are still counted: they were registered before they were accepted, "
        "and `accept()` raised.",
        tr="El sıkışma sırasında ayrılan istemciler hâlâ sayılıyor: kabul edilmeden kaydedildiler, sonra `accept()` "
        "istisna fırlattı.",
    ),
    Text(
        en="First `await websocket.accept()`, then append: only what is accepted counts.",
        tr="Önce `await websocket.accept()`, sonra ekleme: yalnızca kabul edilen sayılır.",
    ),
)
NEVER_REMOVES = Misconception(
    "never-removes",
    Text(
        en="A client said goodbye with 1000 and is still counted.",
        tr="Bir istemci 1000 ile vedalaştı, ama hâlâ sayılıyor.",
    ),
    Text(
        en="`receive_text()` raises when its client leaves; take the connection off the list in a `finally`.",
        tr="İstemci ayrılınca `receive_text()` istisna fırlatır; bağlantıyı `finally` içinde listeden çıkarın.",
    ),
)
REMOVES_TOO_MANY = Misconception(
    "removes-too-many",
    Text(
        en="One client left, and more than one is gone from the count.",
        tr="Bir istemci ayrıldı, sayıdan birden fazlası düştü.",
    ),
    Text(
        en="Take off the list just the connection whose handler ends, and only once.",
        tr="Listeden yalnızca işleyicisi biten bağlantıyı, yalnızca bir kez çıkarın.",
    ),
)
_COUNTED = Text(
    en="The count went {base} → {two} → {one} → {base}, and nobody who left during the handshake was counted.",
    tr="Sayı {base} → {two} → {one} → {base} oldu; el sıkışma sırasında ayrılan kimse sayılmadı.",
)


async def count(stage: Stage) -> Text:
    """`GET /` counts those who are connected: 0 → 2 → 1 → 0."""
    base = await settled_count(stage)
    alice, bob = [await stage.connect(who) for who in "AB"]
    came = await count_becomes(stage, base + 2)
    if came != base + 2:
        raise Failure(NEVER_COUNTS if came == base else general.UNFORESEEN, counted(2, came, base))
    for client, left in ((alice, 1), (bob, 0)):
        await client.close()
        came = await count_becomes(stage, base + left)
        if came > base + left:
            raise Failure(NEVER_REMOVES, counted(left, came, base)).earning(1)
        if came < base + left:
            raise Failure(REMOVES_TOO_MANY, counted(left, came, base)).earning(1)
    for _ in range(EARLY_LEAVERS):
        await stage.leave_early()
    await stage.connect("C")
    came = await count_becomes(stage, base + 1)
    if came != base + 1:
        raise Failure(COUNTS_BEFORE_ACCEPT, counted(1, came, base)).earning(1)
    return filled(_COUNTED, base=base, one=base + 1, two=base + 2)


# The relay

NO_RELAY = Misconception(
    "no-relay",
    Text(
        en="The sender got its answer, but nobody else heard of the message.",
        tr="Gönderen yanıtını aldı, ama mesajdan başka kimsenin haberi olmadı.",
    ),
    Text(
        en="Keep every accepted connection in a list, and after the answer send to each of the others.",
        tr="Kabul edilen her bağlantıyı bir listede tutun ve yanıttan sonra ötekilerin her birine gönderin.",
    ),
)
ONLY_SOME = Misconception(
    "relays-to-some",
    Text(
        en="One of the others got the message, another did not: the loop over the clients ends too early.",
        tr="Ötekilerden biri mesajı aldı, diğeri almadı: istemciler üzerindeki döngü erken bitiyor.",
    ),
    Text(
        en="Look for a `return` or `break` inside the loop, or for a line that is indented too far.",
        tr="Döngünün içinde bir `return` ya da `break`, ya da fazla girintili bir satır arayın.",
    ),
)
RELAYS_TO_SELF = Misconception(
    "relays-to-self",
    Text(
        en="The sender was told of its own message as if another client had sent it.",
        tr="Gönderene kendi mesajı, başka bir istemciden gelmiş gibi iletildi.",
    ),
    Text(
        en="The list holds the sender, too: inside the loop, leave out the connection that is your own `websocket`.",
        tr="Listede gönderen de var: döngüde, kendi `websocket` bağlantınız olanı atlayın.",
    ),
)
SAME_TO_ALL = Misconception(
    "same-text-to-all",
    Text(
        en="The others got the sender's own answer, with the prefix that says “your message”.",
        tr="Ötekilere gönderenin yanıtı gitti; ön eki “mesajınız” diyor.",
    ),
    Text(
        en="To the others goes `Başka bir istemciden: ` and the message.",
        tr="Ötekilere `Başka bir istemciden: ` ile mesaj gider.",
    ),
)
WRONG_RELAY = Misconception(
    "wrong-relay-text",
    Text(
        en="The others heard of the message, but in other words than the task's.",
        tr="Ötekilerin mesajdan haberi oldu, ama istenenden farklı sözlerle.",
    ),
    Text(
        en="To the others goes exactly `Başka bir istemciden: ` and the message; copy the prefix from the task.",
        tr="Ötekilere tam olarak `Başka bir istemciden: ` ile mesaj gider; ön eki görevden kopyalayın.",
    ),
)
RELAYS_TWICE = Misconception(
    "relays-twice",
    Text(
        en="The others got the message more than once, so they are in the list more than once.",
        tr="Ötekiler mesajı birden çok kez aldı; demek ki listede birden çok kez varlar.",
    ),
    Text(
        en="Append once for each connection: after `accept()`, before the loop.",
        tr="Her bağlantıyı bir kez ekleyin: `accept()` sonrasında, döngüden önce.",
    ),
)
_RELAYED = Text(
    en="A sent; B and C got {came} once, A only its answer.",
    tr="A gönderdi; B ve C {came} mesajını bir kez, A yalnızca yanıtını aldı.",
)
_WHO_GOT = Text(en="A sent {sent}. B got it {b}×, C {c}×.", tr="A {sent} gönderdi. B {b}, C {c} kez aldı.")
_TO_SELF = Text(en="A sent {sent} and got {came}.", tr="A {sent} gönderdi ve {came} aldı.")


async def relay(stage: Stage) -> Text:
    """A message reaches each other client once, and its sender not at all."""
    try:
        return await _relay(stage)
    except Failure as failure:
        raise await blame_ghosts(stage, failure, "count") from None


async def _relay(stage: Stage) -> Text:
    alice, bob, carol = [await stage.connect(who) for who in "ABC"]
    text = stage.unique("Çay hazır")
    await alice.send(text)
    # Who got what is read off the lists below; these three only wait until it is there.
    answered = await alice.next(lambda message: text in message.text and is_answer(message))
    heard = [await other.next(lambda message: text in message.text) for other in (bob, carol)]
    await stage.pause()
    got = {who.who: [one for one in who.messages if text in one.text] for who in (alice, bob, carol)}
    seen = filled(_WHO_GOT, sent=quoted(text), b=len(got["B"]), c=len(got["C"]))
    to_self = next((message for message in got["A"] if is_relay(message)), None)
    if to_self is not None:
        raise Failure(RELAYS_TO_SELF, _TO_SELF, sent=quoted(text), came=to_self)
    if not any(heard):
        if answered is None:
            raise await stage.silence(alice, NO_ECHO, ended=ENDS_AT_ONCE)
        raise Failure(NO_RELAY, seen)
    if not all(heard):
        raise Failure(ONLY_SOME, seen)
    for message in got["B"] + got["C"]:
        if message.text != RELAY + text:
            fault = SAME_TO_ALL if message.text == ECHO + text else WRONG_RELAY
            raise Failure(fault, expected=quoted(RELAY + text), came=message)
    if len(got["B"]) > 1 or len(got["C"]) > 1:
        raise Failure(RELAYS_TWICE, seen)
    return filled(_RELAYED, came=got["B"][0])


LAB = Lab(
    "L1-echo",
    Text(en="Echo and count", tr="Yankı ve sayaç"),
    (
        Check(
            "warmup",
            Text(en="Mended by changing one line", tr="Tek satır değiştirerek onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="Look at the last line of the exchange: which status came instead of 101?",
                        tr="Dökümün son satırına bakın: 101 yerine hangi durum kodu geldi?",
                    )
                ),
                Hint(
                    Text(
                        en="`websocket.accept()` is a coroutine function. Calling it makes a coroutine; something "
                        "has to run it.",
                        tr="`websocket.accept()` bir eşyordam fonksiyonu. Onu çağırmak bir eşyordam oluşturur; "
                        "birinin onu çalıştırması gerekir.",
                    )
                ),
                Hint(
                    Text(en="One word is missing in front.", tr="Önünde bir sözcük eksik."),
                    "…… websocket.accept()",
                ),
            ),
            (ACCEPT_NOT_AWAITED, WRONG_GREETING),
            app="door",
        ),
        Check(
            "accept",
            Text(en="The connection opens", tr="Bağlantı açılıyor"),
            2,
            accept,
            (
                Hint(
                    Text(
                        en="Look at the status in the exchange. 101 means accepted; 500 means that the handler "
                        "ended or raised before it accepted.",
                        tr="Dökümdeki durum koduna bakın. 101 “kabul edildi” demektir; 500 ise işleyicinin kabul "
                        "etmeden bittiğini ya da istisna fırlattığını gösterir.",
                    )
                ),
                Hint(
                    Text(
                        en="The handshake is answered by one line of the handler, its first: accept, and `await` it.",
                        tr="El sıkışmayı işleyicinin bir satırı, ilk satırı yanıtlar: bağlantıyı kabul edin ve "
                        "`await` ile bekleyin.",
                    )
                ),
                Hint(
                    Text(en="The beginning of the handler:", tr="İşleyicinin başı:"),
                    '@app.websocket("/ws")\nasync def endpoint(websocket: WebSocket):\n    await websocket.…………()',
                ),
            ),
            (ACCEPT_NOT_AWAITED,),
        ),
        Check(
            "echo",
            Text(en="A message comes back, letter for letter", tr="Mesaj harfi harfine geri geliyor"),
            2,
            echo,
            (
                Hint(
                    Text(
                        en="Compare what was expected and what came, character by character: prefix, spaces, ı "
                        "and i, text or bytes.",
                        tr="Bekleneni ve geleni karakter karakter karşılaştırın: ön ek, boşluklar, ı ile i, metin "
                        "ya da bayt.",
                    )
                ),
                Hint(
                    Text(
                        en="`receive_text()` gives a `str`, `send_text()` takes one; an f-string puts the prefix "
                        "in front.",
                        tr="`receive_text()` bir `str` verir, `send_text()` bir `str` alır; ön eki bir f-string ekler.",
                    )
                ),
                Hint(
                    Text(en="Two lines, inside the loop:", tr="Döngünün içindeki iki satır:"),
                    'data = await websocket.…………\nawait websocket.send_text(f"Mesajınız: {……}")',
                ),
            ),
            (NO_ECHO, ENDS_AT_ONCE, BYTES, NO_PREFIX, NOT_FILLED_IN, DOTTED_I, SPACES, JSON_TEXT, CHANGED),
            needs="accept",
        ),
        Check(
            "order",
            Text(en="Fifty messages, answered in their order", tr="Elli mesaj, sırasıyla yanıtlanıyor"),
            2,
            order,
            (
                Hint(
                    Text(
                        en="Which numbers were answered, and is the connection still open afterwards?",
                        tr="Hangi numaralar yanıtlandı? Sonrasında bağlantı hâlâ açık mı?",
                    )
                ),
                Hint(
                    Text(
                        en="The handler lives as long as its loop: receive and answer both stand inside `while "
                        "True:`, and nothing leaves it.",
                        tr="İşleyici döngüsü kadar yaşar: hem alma hem yanıt `while True:` içinde durur, oradan "
                        "çıkan bir şey olmaz.",
                    )
                ),
                Hint(
                    Text(en="The shape of the handler:", tr="İşleyicinin biçimi:"),
                    "await websocket.accept()\nwhile ……:\n    data = await …………\n    await websocket.send_text(…………)",
                ),
            ),
            (
                NO_ECHO,
                ENDS_AT_ONCE,
                RETURNS_AFTER_ONE,
                OUT_OF_ORDER,
                LOSES_SOME,
                DUPLICATES,
                NO_MESSAGE_IN_IT,
            ),
            needs="accept",
        ),
        Check(
            "count",
            Text(en="The count is right: 0 → 2 → 1 → 0", tr="Sayı doğru: 0 → 2 → 1 → 0"),
            2,
            count,
            (
                Hint(
                    Text(
                        en="At which step does the count go wrong: when clients come, or when they leave?",
                        tr="Sayı hangi adımda bozuluyor: istemciler gelirken mi, ayrılırken mi?",
                    )
                ),
                Hint(
                    Text(
                        en="Append after `accept()`; take off in a `finally`, since `receive_text()` raises when "
                        "the client leaves.",
                        tr="Eklemeyi `accept()` sonrasında yapın; çıkarmayı `finally` içinde, çünkü istemci "
                        "ayrılınca `receive_text()` istisna fırlatır.",
                    )
                ),
                Hint(
                    Text(en="Around the loop:", tr="Döngünün çevresinde:"),
                    "connected_clients.append(websocket)\ntry:\n    while True:\n        …………\n"
                    "except WebSocketDisconnect:\n    pass\nfinally:\n    connected_clients.…………(websocket)",
                ),
            ),
            (*COUNT_FAULTS, NEVER_COUNTS, COUNTS_BEFORE_ACCEPT, NEVER_REMOVES, REMOVES_TOO_MANY),
            needs="accept",
        ),
        Check(
            "relay",
            Text(en="The others hear of it, the sender does not", tr="Ötekilere iletiliyor, gönderene iletilmiyor"),
            2,
            relay,
            (
                Hint(
                    Text(
                        en="Look at who got what: A sent the message, B and C are to hear of it once, A only gets "
                        "its answer.",
                        tr="Kimin ne aldığına bakın: mesajı A gönderdi; B ve C onu bir kez duymalı, A yalnızca "
                        "yanıtını almalı.",
                    )
                ),
                Hint(
                    Text(
                        en="Go through a copy of the list, `list(connected_clients)`, and leave out the "
                        "connection that is `websocket` itself.",
                        tr="Listenin bir kopyasında, `list(connected_clients)` üzerinde dolaşın ve `websocket` "
                        "bağlantısının kendisini atlayın.",
                    )
                ),
                Hint(
                    Text(en="After the answer, still inside the loop:", tr="Yanıttan sonra, hâlâ döngünün içinde:"),
                    "for client in list(connected_clients):\n    if client is not …………:\n"
                    '        await client.send_text(f"Başka bir istemciden: {……}")',
                ),
            ),
            (NO_ECHO, ENDS_AT_ONCE, NO_RELAY, ONLY_SOME, RELAYS_TO_SELF, SAME_TO_ALL, WRONG_RELAY, RELAYS_TWICE),
            needs="accept",
        ),
    ),
)
