"""What was given to serve(): is it an app, and can these options work in a thread?"""

from __future__ import annotations

import inspect
import ipaddress
from numbers import Integral, Real
from types import ModuleType
from typing import Any
from urllib.parse import quote

from wslab.gate import acceptable, new_token
from wslab.language import Text
from wslab.serving.errors import ServerStartError, WrongApp

_STRING = Text(
    en="serve({app!r}) got a name. Inside a notebook hand over the object itself: serve(app). Names such as "
    "“server:app” are for uvicorn in a terminal, which imports a file; serve({app!r}, processes=2) does that, too, in "
    "processes of its own.",
    tr="serve({app!r}) bir ad aldı. Not defterinde nesnenin kendisini verin: serve(app). “server:app” gibi adlar, "
    "bir dosyayı içe aktaran uçbirimdeki uvicorn içindir; serve({app!r}, processes=2) de dosyayı içe aktarır, ama ayrı "
    "süreçlerde.",
)
_RELOAD = Text(
    en="reload=True restarts a process whenever a file changes; here the server is a thread of your kernel, and the "
    "kernel cannot restart itself. Run the cell again instead: serve(app) replaces the old server.",
    tr="reload=True, dosya değiştikçe bir süreci yeniden başlatır; burada sunucu çekirdeğinizin bir iş parçacığı ve "
    "çekirdek kendini yeniden başlatamaz. Hücreyi yeniden çalıştırın: serve(app) eski sunucunun yerine geçer.",
)
_WORKERS = Text(
    en="workers={workers} would start more processes; this server is one thread of your kernel. Leave it out, or serve "
    'a file: serve("chat:app", processes={workers}).',
    tr="workers={workers} başka süreçler başlatırdı; bu sunucu çekirdeğinizin tek bir iş parçacığı. Yazmayın ya da bir "
    'dosya sunun: serve("chat:app", processes={workers}).',
)
_RESTART = Text(
    en="reload=True restarts the processes whenever a file changes. Here you say when: server.restart() imports the "
    "file as it is now.",
    tr="reload=True, dosya değiştikçe süreçleri yeniden başlatır. Burada zamanı siz seçersiniz: server.restart() "
    "dosyayı şimdiki hâliyle içe aktarır.",
)
_WORKERS_TOO = Text(
    en="workers is what uvicorn calls it; here it is processes={workers}. Leave workers out.",
    tr="workers, uvicorn'daki adıdır; burada processes={workers} yazılır. workers yazmayın.",
)
_OPTION = Text(
    en="serve() does not know {option}. It takes name, host, port, token, limits, send_buffer, processes and these "
    "options of uvicorn: {known}.",
    tr="serve() {option} seçeneğini tanımıyor. Aldıkları: name, host, port, token, limits, send_buffer, processes ve "
    "uvicorn'un şu seçenekleri: {known}.",
)
_CLASS = Text(
    en="serve({name}) got the class. Make an object of it first: app = {name}(), then serve(app).",
    tr="serve({name}) sınıfın kendisini aldı. Önce ondan bir nesne oluşturun: app = {name}(), sonra serve(app).",
)
_MODULE = Text(
    en="serve() got the module {name}. Hand over the app inside it: serve({name}.app).",
    tr="serve() {name} modülünü aldı. İçindeki uygulamayı verin: serve({name}.app).",
)
_HANDLER = Text(
    en="serve({name}) got a function of yours, not the app. Hand over the FastAPI object that the function is "
    "registered with: serve(app).",
    tr="serve({name}) uygulamayı değil, bir fonksiyonunuzu aldı. Fonksiyonu kaydettiğiniz FastAPI nesnesini "
    "verin: serve(app).",
)
_WSGI = Text(
    en="This is a WSGI app ({name}); WebSockets need an ASGI app such as FastAPI().",
    tr="Bu bir WSGI uygulaması ({name}); WebSocket için FastAPI() gibi bir ASGI uygulaması gerekir.",
)
_NO_APP = Text(
    en="serve() needs an ASGI app such as app = FastAPI(); it got {what}.",
    tr="serve(), app = FastAPI() gibi bir ASGI uygulaması ister; verilen: {what}.",
)
_OPEN = Text(
    en="host={host!r} would let everybody on this machine's networks reach your app. To share it with a class write "
    "serve(app, host={host!r}, token=True): then only who has the token comes in. Without host it stays "
    "on this machine.",
    tr="host={host!r} uygulamanızı bu makinenin ağlarındaki herkese açardı. Sınıfla paylaşmak için "
    "serve(app, host={host!r}, token=True) yazın: o zaman yalnızca kodu bilenler girer. host yazmazsanız uygulama bu "
    "makinede kalır.",
)
_TOKEN = Text(
    en="token={token!r} cannot stand in an address. Write token=True to get a new one at each start, or 8 to 64 "
    "English letters, digits and hyphens.",
    tr="token={token!r} bir adreste duramaz. Her başlangıçta yenisini almak için token=True yazın ya da 8 ile 64 "
    "arasında İngilizce harf, rakam ve tire kullanın.",
)
_ROOT_PATH = Text(
    en="root_path={root_path!r} has signs that uvicorn can't send on. Write it percent-encoded: {encoded!r}.",
    tr="root_path={root_path!r} uvicorn'un iletemediği işaretler içeriyor. Yüzde kodlamasıyla yazın: {encoded!r}.",
)

_WHOLE = Text(en="a whole number", tr="bir tam sayı")
_SECONDS = Text(en="a number of seconds", tr="saniye olarak bir sayı")
_SWITCH = Text(en="True or False", tr="True ya da False")
_PATH = Text(en="a text such as '/api'", tr="'/api' gibi bir metin")
_KIND = Text(
    en="serve() takes {kind} as {name}, not {value!r}.", tr="serve(), {name} için {kind} ister; verilen: {value!r}."
)
_KINDS: dict[Text, type] = {_WHOLE: Integral, _SECONDS: Real, _SWITCH: bool, _PATH: str}

# What each option takes. uvicorn looks at those without a kind when it starts, at the others when a client comes.
_OPTIONS: dict[str, Text | None] = {
    "ws": None,
    "http": None,
    "lifespan": None,
    "headers": None,
    "ws_max_size": _WHOLE,
    "ws_max_queue": _WHOLE,
    "ws_ping_interval": _SECONDS,
    "ws_ping_timeout": _SECONDS,
    "ws_per_message_deflate": _SWITCH,
    "root_path": _PATH,
    "server_header": _SWITCH,
    "date_header": _SWITCH,
    "limit_concurrency": _WHOLE,
    "timeout_keep_alive": _SECONDS,
}
_OF_PROCESSES: dict[str, Text | None] = {"timeout_graceful_shutdown": _SECONDS, "timeout_worker_healthcheck": _SECONDS}
_MAY_BE_NONE = {"ws_ping_interval", "ws_ping_timeout", "limit_concurrency", "timeout_graceful_shutdown"}


def validate(app: Any, options: dict[str, Any]) -> None:
    """Check `app` and take `reload` and `workers` out of `options`.

    Raises:
        WrongApp: with a sentence that says what to write instead.
    """
    if isinstance(app, str):
        raise WrongApp(_STRING, app=app)
    validate_options(options)
    if isinstance(app, type):
        raise WrongApp(_CLASS, name=app.__name__)
    if isinstance(app, ModuleType):
        raise WrongApp(_MODULE if hasattr(app, "app") else _NO_APP, name=app.__name__, what=repr(app))
    if hasattr(app, "wsgi_app"):
        raise WrongApp(_WSGI, name=type(app).__name__)
    if not callable(app):
        raise WrongApp(_NO_APP, what=f"{app!r:.80}")
    try:
        inspect.signature(app).bind("scope", "receive", "send")
    except TypeError:
        raise WrongApp(
            _HANDLER if inspect.isfunction(app) else _NO_APP, name=app_name(app), what=app_name(app)
        ) from None
    except ValueError:
        pass  # no signature to look at: let it try


def validate_options(options: dict[str, Any], *, of_processes: bool = False) -> None:
    """Take `reload` and `workers` out of `options` and look at the others.

    Args:
        options: of `uvicorn.Config`.
        of_processes: whether the server is to run in processes of its own.

    Raises:
        WrongApp: with a sentence that says what to write instead.
    """
    if options.pop("reload", False):
        raise WrongApp(_RESTART if of_processes else _RELOAD)
    workers = options.pop("workers", 1)
    if workers not in (None, 1):
        raise WrongApp(_WORKERS_TOO if of_processes else _WORKERS, workers=workers)
    allowed = _OPTIONS | _OF_PROCESSES if of_processes else _OPTIONS
    if unknown := sorted(options.keys() - allowed):
        raise WrongApp(_OPTION, option=", ".join(unknown), known=", ".join(sorted(allowed)))
    for name, value in options.items():
        kind = allowed[name]
        if kind is None or (value is None and name in _MAY_BE_NONE):
            continue
        if not isinstance(value, _KINDS[kind]) or isinstance(value, bool) != (kind is _SWITCH):
            raise WrongApp(_KIND, kind=kind, name=name, value=value)
    root_path = options.get("root_path", "")
    if not root_path.isascii():
        raise WrongApp(_ROOT_PATH, root_path=root_path, encoded=quote(root_path, safe="/%"))


def stays_here(host: str) -> bool:
    """Whether what listens on `host` is reachable from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def validate_sharing(host: Any, token: Any) -> None:
    """Refuse to open an app to a network by accident.

    Raises:
        ServerStartError: `host` is more than this machine and there is no token, or the token is unfit.
    """
    if token and token is not True and not (isinstance(token, str) and acceptable(token)):
        raise ServerStartError(_TOKEN, token=token)
    if not token and not stays_here(str(host)):
        raise ServerStartError(_OPEN, host=host)


def token_for(token: bool | str) -> str:
    """The token of one start: a new one, or the one that was chosen."""
    return token if isinstance(token, str) else new_token()


def app_name(app: object) -> str:
    """What a reader calls this app: a function's name, else its type's."""
    return getattr(app, "__name__", None) or type(app).__name__
