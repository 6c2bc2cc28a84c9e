"""L5, the broadcaster: a numbered tick to everybody in every period, beside the echo."""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Sequence

from wslab.labs import general
from wslab.labs.document import ECHO, SERVER, is_answer, is_by_server
from wslab.labs.failure import Failure, Waits
from wslab.labs.lab import Check, Hint, Lab
from wslab.labs.stage import Client, Message, Stage, quoted
from wslab.labs.verdict import Misconception
from wslab.language import Text, filled

PERIOD = 0.2
"""Seconds between two ticks, as the task asks for them."""

CLIENTS = 6
TICKS = 3
COUNTED = 7
ECHOES = 7
SLOWEST_STOP = 1.6
"""Seconds. An app that never ends is broken off later than that; one that ends takes a tenth of it."""

_TICK = re.compile(re.escape(SERVER) + r"\s*(\d+)\s*")


def number_of(message: Message) -> int | None:
    """The number of a tick; None for any other message."""
    found = _TICK.fullmatch(message.text)
    return int(found[1]) if found else None


def is_tick(message: Message) -> bool:
    """Whether it is a numbered tick."""
    return number_of(message) is not None


def ticks_of(client: Client, since: int = 0) -> list[int]:
    """The numbers of the ticks that came to a client, from its message number `since` on."""
    return [number for message in client.messages[since:] if (number := number_of(message)) is not None]


def times_of(client: Client, since: int = 0) -> list[float]:
    """When they came, in seconds since the check began; where one comes twice in a row, the first time."""
    came = [message for message in client.messages[since:] if is_tick(message)]
    return [
        one.at for before, one in itertools.pairwise([None, *came]) if one and (not before or before.text != one.text)
    ]


async def _hears(stage: Stage, client: Client, count: int, within: float | None = None) -> bool:
    """Whether `count` more ticks come to a client, each within `within` seconds."""
    for _ in range(count):
        if await client.next(is_tick, within=within or _patient(stage)) is None:
            return False
    return True


async def _goes_on(stage: Stage, client: Client, count: int) -> bool:
    """Whether `count` ticks come to a client from now on."""
    since = len(client.messages)
    for wanted in range(1, count + 1):

        def look(wanted: int = wanted) -> bool | None:
            return len(ticks_of(client, since)) >= wanted or None

        if await stage.until(look, _patient(stage)) is None:
            return False
    return True


def _patient(stage: Stage) -> float:
    return 3 * PERIOD + stage.patience.step


async def _held(stage: Stage) -> bool:
    """Whether the server's loop stands still. Started anew it would again, which takes longer than to say so."""
    return await stage.alive() is False


async def _afresh(stage: Stage) -> None:
    await stage.dismiss()
    await stage.stop_server()
    await stage.restart_server()


_NO_TICKS_YET = Misconception(
    "no-ticks-yet",
    Text(
        en="This check is about what stands beside the ticks, and no tick comes.",
        tr="Bu sınama tiklerin yanında olup bitenlere bakar; ortada ise tik yok.",
    ),
    Text(en="First bring the check `{needs}` to pass.", tr="Önce `{needs}` sınamasını geçin."),
    begun=False,
)


async def _with_ticks(stage: Stage) -> Client:
    """The first client, who hears the ticks.

    What an earlier check did to the broadcaster is not this one's business, so a silent app is served anew.

    Raises:
        Waits: no tick comes to the first client of a fresh app either.
    """
    alice = await stage.connect("A")
    # Not long: to start anew costs nothing but time.
    if await _hears(stage, alice, 1, within=3 * PERIOD):
        return alice
    if not await _held(stage):
        await _afresh(stage)
        alice = await stage.connect("A")
        if await _hears(stage, alice, 1):
            return alice
    raise Waits("ticks", _NO_TICKS_YET, filled(_SILENT, who="A"))


_SILENT = Text(
    en="{who} was connected for several periods and heard no tick.",
    tr="{who} birkaç periyot boyunca bağlı kaldı, tik duymadı.",
)

# The ticks

NEVER_TICKS = Misconception(
    "never-ticks",
    Text(
        en="The server answers, but the task that ticks was never started, or stopped before the first client came.",
        tr="Sunucu yanıt veriyor, ama tik gönderen görev hiç başlatılmadı ya da ilk istemci gelmeden durdu.",
    ),
    Text(
        en='Create it in `lifespan`, before the `yield`. Where `lifespan=` is given, `@app.on_event("startup")` is '
        "ignored without a word.",
        tr='Onu `lifespan` içinde, `yield` öncesinde oluşturun. `lifespan=` verilmişse `@app.on_event("startup")` '
        "sessizce yok sayılır.",
    ),
)
NEEDS_TRAFFIC = Misconception(
    "ticks-only-on-traffic",
    Text(
        en="A tick came only after the client had said something: whoever sends it waits in `receive_text()` first.",
        tr="Tik ancak istemci bir şey söyledikten sonra geldi: onu gönderen, önce `receive_text()` satırında bekliyor.",
    ),
    Text(
        en="Send the ticks from a task of its own, which receives from nobody.",
        tr="Tikleri, kimseden bir şey almayan ayrı bir görevden gönderin.",
    ),
)
STOPS_TICKING = Misconception(
    "stops-ticking",
    Text(
        en="The ticks began and ended with number {last}, though the client stayed.",
        tr="Tikler başladı ve {last} numarada kesildi; istemci ise yerindeydi.",
    ),
    Text(
        en="The task needs a loop without an end: `while True:`, and in it `await asyncio.sleep(PERIOD)`.",
        tr="Göreve sonu olmayan bir döngü gerekir: `while True:`, içinde de `await asyncio.sleep(PERIOD)`.",
    ),
)
OTHER_TICK = Misconception(
    "other-tick",
    Text(
        en="Something comes by itself, but it is no tick as agreed: `SUNUCU: ` and a number.",
        tr="Kendiliğinden bir şey geliyor, ama kararlaştırılan tik değil: `SUNUCU: ` ve bir sayı.",
    ),
    Text(en='Send `f"SUNUCU: {{number}}"` with `send_text`.', tr='`send_text` ile `f"SUNUCU: {{number}}"` gönderin.'),
)
NOT_COUNTING = Misconception(
    "not-counting",
    Text(
        en="The numbers are not one more each time.",
        tr="Sayılar her seferinde bir artmıyor.",
    ),
    Text(
        en="Count in one place, once in each turn of the loop, whoever is connected.",
        tr="Tek bir yerde sayın: döngünün her turunda bir kez, kim bağlı olursa olsun.",
    ),
)
_TICKED = Text(en="A said nothing and heard {numbers}.", tr="A hiçbir şey söylemedi ve şunları duydu: {numbers}.")
_NUMBERS = Text(en="{who} heard {numbers}.", tr="{who} şunları duydu: {numbers}.")


async def ticks(stage: Stage) -> Text:
    """A client that says nothing hears numbered ticks."""
    alice = await stage.connect("A")
    if not await _hears(stage, alice, 1):
        if alice.end is None and not alice.messages and not await _held(stage):
            # An earlier run may have left the app in a state of its own.
            await _afresh(stage)
            alice = await stage.connect("A")
            await _hears(stage, alice, 1)
        if not ticks_of(alice):
            raise await _no_tick(stage, alice)
    await _hears(stage, alice, TICKS - 1)
    numbers = ticks_of(alice)
    if len(numbers) < TICKS:
        raise await stage.silence(alice, STOPS_TICKING, last=numbers[-1])
    # A number that comes twice is another check's business.
    if len(set(numbers)) < 2 or any(later - earlier not in (0, 1) for earlier, later in itertools.pairwise(numbers)):
        raise Failure(NOT_COUNTING, _NUMBERS, who="A", numbers=_shown(numbers))
    return filled(_TICKED, numbers=_shown(numbers))


async def _no_tick(stage: Stage, alice: Client) -> Failure:
    if alice.messages:
        return Failure(OTHER_TICK, expected=quoted(SERVER + "1"), came=alice.messages[0])
    if alice.open:
        await alice.send(stage.unique("Ses ver"))
        if await alice.next(is_by_server, within=stage.patience.step) is not None:
            return Failure(NEEDS_TRAFFIC, _SILENT, who="A")
    failure = await stage.silence(alice, NEVER_TICKS)
    return Failure(NEVER_TICKS, _SILENT, who="A") if failure.misconception is NEVER_TICKS else failure


def _shown(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:12])) + (" …" if len(numbers) > 12 else "")


# The echo

NO_ECHO = Misconception(
    "no-echo",
    Text(
        en="Ticks come, but a message is not answered.",
        tr="Tikler geliyor, ama gönderilen mesaj yanıtlanmıyor.",
    ),
    Text(
        en="The handler goes on as before, beside the task: receive, then answer with `Mesajınız: `.",
        tr="İşleyici, görevin yanında eskisi gibi çalışsın: alsın, `Mesajınız: ` ile yanıtlasın.",
    ),
)
ECHO_DIFFERS = Misconception(
    "echo-differs",
    Text(
        en="The answer is not `Mesajınız: ` with the message behind it.",
        tr="Yanıt, `Mesajınız: ` ve ardından gelen mesaj değil.",
    ),
    Text(en="Answer with the prefix and the message as it came.", tr="Ön ek ve geldiği gibi mesajla yanıtlayın."),
)
ECHO_WAITS = Misconception(
    "echo-waits-for-tick",
    Text(
        en="An answer takes as long as the next tick: whoever answers waits for the broadcaster.",
        tr="Yanıt, bir sonraki tik kadar sürüyor: yanıtlayan, yayıncıyı bekliyor.",
    ),
    Text(
        en="Answer in the handler, at once. What do the two share: a lock, a queue, a `time.sleep()` in the loop?",
        tr="İşleyicide, hemen yanıtlayın. İkisi neyi paylaşıyor: bir kilit, bir kuyruk, döngüde bir `time.sleep()`?",
    ),
)
_ANSWERED = Text(
    en="{count} answers while ticks came, half of them within {typical:.1f} ms; the period is {period:.0f} ms.",
    tr="Tikler sürerken {count} yanıt geldi, yarısı {typical:.1f} ms içinde; periyot {period:.0f} ms.",
)
_DELAYED = Text(
    en="Half of {count} answers took {typical:.0f} ms or more. The period is {period:.0f} ms; a trip on this machine, "
    "measured beside it, {trip:.1f} ms.",
    tr="{count} yanıtın yarısı {typical:.0f} ms ya da daha uzun sürdü. Periyot {period:.0f} ms; bu makinede aynı anda "
    "ölçülen bir gidiş geliş {trip:.1f} ms.",
)


async def echo(stage: Stage) -> Text:
    """Answers come at once, whatever the broadcaster does."""
    alice = await _with_ticks(stage)
    took: list[float] = []
    trips: list[float] = []
    for _ in range(ECHOES):
        text = stage.unique("Selam")
        begun = stage.clock()
        await alice.send(text)
        came = await alice.next(is_answer, within=_patient(stage))
        if came is None:
            raise await stage.silence(alice, NO_ECHO)
        if came.text != ECHO + text:
            raise Failure(ECHO_DIFFERS, expected=quoted(ECHO + text), came=came)
        took.append(came.at - begun)
        trips.append(await stage.patience.trip())
    typical, trip = statistics.median(took), statistics.median(trips)
    shown = {"count": ECHOES, "typical": typical * 1000, "period": PERIOD * 1000, "trip": trip * 1000}
    if typical > PERIOD / 2 and typical > 10 * trip:
        raise Failure(ECHO_WAITS, _DELAYED, **shown)
    return filled(_ANSWERED, **shown)


# Who comes late

ONLY_THE_FIRST = Misconception(
    "not-for-late-ones",
    Text(
        en="The broadcaster speaks to those who were there when it began; who came later is not among them.",
        tr="Yayıncı, başladığında orada olanlara konuşuyor; sonradan gelen aralarında yok.",
    ),
    Text(
        en="Ask for the list in each turn of the loop: `for client in list(connected_clients)` inside `while True:`.",
        tr="Listeye döngünün her turunda yeniden bakın: `while True:` içinde `for client in list(connected_clients)`.",
    ),
)
LOSES_THE_FIRST = Misconception(
    "newcomer-replaces",
    Text(
        en="Since {who} came, A hears no ticks any more.",
        tr="{who} geldiğinden beri A tik duymuyor.",
    ),
    Text(
        en="Every connection has its own place in the list; a single variable holds only the last one.",
        tr="Her bağlantının listede kendi yeri olmalı; tek bir değişken yalnızca sonuncuyu tutar.",
    ),
)
_LATE = Text(
    en="B came in the middle and heard {first} first, C a period later {second}; A went on hearing every one.",
    tr="B arada geldi, ilk duyduğu {first}; C bir periyot sonra geldi, ilk duyduğu {second}; A hepsini duymayı "
    "sürdürdü.",
)
_A_KEPT_SILENT = Text(en="A heard nothing after {who} had come.", tr="{who} geldikten sonra A bir şey duymadı.")


async def late(stage: Stage) -> Text:
    """Who comes in the middle hears the next tick, and nobody is forgotten."""
    alice = await _with_ticks(stage)
    await _hears(stage, alice, 1)
    first: list[int] = []
    for who in "BC":
        newcomer = await stage.connect(who)
        if not await _hears(stage, newcomer, 1):
            failure = await stage.silence(newcomer, ONLY_THE_FIRST)
            missing = failure.misconception is ONLY_THE_FIRST
            raise Failure(ONLY_THE_FIRST, _SILENT, who=who) if missing else failure
        first.append(ticks_of(newcomer)[0])
        if not await _goes_on(stage, alice, 1):
            raise Failure(LOSES_THE_FIRST, _A_KEPT_SILENT, who=who)
    return filled(_LATE, first=first[0], second=first[1])


# One tick a period

TASK_EACH = Misconception(
    "task-per-connection",
    Text(
        en="With every client that comes the ticks come faster: each connection starts another broadcaster.",
        tr="Her yeni istemciyle tikler sıklaşıyor: her bağlantı bir yayıncı daha başlatıyor.",
    ),
    Text(
        en="Take `create_task` out of the handler. The server starts one broadcaster, in `lifespan`.",
        tr="`create_task` çağrısını işleyiciden çıkarın. Yayıncıyı, `lifespan` içinde, sunucu bir kez başlatır.",
    ),
)
CLOCK_EACH = Misconception(
    "clock-for-each",
    Text(
        en="Each client hears a count of its own, so each has a task of its own; a thousand clients are a thousand "
        "timers.",
        tr="Her istemci kendine ait bir sayı duyuyor; demek ki her birinin ayrı görevi var. Bin istemci, bin "
        "zamanlayıcı demek.",
    ),
    Text(
        en="One task counts and sends the same number to everybody in the list.",
        tr="Tek bir görev saysın ve listedeki herkese aynı sayıyı göndersin.",
    ),
)
TOO_FAST = Misconception(
    "too-fast",
    Text(
        en="Even for a single client the ticks come much more often than once a period.",
        tr="Tek bir istemci varken bile tikler periyotta bir kereden çok daha sık geliyor.",
    ),
    Text(
        en="Sleep for `PERIOD` seconds once in each turn of the loop: `await asyncio.sleep(PERIOD)`.",
        tr="Döngünün her turunda bir kez `PERIOD` saniye uyuyun: `await asyncio.sleep(PERIOD)`.",
    ),
)
HEARS_TWICE = Misconception(
    "hears-twice",
    Text(
        en="{who} heard the same tick twice: the connection is in the list twice, or two tasks send.",
        tr="{who} aynı tiki iki kez duydu: bağlantı listede iki kez var ya da iki görev gönderiyor.",
    ),
    Text(
        en="Append once, after `accept()`; start one task.",
        tr="Bir kez, `accept()` sonrasında ekleyin; tek görev başlatın.",
    ),
)
_STEADY = Text(
    en="{clients} clients, one tick every {typical:.0f} ms, the same ones to everybody; the period is {period:.0f} ms.",
    tr="{clients} istemci, her {typical:.0f} ms'de bir tik; herkese aynıları. Periyot {period:.0f} ms.",
)
_FAST = Text(
    en="Half of the ticks came {typical:.0f} ms or less after the one before. The period is {period:.0f} ms.",
    tr="Tiklerin yarısı bir öncekinden en çok {typical:.0f} ms sonra geldi. Periyot {period:.0f} ms.",
)
_OWN_COUNT = Text(
    en="At the same time A heard {ours} and {who} heard {theirs}.",
    tr="Aynı sırada A {ours}, {who} ise {theirs} duydu.",
)


async def one(stage: Stage) -> Text:
    """Six clients hear one tick a period, and all the same."""
    alice = await _with_ticks(stage)
    await _hears(stage, alice, TICKS)
    mark = len(alice.messages)
    others = [await stage.connect(who) for who in "BCDEFG"[: CLIENTS - 1]]
    typical = await _interval(stage, alice)
    if typical is not None and typical < PERIOD / 2:
        # A second look: ticks that were held up on the way arrive together.
        typical = await _interval(stage, alice)
    for client in (alice, *others):
        numbers = ticks_of(client)
        if not numbers or typical is None:
            raise Waits("late", _LATE_FIRST, _SILENT, who=client.who)
    if typical is not None and typical < PERIOD / 2:
        alone = await _alone(stage)
        raise Failure(TOO_FAST if alone else TASK_EACH, _FAST, typical=typical * 1000, period=PERIOD * 1000)
    for client in (alice, *others):
        numbers = ticks_of(client)
        if any(earlier == later for earlier, later in itertools.pairwise(numbers)):
            raise Failure(HEARS_TWICE, _NUMBERS, who=client.who, numbers=_shown(numbers))
    last = others[-1]
    ours, theirs = ticks_of(alice, mark), ticks_of(last)
    if len(set(theirs) - set(ours)) > 1:
        raise Failure(CLOCK_EACH, _OWN_COUNT, who=last.who, ours=_shown(ours), theirs=_shown(theirs))
    return filled(_STEADY, clients=CLIENTS, typical=(typical or PERIOD) * 1000, period=PERIOD * 1000)


_LATE_FIRST = Misconception(
    "late-ones-first",
    Text(en="Not everybody who is connected hears ticks.", tr="Bağlı olanların hepsi tik duymuyor."),
    Text(en="First bring the check `{needs}` to pass.", tr="Önce `{needs}` sınamasını geçin."),
)


async def _interval(stage: Stage, client: Client) -> float | None:
    """The median of the times between `COUNTED` ticks, in seconds; None where they do not come.

    The median, since one tick that is held up on the way says nothing about the others.
    """
    since = len(client.messages)

    def look() -> list[float] | None:
        return found if len(found := times_of(client, since)) >= COUNTED else None

    found = await stage.until(look, COUNTED * PERIOD + _patient(stage))
    if found is None:
        return None
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(found))


async def _alone(stage: Stage) -> bool:
    """Whether the ticks are too fast also for the first client of a fresh app."""
    lines = list(stage.lines)
    await _afresh(stage)
    typical = await _interval(stage, await stage.connect("A"))
    stage.lines = lines
    return typical is not None and typical < PERIOD / 2


# Who leaves

DIES = Misconception(
    "dies-with-a-client",
    Text(
        en="A client left, and nobody heard a tick any more: sending to it raised, and that ended the one task "
        "for all.",
        tr="Bir istemci ayrıldı, sonra kimse tik duymadı: ona göndermek istisna fırlattı, bu da herkesin tek görevini "
        "bitirdi.",
    ),
    Text(
        en="Put a `try` around the send to one client, inside the loop; walk over `list(connected_clients)`.",
        tr="Döngünün içinde, tek istemciye göndermenin çevresine `try` koyun; `list(connected_clients)` üzerinde "
        "dolaşın.",
    ),
)
_SURVIVED = Text(
    en="One left with 1000, one with a FIN, two with a RST; A heard on, from {first} to {last}.",
    tr="Biri 1000 ile, biri FIN ile, ikisi RST ile ayrıldı; A tikleri duymayı sürdürdü: ilki {first}, "
    "sonuncusu {last}.",
)
_DIED = Text(
    en="{who} left, A stayed. The last tick that A heard was {last}{how}.",
    tr="{who} ayrıldı, A yerindeydi. A en son {last} tikini duydu{how}.",
)
SKIPS = Misconception(
    "misses-a-tick",
    Text(
        en="When somebody leaves, somebody else misses a tick: the list moved while the loop walked over it, or the "
        "round was broken off.",
        tr="Biri ayrılınca bir başkası tik kaçırıyor: döngü listenin üzerinde dolaşırken liste kaydı ya da tur yarıda "
        "kesildi.",
    ),
    Text(
        en="Walk over a copy, `list(connected_clients)`, and put the `try` inside that loop.",
        tr="Bir kopya üzerinde dolaşın, `list(connected_clients)`; `try` da o döngünün içinde olsun.",
    ),
)


async def survive(stage: Stage) -> Text:
    """Clients leave in every way, and who stays hears every tick."""
    alice = await _with_ticks(stage)
    first = ticks_of(alice)[0]
    ways = {"B": Client.close, "C": Client.fin, "D": Client.reset, "E": Client.reset}
    for who, leave in ways.items():
        guest = await stage.connect(who)
        if not await _goes_on(stage, alice, 1):
            raise Waits("late", _LATE_FIRST, _A_KEPT_SILENT, who=who)
        await leave(guest)
        # The first tick after that may have been on its way already.
        if not await _goes_on(stage, alice, 2):
            raised = [error for error in await stage.raised() if not error.warning]
            failure = await stage.silence(alice, DIES)
            if failure.misconception is general.BLOCKS:
                raise failure
            how = f": {raised[-1]}" if raised else ""
            raise Failure(DIES, _DIED, who=who, last=ticks_of(alice)[-1], how=how)
    numbers = ticks_of(alice)
    if numbers == sorted(numbers) and set(range(first, numbers[-1])) - set(numbers):
        raise Failure(SKIPS, _NUMBERS, who="A", numbers=_shown(numbers))
    return filled(_SURVIVED, first=first, last=numbers[-1])


# The end

NEVER_ENDS = Misconception(
    "never-ends",
    Text(
        en="The shutdown never came to its end and had to be broken off: somebody waits for a task that nobody "
        "cancelled, or the task goes on in spite of it.",
        tr="Kapanış bitmedi, zorla kesildi: biri, hiç kimsenin iptal etmediği bir görevi bekliyor ya da görev iptale "
        "aldırmıyor.",
    ),
    Text(
        en="After the `yield`: `task.cancel()`, then wait for it. `except Exception` lets the cancellation through; a "
        "bare `except:` does not.",
        tr="`yield` sonrasında önce `task.cancel()`, sonra bekleme. `except Exception` iptali geçirir; çıplak "
        "`except:` geçirmez.",
    ),
)
ENDS_WITH_AN_ERROR = Misconception(
    "ends-with-an-error",
    Text(
        en="The shutdown ended with an exception: {error}.",
        tr="Kapanış bir istisnayla bitti: {error}.",
    ),
    Text(
        en="Waiting for a cancelled task raises `CancelledError`: `with contextlib.suppress(asyncio.CancelledError):`",
        tr="İptal edilmiş görevi beklemek `CancelledError` fırlatır: `with "
        "contextlib.suppress(asyncio.CancelledError):`",
    ),
)
NO_SECOND_START = Misconception(
    "no-second-start",
    Text(
        en="After a shutdown and a new start the server answers, but it does not tick any more.",
        tr="Kapanıp yeniden başladıktan sonra sunucu yanıt veriyor, ama artık tik göndermiyor.",
    ),
    Text(
        en="Every start needs its own task: create it in `lifespan` without asking whether there once was one.",
        tr="Her başlangıcın kendi görevi olmalı: bir zamanlar var mıydı diye sormadan `lifespan` içinde oluşturun.",
    ),
)
_ENDED = Text(
    en="A got {code}, the app ended within {took:.1f} s without an error, and ticked again after a new start.",
    tr="A {code} aldı; uygulama {took:.1f} saniye içinde hatasız sona erdi, yeniden başlayınca yine tik gönderdi.",
)
_ENDLESS = Text(
    en="After {took:.1f} s the app was still ending.", tr="Uygulama {took:.1f} saniye sonra hâlâ kapanıyordu."
)
_RAISED_AT_END = Text(en="While it ended, the server raised {error}.", tr="Sunucu kapanırken şunu fırlattı: {error}.")


async def shutdown(stage: Stage) -> Text:
    """The app ends by itself when it is shut down, and starts again."""
    took = 0.0
    # A machine that stood still is slow once; an app that never ends is slow again.
    for _ in range(2):
        alice = await _with_ticks(stage)
        before = set(await stage.raised(disconnects=True))
        begun = stage.clock()
        await stage.stop_server()
        took = stage.clock() - begun
        if took < SLOWEST_STOP:
            break
        await stage.restart_server()
        if took > 3 * SLOWEST_STOP:
            break
    if took >= SLOWEST_STOP:
        raise Failure(NEVER_ENDS, _ENDLESS, took=took)
    end = await alice.ended()
    errors = [one for one in await stage.raised(disconnects=True) if one not in before and _is_fault(one.name)]
    await stage.restart_server()
    if errors:
        # The framework's own remark that the end failed comes behind what made it fail.
        error = next((one for one in errors if one.name.endswith("Error")), errors[-1])
        raise Failure(ENDS_WITH_AN_ERROR, _RAISED_AT_END, error=str(error).rstrip("."))
    bob = await stage.connect("B")
    if not await _hears(stage, bob, 1):
        failure = await stage.silence(bob, NO_SECOND_START)
        again = failure.misconception is NO_SECOND_START
        raise Failure(NO_SECOND_START, _SILENT, who="B") if again else failure
    return filled(_ENDED, code=end.code if end is not None else "–", took=took)


def _is_fault(name: str) -> bool:
    # A send to a client that leaves at that moment is nobody's fault.
    return name not in ("WebSocketDisconnect", "ClientDisconnected")


# The warm-up

STARTS_AT_THE_END = Misconception(
    "starts-at-the-end",
    Text(
        en="The client came and heard nothing: what stands behind the `yield` runs when the server ends.",
        tr="İstemci geldi ve bir şey duymadı: `yield` ardındaki satırlar sunucu kapanırken çalışır.",
    ),
    Text(
        en="Swap two lines, so that the task is there before the first client.",
        tr="İki satırın yerini değiştirin; görev ilk istemciden önce hazır olsun.",
    ),
)


async def warm_up(stage: Stage) -> Text:
    """The mended clock ticks."""
    client = await stage.connect("A")
    came = await client.next(is_by_server)
    if came is None:
        raise await stage.silence(client, STARTS_AT_THE_END)
    return filled(_CAME, came=came)


_CAME = Text(en="{came} came by itself.", tr="{came} kendiliğinden geldi.")

_LOOP_SKELETON = (
    "async def broadcaster():\n    number = 0\n    while True:\n        await asyncio.…………(PERIOD)\n"
    "        number += 1\n        for client in list(connected_clients):\n            …………"
)
_LIFESPAN_SKELETON = (
    "@asynccontextmanager\nasync def lifespan(app):\n    task = asyncio.…………(broadcaster())\n    yield\n"
    "    task.…………()\n    with suppress(asyncio.CancelledError):\n        await task\n\n"
    "app = FastAPI(…………)"
)


LAB = Lab(
    "L5-broadcaster",
    Text(en="The broadcaster", tr="Yayıncı"),
    (
        Check(
            "warmup",
            Text(en="Mended by swapping two lines", tr="İki satırın yeri değiştirilerek onarıldı"),
            0,
            warm_up,
            (
                Hint(
                    Text(
                        en="A lifespan runs in two parts. Which line parts them?",
                        tr="Yaşam döngüsü iki parça hâlinde çalışır. Onları hangi satır ayırıyor?",
                    )
                ),
                Hint(
                    Text(
                        en="Up to the `yield` it runs before the first client, behind it after the last.",
                        tr="`yield` satırına kadar olan, ilk istemciden önce; ardındaki, sonuncudan sonra çalışır.",
                    )
                ),
                Hint(
                    Text(en="The order of the lines:", tr="Satırların sırası:"),
                    "ticking = asyncio.create_task(tick())\n…………\nticking.cancel()",
                ),
            ),
            (STARTS_AT_THE_END,),
            app="clock",
        ),
        Check(
            "ticks",
            Text(en="Ticks without a word from the client", tr="İstemci tek söz etmeden gelen tikler"),
            3,
            ticks,
            (
                Hint(
                    Text(
                        en="Who speaks when no client does? Look for the line that starts it.",
                        tr="Hiçbir istemci konuşmazken kim konuşuyor? Onu başlatan satırı arayın.",
                    )
                ),
                Hint(
                    Text(
                        en="A coroutine with `while True:` and a sleep, made into a task in `lifespan` before the "
                        "`yield`; the app is given that `lifespan`.",
                        tr="İçinde `while True:` ve bekleme olan bir eşyordam; `lifespan` içinde, `yield` öncesinde "
                        "göreve dönüşür; uygulamaya da bu `lifespan` verilir.",
                    )
                ),
                Hint(Text(en="The task and its start:", tr="Görev ve başlatılması:"), _LIFESPAN_SKELETON),
            ),
            (NEVER_TICKS, NEEDS_TRAFFIC, STOPS_TICKING, OTHER_TICK, NOT_COUNTING),
            budget=20.0,
        ),
        Check(
            "echo",
            Text(en="The echo does not wait for a tick", tr="Yankı tiki beklemiyor"),
            2,
            echo,
            (
                Hint(
                    Text(
                        en="Compare the time of a message with that of its answer, and with that of the next tick.",
                        tr="Bir mesajın zamanını yanıtınınkiyle, bir de sonraki tikinkiyle karşılaştırın.",
                    )
                ),
                Hint(
                    Text(
                        en="The handler answers by itself. A lock that is held across `await asyncio.sleep(…)` holds "
                        "up everybody who wants it.",
                        tr="İşleyici kendisi yanıt verir. `await asyncio.sleep(…)` boyunca tutulan bir kilit, onu "
                        "isteyen herkesi bekletir.",
                    )
                ),
                Hint(
                    Text(en="Nothing but this answers:", tr="Yanıtlayan yalnızca burası:"),
                    'data = await websocket.receive_text()\nawait …………(f"Mesajınız: {data}")',
                ),
            ),
            (NO_ECHO, ECHO_DIFFERS, ECHO_WAITS, _NO_TICKS_YET),
            needs="ticks",
            budget=20.0,
        ),
        Check(
            "late",
            Text(en="Who comes late hears them, too", tr="Sonradan gelen de duyuyor"),
            2,
            late,
            (
                Hint(
                    Text(
                        en="When does your task look at the list: once, or in every turn?",
                        tr="Göreviniz listeye ne zaman bakıyor: bir kez mi, her turda mı?",
                    )
                ),
                Hint(
                    Text(
                        en="A copy that is made before the loop never changes; make it inside.",
                        tr="Döngüden önce alınan kopya hiç değişmez; kopyayı içeride alın.",
                    )
                ),
                Hint(Text(en="The whole task:", tr="Görevin tamamı:"), _LOOP_SKELETON),
            ),
            (ONLY_THE_FIRST, LOSES_THE_FIRST, _NO_TICKS_YET),
            needs="ticks",
            budget=20.0,
        ),
        Check(
            "one",
            Text(en="One tick a period, however many come", tr="Kaç kişi gelirse gelsin, periyotta tek tik"),
            3,
            one,
            (
                Hint(
                    Text(
                        en="How many tasks that tick are there with six clients? Which line starts one?",
                        tr="Altı istemci varken tik gönderen kaç görev var? Onları hangi satır başlatıyor?",
                    )
                ),
                Hint(
                    Text(
                        en="The handler runs once for each client, the lifespan once for the server.",
                        tr="İşleyici her istemci için bir kez, yaşam döngüsü sunucu için bir kez çalışır.",
                    )
                ),
                Hint(Text(en="One start, here:", tr="Tek başlangıç, burada:"), _LIFESPAN_SKELETON),
            ),
            (TASK_EACH, CLOCK_EACH, TOO_FAST, HEARS_TWICE, _NO_TICKS_YET, _LATE_FIRST),
            needs="ticks",
            budget=20.0,
        ),
        Check(
            "survive",
            Text(en="It outlives its clients", tr="İstemcilerinden uzun yaşıyor"),
            3,
            survive,
            (
                Hint(
                    Text(
                        en="What does a send to a client that is gone do, and which loop is around that line?",
                        tr="Gitmiş bir istemciye göndermek ne yapar, o satırın çevresinde hangi döngü var?",
                    )
                ),
                Hint(
                    Text(
                        en="An exception goes up to the nearest `try`. Around the whole loop it saves nobody.",
                        tr="İstisna en yakın `try` bloğuna kadar çıkar. Döngünün tamamını saran, kimseyi kurtarmaz.",
                    )
                ),
                Hint(
                    Text(en="For each client:", tr="Her istemci için:"),
                    "for client in list(connected_clients):\n    try:\n        …………\n"
                    "    except Exception:\n        pass",
                ),
            ),
            (DIES, SKIPS, _NO_TICKS_YET, _LATE_FIRST),
            needs="ticks",
            budget=25.0,
        ),
        Check(
            "shutdown",
            Text(en="A clean end, and a new start", tr="Temiz bir son, yeni bir başlangıç"),
            3,
            shutdown,
            (
                Hint(
                    Text(
                        en="What is behind the `yield` of your lifespan? It runs when the server ends.",
                        tr="Yaşam döngünüzde `yield` ardında ne var? Orası sunucu kapanırken çalışır.",
                    )
                ),
                Hint(
                    Text(
                        en="Cancel the task, wait for it, and expect the `CancelledError` that comes out of the wait.",
                        tr="Görevi iptal edin, bekleyin; beklemeden çıkacak `CancelledError` istisnasına hazır olun.",
                    )
                ),
                Hint(Text(en="Both parts:", tr="İki parça:"), _LIFESPAN_SKELETON),
            ),
            (NEVER_ENDS, ENDS_WITH_AN_ERROR, NO_SECOND_START, _NO_TICKS_YET),
            needs="ticks",
            budget=25.0,
        ),
    ),
)
