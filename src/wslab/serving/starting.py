"""Sentences on a server that did not start, for a server in this process and for one in processes of its own."""

from __future__ import annotations

from wslab.language import Text
from wslab.serving.errors import ServerStartError
from wslab.serving.exceptions import innermost
from wslab.serving.log import Log

_RAISED = Text(
    en="The app raised while it was starting, so there is no server: {error}{where}. {advice}",
    tr="Uygulama başlarken istisna fırlattı, bu yüzden sunucu yok: {error}{where}. {advice}",
)
_MEND = Text(
    en="Mend that line in its lifespan or startup function and run the cell again.",
    tr="lifespan ya da startup fonksiyonundaki o satırı düzeltip hücreyi yeniden çalıştırın.",
)
_NO_YIELD = Text(
    en="A lifespan needs a `yield`: what stands before it runs at the start, what stands behind it at the end.",
    tr="lifespan fonksiyonunda bir `yield` gerekir: öncesi başlangıçta, sonrası kapanışta çalışır.",
)
_LOOP_RUNS = Text(
    en="A loop runs here already: start the work with `asyncio.create_task(…)`, before the `yield`.",
    tr="Burada zaten bir döngü çalışıyor: işi, `yield` öncesinde `asyncio.create_task(…)` ile başlatın.",
)
_ADVICE = {
    "object is not an async iterator": _NO_YIELD,
    "generator didn't yield": _NO_YIELD,
    "takes 0 positional arguments": Text(
        en="The lifespan is given the app, so it needs a parameter: `async def lifespan(app):`",
        tr="lifespan fonksiyonuna uygulama verilir, bu yüzden bir parametre gerekir: `async def lifespan(app):`",
    ),
    "a coroutine was expected, got <function": Text(
        en="`create_task` wants what the function returns: call it, with parentheses.",
        tr="`create_task`, fonksiyonun döndürdüğünü ister: onu parantezle çağırın.",
    ),
    "does not support the asynchronous context manager protocol": Text(
        en="A lifespan is an `async def` with `@asynccontextmanager` above it.",
        tr="Yaşam döngüsü, üzerinde `@asynccontextmanager` duran bir `async def` fonksiyonudur.",
    ),
    "asyncio.run() cannot be called": _LOOP_RUNS,
    "This event loop is already running": _LOOP_RUNS,
}
"""Parts of what is raised while an app starts, and what to do about each."""
_NOT_THE_APP = Text(
    en="The server could not start, and not because of the app: {error}. Look at the options that serve() was given "
    "besides the app.",
    tr="Sunucu başlayamadı. Sebebi uygulama değil: {error}. serve() çağrısına uygulamanın yanında verdiğiniz "
    "seçeneklere bakın.",
)
_SLOW = Text(
    en="The app had not finished starting after {deadline:g} s. Something in its lifespan or startup function "
    "never ends: a loop belongs into asyncio.create_task(…), not behind a bare await.",
    tr="Uygulama {deadline:g} saniyede başlayamadı. lifespan ya da startup fonksiyonunda hiç bitmeyen bir şey var: "
    "sonsuz döngünün yeri çıplak bir await değil, asyncio.create_task(…).",
)
_HELD = Text(
    en="The app had not finished starting after {deadline:g} s: {place} holds the event loop. A loop that never ends "
    "has to await something in every turn{never}.",
    tr="Uygulama {deadline:g} saniyede başlayamadı: olay döngüsünü {place} tutuyor. Hiç bitmeyen bir döngü, "
    "her turunda bir şeyi await ile beklemelidir{never}.",
)
_NEVER_AWAITED = Text(en="; here {warning}", tr="; burada ise: {warning}")


def slow(log: Log, place: str, deadline: float) -> ServerStartError:
    """What to say of an app that has not finished starting.

    Args:
        log: of its server.
        place: the reader's own line that runs in it; empty where there is none.
        deadline: seconds that it had.
    """
    if not place:
        return ServerStartError(_SLOW, deadline=deadline)
    never = next((entry for entry in log.events if "was never awaited" in entry.text), None)
    warning = "" if never is None else f"{never.text} ({never.place})" if never.place else never.text
    told = _NEVER_AWAITED.format(warning=warning) if warning else ""
    return ServerStartError(_HELD, deadline=deadline, place=place, never=told)


def start_error(error: BaseException | None, *, by_app: bool) -> ServerStartError:
    """What to say of a start that raised.

    Args:
        error: what was raised; None where nobody knows.
        by_app: whether the app's own lifespan raised it.
    """
    if error is None:
        return ServerStartError(_RAISED, error="?", where="", advice=_MEND)
    cause, where = innermost(error)
    said = f"{type(cause).__name__}: {cause}"
    sentence = ServerStartError(
        _RAISED if by_app else _NOT_THE_APP,
        error=said,
        where=f" ({where})" if where else "",
        advice=next((advice for part, advice in _ADVICE.items() if part in said), _MEND),
    )
    sentence.__cause__ = cause
    return sentence
