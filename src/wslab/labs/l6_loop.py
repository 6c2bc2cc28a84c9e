"""L6, keep the loop alive: heavy work and long answers beside clients who only want their echo."""

from __future__ import annotations

import asyncio
import itertools
import re
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from wslab.labs.document import ECHO, SERVER, is_by_server
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.patience import contention
from wslab.labs.stage import Client, Message, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

HEAVY = 60_000
"""How far a request goes that takes long on any machine: primes below this number, counted one by one."""

HEAVY_TOO = 45_000
LIGHT = 100
LINES = 400
"""How many lines a flood has; they take about as long as `HEAVY` to work out."""

ENOUGH = 3
"""Echoes while somebody else is served. Where the loop is held there is one, the one that was on its way."""

MOST_LOOKS = 3
"""How often to look again, where three others want each processor; once where nobody else does."""

MOST = 0.75
"""The part of that time which one echo may take. Where the loop is held for the work alone, one takes nearly all."""

_RESULT = re.compile(r"(\d+) → (.+)")
_LINE = re.compile(re.escape(SERVER) + r"(\d+) → (\d+)")


def primes_below(limit: int) -> int:
    """How many primes there are below a number, by a sieve: what the given function finds the long way."""
    candidates = bytearray([1]) * max(limit, 2)
    candidates[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if candidates[number]:
            candidates[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return sum(candidates[:limit])


def result_of(limit: int) -> str:
    """The right answer to `work <limit>`."""
    return f"{limit} → {primes_below(limit)}"


def is_result(message: Message) -> bool:
    """Whether it looks like the answer to a `work`."""
    return _RESULT.fullmatch(message.text) is not None


def is_echo(message: Message) -> bool:
    """Whether it is the answer to a message that is no command."""
    return message.text.startswith(ECHO)


def _long(stage: Stage) -> float:
    # The work takes the same multiple of a trip on any machine, and more where the machine is busy.
    return min(8.0, 8 * stage.patience.step)


# The echoes of somebody else


@dataclass(frozen=True, slots=True)
class Beside:
    """What a bystander's echoes took while somebody else was served.

    Attributes:
        idle: the median before, in seconds.
        trips: those that came back meanwhile, in seconds.
        whole: how long the other one was served, in seconds.
    """

    idle: float
    trips: tuple[float, ...]
    whole: float

    @property
    def held_up(self) -> bool:
        """Whether the bystander had to wait until it was over."""
        return len(self.trips) < ENOUGH or max(self.trips) > MOST * self.whole

    @property
    def values(self) -> dict[str, object]:
        """What an observation says of it."""
        return {
            "count": len(self.trips),
            "idle": self.idle * 1000,
            "worst": max(self.trips, default=self.whole) * 1000,
            "whole": self.whole * 1000,
        }


async def _trip(stage: Stage, client: Client) -> float:
    """The seconds that one echo takes.

    Raises:
        Failure: it does not come.
    """
    text = stage.unique("Selam")
    begun = stage.clock()
    await client.send(text)
    came = await client.next(is_echo, within=_long(stage))
    if came is None:
        raise await stage.silence(client, NO_ECHO)
    if came.text != ECHO + text:
        raise Failure(NO_ECHO, expected=quoted(ECHO + text), came=came)
    return came.at - begun


async def _beside(stage: Stage, worker: Client, command: str, bystander: Client, finished: asyncio.Event) -> Beside:
    """Have one client ask for something long, and another one talk until it is done.

    Args:
        stage: the stage.
        worker: who asks.
        command: for what.
        bystander: who talks.
        finished: set by the caller once it was served, and never later.
    """
    idle = statistics.median([await _trip(stage, bystander) for _ in range(5)])
    begun = stage.clock()
    await worker.send(command)
    lines = len(stage.lines)
    trips: list[float] = []
    deadline = begun + _long(stage)
    while not finished.is_set() and worker.open and stage.clock() < deadline:
        took = await _trip(stage, bystander)
        if not finished.is_set():
            trips.append(took)
        # The first ones tell enough; the record is not to be filled by the rest.
        if len(trips) > ENOUGH:
            del stage.lines[lines:]
    return Beside(idle, tuple(trips), stage.clock() - begun)


async def _looked_at(
    look: Callable[[Stage, Client, Client], Awaitable[Beside]], stage: Stage, alice: Client, bob: Client
) -> Beside:
    """Look a second time where somebody was held up: the machine may have stood still just then, a busy one often."""
    seen = await look(stage, alice, bob)
    again = round(min(contention(), MOST_LOOKS)) if seen.held_up else 0
    while seen.held_up and again > 0:
        again -= 1
        seen = await look(stage, alice, bob)
    return seen


NO_ECHO = Misconception(
    "no-echo",
    Text(
        en="A message that is no command has to come back behind `Mesajınız: `, as ever.",
        tr="Komut olmayan bir mesaj, her zamanki gibi `Mesajınız: ` ardında geri gelmeli.",
    ),
    Text(
        en="Leave the last branch of the handler as it was.",
        tr="İşleyicinin son dalını olduğu gibi bırakın.",
    ),
)
_UNDISTURBED = Text(
    en="While A was served for {whole:.0f} ms, B got {count} answers, the slowest within {worst:.0f} ms "
    "(with nobody else there: {idle:.1f} ms).",
    tr="A'nın işi {whole:.0f} ms sürerken B {count} yanıt aldı, en yavaşı {worst:.0f} ms içinde "
    "(başka kimse yokken: {idle:.1f} ms).",
)
_HELD_UP = Text(
    en="While A was served for {whole:.0f} ms, B got {count} answers (with nobody else there, one takes "
    "{idle:.1f} ms).",
    tr="A'nın işi {whole:.0f} ms sürerken B {count} yanıt aldı (başka kimse yokken bir yanıt {idle:.1f} ms sürüyor).",
)

# The result

NO_RESULT = Misconception(
    "no-result",
    Text(
        en="`work` is a message like any other so far; nobody works out anything.",
        tr="`work` şimdilik sıradan bir mesaj; bir şey hesaplayan yok.",
    ),
    Text(
        en="For `work 100`, answer with `await websocket.send_text(…)`: `100 → 25`.",
        tr="`work 100` için `await websocket.send_text(…)` ile şu yanıtı gönderin: `100 → 25`.",
    ),
    begun=False,
)
NOT_WORKED_OUT = Misconception(
    "to-thread-not-awaited",
    Text(
        en="What was sent is a coroutine's name: `asyncio.to_thread(…)` only made it, and nothing was worked out.",
        tr="Gönderilen, bir eşyordamın adı: `asyncio.to_thread(…)` onu yalnızca oluşturdu, hesaplanan bir şey yok.",
    ),
    Text(
        en="Write `await` in front: `result = await asyncio.to_thread(primes_below, limit)`",
        tr="Önüne `await` yazın: `result = await asyncio.to_thread(primes_below, limit)`",
    ),
)
WRONG_RESULT = Misconception(
    "wrong-result",
    Text(
        en="An answer came, but it is not the one that was asked for.",
        tr="Bir yanıt geldi, ama istenen yanıt değil.",
    ),
    Text(
        en="Send the number from the message, ` → `, and what `primes_below()` returns for it.",
        tr="Mesajdaki sayıyı, ` → ` işaretini ve `primes_below()` fonksiyonunun onun için döndürdüğünü gönderin.",
    ),
)
_WORKED = Text(en="{came} is right.", tr="{came} doğru.")
_FIRST_RESULT = Misconception(
    "result-first",
    Text(
        en="This check looks at what happens beside a `work`, and `work` has no right answer yet.",
        tr="Bu sınama bir `work` sürerken olanlara bakar; `work` ise henüz doğru yanıt vermiyor.",
    ),
    Text(en="First bring the check `{needs}` to pass.", tr="Önce `{needs}` sınamasını geçin."),
    begun=False,
)


async def result(stage: Stage) -> Text:
    """`work 100` is answered with the number of primes below 100, and with nothing else."""
    alice = await stage.connect("A")
    await alice.send(f"work {LIGHT}")
    came = await alice.next(within=_long(stage))
    if came is None:
        raise await stage.silence(alice, NO_RESULT)
    if "coroutine" in came.text:
        raise Failure(NOT_WORKED_OUT, expected=quoted(result_of(LIGHT)), came=came)
    if is_echo(came):
        raise Failure(NO_RESULT, expected=quoted(result_of(LIGHT)), came=came)
    if came.text != result_of(LIGHT):
        raise Failure(WRONG_RESULT, expected=quoted(result_of(LIGHT)), came=came)
    return filled(_WORKED, came=came)


async def _needs_result(stage: Stage, client: Client) -> None:
    """Have `work` answered once, quickly.

    Raises:
        Waits: it is not answered rightly, which is another check's business.
    """
    lines = list(stage.lines)
    await client.send(f"work {LIGHT}")
    came = await client.next(within=_long(stage))
    if came is None or came.text != result_of(LIGHT):
        raise Waits("result", _FIRST_RESULT, expected=quoted(result_of(LIGHT)), came=came or "–")
    stage.lines = lines


# The work

WORK_HOLDS_THE_LOOP = Misconception(
    "work-holds-the-loop",
    Text(
        en="Nobody else was answered before the work was done: it runs on the event loop. `async def` around a "
        "function that computes does not make it give way; only an `await` that really waits does.",
        tr="İş bitene kadar başka kimse yanıt alamadı: hesap olay döngüsünde çalışıyor. Hesaplayan bir fonksiyonu "
        "`async def` ile sarmak ona döngüyü bıraktırmaz; bunu ancak gerçekten bekleyen bir `await` yapar.",
    ),
    Text(
        en="Hand the function itself to a thread and wait for it: `await asyncio.to_thread(primes_below, limit)`.",
        tr="Fonksiyonun kendisini bir iş parçacığına verip bekleyin: `await asyncio.to_thread(primes_below, limit)`.",
    ),
)


async def work(stage: Stage) -> Text:
    """B's echoes go on while A's work is done."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await _needs_result(stage, alice)
    seen = await _looked_at(_beside_work, stage, alice, bob)
    if seen.held_up:
        raise Failure(WORK_HOLDS_THE_LOOP, _HELD_UP, **seen.values)
    return filled(_UNDISTURBED, **seen.values)


async def _beside_work(stage: Stage, alice: Client, bob: Client) -> Beside:
    finished = asyncio.Event()
    looked = asyncio.create_task(_wait_for_result(stage, alice, finished))
    try:
        seen = await _beside(stage, alice, f"work {HEAVY}", bob, finished)
        came = await looked
    finally:
        looked.cancel()
    if came is None:
        raise await stage.silence(alice)
    if came.text != result_of(HEAVY):
        raise Waits("result", _FIRST_RESULT, expected=quoted(result_of(HEAVY)), came=came)
    return seen


async def _wait_for_result(stage: Stage, client: Client, finished: asyncio.Event) -> Message | None:
    came = await client.next(within=_long(stage))
    finished.set()
    return came


# The flood

NO_FLOOD = Misconception(
    "no-flood",
    Text(
        en="`flood` is a message like any other so far.",
        tr="`flood` şimdilik sıradan bir mesaj.",
    ),
    Text(
        en="For `flood 3`, send three messages: `SUNUCU: 1 → 0`, `SUNUCU: 2 → 0`, `SUNUCU: 3 → 1`.",
        tr="`flood 3` için üç mesaj gönderin: `SUNUCU: 1 → 0`, `SUNUCU: 2 → 0`, `SUNUCU: 3 → 1`.",
    ),
    begun=False,
)
FLOOD_DIFFERS = Misconception(
    "flood-differs",
    Text(
        en="The lines are not those that were asked for: each from 1 to {lines}, once, in order, with its number of "
        "primes.",
        tr="Satırlar istenenler değil: 1'den {lines}'e kadar her biri, bir kez, sırayla, kendi asal sayısıyla.",
    ),
    Text(
        en="`for number in range(1, count + 1):` and in it one `send_text` of `SUNUCU: {{number}} → "
        "{{primes_below(number)}}`.",
        tr="`for number in range(1, count + 1):`, içinde de tek bir `send_text`: `SUNUCU: {{number}} → "
        "{{primes_below(number)}}`.",
    ),
)
FLOOD_HOLDS_THE_LOOP = Misconception(
    "flood-holds-the-loop",
    Text(
        en="Nobody else was answered before the last line was out. `await send_text()` goes straight on as long as the "
        "buffer has room, so the loop of lines never gave way.",
        tr="Son satır gidene kadar başka kimse yanıt alamadı. `await send_text()`, arabellekte yer oldukça beklemeden "
        "devam eder; satırların döngüsü olay döngüsünü hiç bırakmadı.",
    ),
    Text(
        en="Give way **inside** the loop: `await asyncio.sleep(0)` after each line. Once, in front of it, is too "
        "early; behind it, too late.",
        tr="Satırların döngüsünün **içinde** olay döngüsünü bırakın: her satırdan sonra "
        "`await asyncio.sleep(0)`. Döngüden önce bir kez erken, sonra bir kez geç kalır.",
    ),
)


async def flood(stage: Stage) -> Text:
    """B's echoes go on while A is sent hundreds of lines, and every line is right."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    seen = await _looked_at(_beside_flood, stage, alice, bob)
    if seen.held_up:
        raise Failure(FLOOD_HOLDS_THE_LOOP, _HELD_UP, **seen.values)
    return filled(_UNDISTURBED, **seen.values)


async def _beside_flood(stage: Stage, alice: Client, bob: Client) -> Beside:
    since = len(alice.messages)
    finished = asyncio.Event()
    looked = asyncio.create_task(_wait_for_lines(stage, alice, since, finished))
    try:
        seen = await _beside(stage, alice, f"flood {LINES}", bob, finished)
        await looked
    finally:
        looked.cancel()
    await stage.pause()
    lines = [message.text for message in alice.messages[since:] if is_by_server(message)]
    if not lines and len(alice.messages) > since:
        raise Failure(NO_FLOOD, expected=quoted(f"{SERVER}1 → 0"), came=alice.messages[since])
    if not lines:
        raise await stage.silence(alice, NO_FLOOD)
    wanted = [f"{SERVER}{number} → {primes_below(number)}" for number in range(1, LINES + 1)]
    if lines != wanted:
        pairs = itertools.zip_longest(wanted, lines, fillvalue="–")
        right, came = next((one, other) for one, other in pairs if one != other)
        raise Failure(FLOOD_DIFFERS, expected=quoted(right), came=quoted(came), lines=LINES)
    return seen


async def _wait_for_lines(stage: Stage, client: Client, since: int, finished: asyncio.Event) -> None:
    def come(count: int) -> bool | None:
        messages = client.messages[since:]
        return True if len(messages) >= count or not client.open or any(map(is_echo, messages)) else None

    # A few lines may still be on their way to this end when the server has long gone on to the next client.
    await stage.until(lambda: come(LINES * 9 // 10), _long(stage))
    finished.set()
    await stage.until(lambda: come(LINES), _long(stage) / 4)


# Each to the one who asked

WRONG_CLIENT = Misconception(
    "answers-the-wrong-client",
    Text(
        en="{who} asked for {asked} and got another client's answer: both handlers use one variable, and the second "
        "has overwritten it while the first waited.",
        tr="{who} {asked} istedi, başkasının yanıtını aldı: iki işleyici tek bir değişkeni kullanıyor, birincisi "
        "beklerken ikincisi onu değiştirdi.",
    ),
    Text(
        en="What belongs to one connection lives in its handler: answer on `websocket`, never on a global.",
        tr="Bir bağlantıya ait olan, onun işleyicisinde yaşar: global bir ada değil, `websocket` üzerinden yanıtlayın.",
    ),
)
_NEVER_CAME = Text(
    en="{who} asked for {asked} and got nothing of it.", tr="{who} {asked} istedi, karşılığında bir şey gelmedi."
)
_GOT = Text(en="{who} asked for {asked} and got {came}.", tr="{who} {asked} istedi, gelen: {came}.")
_EACH = Text(
    en="A and B asked at the same time, and each got its own answer.",
    tr="A ile B aynı anda istedi, her biri kendi yanıtını aldı.",
)


async def own(stage: Stage) -> Text:
    """Two clients work at the same time, and each gets its own answer."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await _needs_result(stage, alice)
    asked = {alice: HEAVY_TOO, bob: LIGHT + 1}
    since = {client: len(client.messages) for client in asked}
    for client, limit in asked.items():
        await client.send(f"work {limit}")
        await stage.pause()

    def look() -> bool | None:
        return (
            True if sum(is_result(one) for client in asked for one in client.messages[since[client] :]) >= 2 else None
        )

    await stage.until(look, _long(stage))
    await stage.pause()
    got = {client: next(filter(is_result, client.messages[since[client] :]), None) for client in asked}
    for client, limit in asked.items():
        others = {result_of(other) for other in asked.values()} - {result_of(limit)}
        wrong = next((message for message in client.messages if message.text in others), None)
        if wrong is not None:
            raise Failure(WRONG_CLIENT, _GOT, who=client.who, asked=f"`work {limit}`", came=wrong)
    for client, limit in asked.items():
        came = got[client]
        if came is None:
            failure = await stage.silence(client, WRONG_CLIENT, asked=f"`work {limit}`")
            missing = failure.misconception is WRONG_CLIENT
            raise Failure(WRONG_CLIENT, _NEVER_CAME, who=client.who, asked=f"`work {limit}`") if missing else failure
        if came.text != result_of(limit):
            raise Waits("result", _FIRST_RESULT, expected=quoted(result_of(limit)), came=came)
    return _EACH


# The order

OVERTAKES = Misconception(
    "overtakes",
    Text(
        en="A later message was answered before an earlier one of the same client: the work runs in a task that the "
        "handler does not wait for.",
        tr="Aynı istemcinin sonraki mesajı, öncekinden önce yanıtlandı: iş, işleyicinin beklemediği bir görevde "
        "çalışıyor.",
    ),
    Text(
        en="`await` the thread in the handler. That holds up this client alone; the others have handlers of their own.",
        tr="İş parçacığını işleyicide `await` ile bekleyin. Bu yalnızca o istemciyi bekletir; ötekilerin kendi "
        "işleyicileri var.",
    ),
)
_ORDER = Text(en="Answered in the order of the messages: {came}.", tr="Mesajların sırasıyla yanıtlandı: {came}.")
_OTHER_ORDER = Text(en="The answers came in this order: {came}.", tr="Yanıtların sırası: {came}.")


async def order(stage: Stage) -> Text:
    """What one client sends is answered in its order, heavy or not."""
    alice = await stage.connect("A")
    await _needs_result(stage, alice)
    since = len(alice.messages)
    text = stage.unique("Selam")
    wanted = [result_of(HEAVY_TOO), ECHO + text, result_of(LIGHT + 2), ECHO + text + "!"]
    await alice.send(f"work {HEAVY_TOO}")
    await alice.send(text, f"work {LIGHT + 2}", text + "!")

    def look() -> bool | None:
        return True if len(alice.messages) - since >= len(wanted) or not alice.open else None

    await stage.until(look, _long(stage))
    got = [message.text for message in alice.messages[since:]]
    if got == wanted:
        return filled(_ORDER, came=", ".join(map(quoted, got)))
    if sorted(got) == sorted(wanted):
        raise Failure(OVERTAKES, _OTHER_ORDER, came=", ".join(map(quoted, got)))
    if len(got) < len(wanted):
        raise await stage.silence(alice, NO_ECHO)
    raise Waits("result", _FIRST_RESULT, expected=quoted(wanted[0]), came=quoted(got[0]))


# The warm-up

STILL_HELD = Misconception(
    "nap-holds-the-loop",
    Text(
        en="B had to wait until A's nap was over: `time.sleep()` holds the thread, and with it the loop.",
        tr="B, A'nın uykusu bitene kadar bekledi: `time.sleep()` iş parçacığını, onunla birlikte döngüyü de tutar.",
    ),
    Text(
        en="Change that line to the sleep that gives the loop back.",
        tr="O satırı, döngüyü geri veren uykuyla değiştirin.",
    ),
)
NO_NAP = Misconception(
    "no-nap",
    Text(
        en="A's answer is not the one of before, or it does not come.",
        tr="A'nın yanıtı eskisi gibi değil ya da hiç gelmiyor.",
    ),
    Text(
        en="Undo every change but the one in the line that sleeps.",
        tr="Uyuyan satır dışındaki değişiklikleri geri alın.",
    ),
)
_NAPPED = Text(en="B was answered while A napped.", tr="A uyurken B yanıt aldı.")
_ORDER_OF_BOTH = Text(
    en="A asked for a nap, then B for an echo; A was answered first.",
    tr="A uyku istedi, ardından B yankı; önce A yanıt aldı.",
)


async def warm_up(stage: Stage) -> Text:
    """Who does not nap is answered first, though it asked second."""
    alice, bob = [await stage.connect(who) for who in "AB"]
    await alice.send("nap")
    await stage.pause()
    text = stage.unique("Selam")
    await bob.send(text)
    came = await bob.next(within=_long(stage))
    if came is None:
        raise await stage.silence(bob)
    woke = await alice.next(within=_long(stage))
    if woke is None or woke.text != "Günaydın":
        raise Failure(NO_NAP, expected=quoted("Günaydın"), came=woke or "–")
    if woke.at < came.at:
        raise Failure(STILL_HELD, _ORDER_OF_BOTH)
    return _NAPPED


_WORK_SKELETON = (
    'case "work", limit:\n    result = ………… asyncio.to_thread(…………, int(limit))\n'
    '    await websocket.send_text(f"{limit} → {result}")'
)
_FLOOD_SKELETON = (
    "for number in range(1, int(count) + 1):\n"
    '    await websocket.send_text(f"SUNUCU: {number} → {primes_below(number)}")\n    await …………'
)
_WORK_RULE = Hint(
    Text(
        en="A thread computes while the loop goes on: `asyncio.to_thread(function, argument)` makes a coroutine, and "
        "`await` runs it.",
        tr="Döngü sürerken iş parçacığı hesaplar: `asyncio.to_thread(fonksiyon, argüman)` bir eşyordam oluşturur, "
        "`await` onu çalıştırır.",
    )
)
_WORK_LAST = Hint(Text(en="The branch for `work`:", tr="`work` dalı:"), _WORK_SKELETON)


LAB = Lab(
    "L6-loop",
    Text(en="Keep the loop alive", tr="Döngüyü yaşatmak"),
    (
        Check(
            "warmup",
            Text(en="Mended by changing one line", tr="Tek satır değiştirilerek onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="Which line of the handler takes long, and is there an `await` in it?",
                        tr="İşleyicinin hangi satırı uzun sürüyor, o satırda `await` var mı?",
                    )
                ),
                Hint(
                    Text(
                        en="`time.sleep()` is an ordinary function: nobody else runs before it returns.",
                        tr="`time.sleep()` sıradan bir fonksiyon: o dönene kadar başka hiç kimse çalışmaz.",
                    )
                ),
                Hint(Text(en="The line:", tr="O satır:"), "await asyncio.…………(0.4)"),
            ),
            (STILL_HELD, NO_NAP),
            app="nap_room",
        ),
        Check(
            "result",
            Text(en="`work` is answered", tr="`work` yanıtlanıyor"),
            2,
            result,
            (
                Hint(
                    Text(
                        en="Read what came, letter by letter. Is it a number, or the name of something?",
                        tr="Geleni harf harf okuyun. Bir sayı mı, yoksa bir şeyin adı mı?",
                    )
                ),
                _WORK_RULE,
                _WORK_LAST,
            ),
            (NO_RESULT, NOT_WORKED_OUT, WRONG_RESULT),
        ),
        Check(
            "work",
            Text(en="The others talk on while it works", tr="O hesaplarken ötekiler konuşuyor"),
            3,
            work,
            (
                Hint(
                    Text(
                        en="In which thread does `primes_below()` run? Who else needs that thread?",
                        tr="`primes_below()` hangi iş parçacığında çalışıyor? Ona başka kimin ihtiyacı var?",
                    )
                ),
                _WORK_RULE,
                _WORK_LAST,
            ),
            (WORK_HOLDS_THE_LOOP, NO_ECHO, _FIRST_RESULT),
            needs="result",
            budget=25.0,
        ),
        Check(
            "flood",
            Text(en="Hundreds of lines, and nobody waits", tr="Yüzlerce satır, bekleyen yok"),
            3,
            flood,
            (
                Hint(
                    Text(
                        en="There is an `await` in each turn of your loop. Does it really wait?",
                        tr="Döngünüzün her turunda bir `await` var. Gerçekten bekliyor mu?",
                    )
                ),
                Hint(
                    Text(
                        en="`await asyncio.sleep(0)` gives way exactly once, at the place where it stands.",
                        tr="`await asyncio.sleep(0)` olay döngüsünü tam bir kez, durduğu yerde bırakır.",
                    )
                ),
                Hint(Text(en="The branch for `flood`:", tr="`flood` dalı:"), _FLOOD_SKELETON),
            ),
            (NO_FLOOD, FLOOD_DIFFERS, FLOOD_HOLDS_THE_LOOP, NO_ECHO),
            needs="result",
            budget=25.0,
        ),
        Check(
            "own",
            Text(en="Each answer to the one who asked", tr="Her yanıt, isteyene"),
            2,
            own,
            (
                Hint(
                    Text(
                        en="Which names of your handler are shared by all connections?",
                        tr="İşleyicinizdeki hangi adlar bütün bağlantılarca paylaşılıyor?",
                    )
                ),
                Hint(
                    Text(
                        en="While one handler waits at an `await`, another one runs through the same lines.",
                        tr="Bir işleyici `await` noktasında beklerken bir başkası aynı satırlardan geçer.",
                    )
                ),
                Hint(
                    Text(en="Only names of this call:", tr="Yalnızca bu çağrının adları:"),
                    "result = await asyncio.to_thread(primes_below, int(limit))\n"
                    'await …………send_text(f"{limit} → {result}")',
                ),
            ),
            (WRONG_CLIENT, _FIRST_RESULT),
            needs="result",
            budget=25.0,
        ),
        Check(
            "order",
            Text(en="One client's answers keep their order", tr="Bir istemcinin yanıtları sırasını koruyor"),
            2,
            order,
            (
                Hint(
                    Text(
                        en="When does your handler receive the next message: before or after the answer?",
                        tr="İşleyiciniz sonraki mesajı ne zaman alıyor: yanıttan önce mi, sonra mı?",
                    )
                ),
                Hint(
                    Text(
                        en="`create_task` goes on at once; `await` goes on when it is done.",
                        tr="`create_task` hemen devam eder; `await` iş bitince devam eder.",
                    )
                ),
                Hint(
                    Text(en="Wait here:", tr="Burada bekleyin:"),
                    "result = ………… asyncio.to_thread(primes_below, int(limit))",
                ),
            ),
            (OVERTAKES, NO_ECHO, _FIRST_RESULT),
            needs="result",
            budget=25.0,
        ),
    ),
)
