"""`chat:app`: which file it is, and whether Python can read it. Nothing of it is run here."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wslab.language import Text
from wslab.serving.arguments import stays_here
from wslab.serving.errors import ServerStartError, WrongApp

MOST = 32
"""Processes of one server."""

_FORM = Text(
    en="serve({app!r}, processes={processes}): write the file's name without .py, a colon and the name of the app in "
    'it: serve("{suggested}", processes={processes})',
    tr="serve({app!r}, processes={processes}): dosyanın adını .py olmadan, sonra iki nokta, sonra içindeki uygulamanın "
    'adını yazın: serve("{suggested}", processes={processes})',
)
_OBJECT = Text(
    en="processes={processes} needs a name, and got the app itself: every process is a Python of its own and imports "
    "the app from a file. Write the app into one (`%%writefile chat.py` as the first line of its cell), then "
    'serve("chat:app", processes={processes}).',
    tr="processes={processes} bir ad ister, verilen ise uygulamanın kendisi: her süreç ayrı bir Python'dur ve "
    "uygulamayı bir dosyadan içe aktarır. Uygulamayı bir dosyaya yazın (hücresinin ilk satırı `%%writefile chat.py` "
    'olsun), sonra serve("chat:app", processes={processes}) deyin.',
)
_NUMBER = Text(
    en="processes={processes!r} is no number of processes: write a whole number from 1 to {most}.",
    tr="processes={processes!r} bir süreç sayısı değil: 1 ile {most} arasında bir tam sayı yazın.",
)
_MISSING = Text(
    en="There is no {file} in {folder}, where this notebook runs. Run the cell that writes it; its first line is "
    "`%%writefile {file}`.",
    tr="Bu not defterinin çalıştığı {folder} klasöründe {file} yok. Onu yazan hücreyi çalıştırın; ilk satırı "
    "`%%writefile {file}` olmalı.",
)
_SYNTAX = Text(
    en="Python cannot read {file}, line {line}: {error}. Mend that line, run the cell that writes the file, then this "
    "one.",
    tr="Python {file} dosyasının {line}. satırını okuyamıyor: {error}. O satırı düzeltin, dosyayı yazan hücreyi "
    "çalıştırın, sonra bunu.",
)
_AWAIT = Text(
    en="{file}, line {line}, awaits outside of a function. A notebook's cell may do that and a file may not: put it "
    "into an `async def`, run the cell that writes the file, then this one.",
    tr="{file} dosyasının {line}. satırı bir fonksiyonun dışında `await` kullanıyor. Not defterinin hücresi bunu "
    "yapabilir, dosya yapamaz: satırı bir `async def` içine alın, dosyayı yazan hücreyi çalıştırın, sonra bunu.",
)
_SHARED = Text(
    en="A server in {processes} processes stays on this machine and has no token: who has joined is kept in one "
    "process's memory. Leave host and token out, or share one process: serve(app, host=…, token=True).",
    tr="{processes} süreçli bir sunucu bu makinede kalır ve kodu yoktur: kimin katıldığı tek bir sürecin belleğinde "
    "tutulur. host ile token yazmayın ya da tek süreci paylaşın: serve(app, host=…, token=True).",
)
_PLAIN = Text(
    en="The options of a server in processes of its own are sent to them, so each has to be a number, a string, a list "
    "or None; {option}={value} is something else.",
    tr="Ayrı süreçlerde çalışan sunucunun seçenekleri onlara gönderilir; bu yüzden her biri sayı, metin, liste ya da "
    "None olmalı. {option}={value} bunlardan biri değil.",
)


@dataclass(frozen=True)
class Named:
    """An app by its name.

    Attributes:
        app: `chat:app`.
        folder: from which it is imported.
        file: in which it is.
    """

    app: str
    folder: Path
    file: Path

    def read(self) -> None:
        """Make sure that the file is there and is Python.

        Raises:
            ServerStartError: a sentence with the file and the line.
        """
        name = self.file.relative_to(self.folder).as_posix()
        try:
            source = self.file.read_bytes()
        except OSError:
            raise ServerStartError(_MISSING, file=name, folder=self.folder) from None
        try:
            with warnings.catch_warnings():  # those of a file are said where it is imported
                warnings.simplefilter("ignore")
                compile(source, str(self.file), "exec")
        except SyntaxError as error:
            outside = "'await' outside" in (error.msg or "") or "outside async function" in (error.msg or "")
            raise ServerStartError(
                _AWAIT if outside else _SYNTAX, file=name, line=error.lineno or 1, error=error.msg
            ) from None
        except ValueError as error:  # null bytes, before Python 3.12
            raise ServerStartError(_SYNTAX, file=name, line=1, error=error) from None


def named(app: Any, processes: Any, host: str, token: object, options: dict[str, Any]) -> Named:
    """What `serve(app, processes=…)` names.

    Raises:
        WrongApp: `app` is no such name, or `processes` no such number.
        ServerStartError: it would be open to a network, or an option can't be sent to another process.
    """
    if not isinstance(processes, int) or isinstance(processes, bool) or not 1 <= processes <= MOST:
        raise WrongApp(_NUMBER, processes=processes, most=MOST)
    if not isinstance(app, str):
        raise WrongApp(_OBJECT, processes=processes)
    module, colon, name = app.partition(":")
    parts = module.split(".")
    if not colon or not all(part.isidentifier() for part in (*parts, *name.split("."))) or parts[-1] == "py":
        raise WrongApp(_FORM, app=app, processes=processes, suggested=_suggested(module, name))
    if token or not stays_here(str(host)):
        raise ServerStartError(_SHARED, processes=processes)
    for option, value in options.items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            raise ServerStartError(_PLAIN, option=option, value=f"{value!r:.40}") from None
    folder = Path.cwd()
    path = folder.joinpath(*parts)
    package = path / "__init__.py"
    return Named(app, folder, package if package.is_file() else path.with_name(f"{parts[-1]}.py"))


def _suggested(module: str, name: str) -> str:
    stem = module.strip().replace("\\", "/").rpartition("/")[2].removesuffix(".py")
    return f"{stem if stem.isidentifier() else 'chat'}:{name if name.isidentifier() else 'app'}"
