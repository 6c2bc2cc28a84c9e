"""export(): an app from a notebook's cells as a file of one's own, which uvicorn runs in a terminal."""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib.metadata
import symtable
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Router, WebSocketRoute

from wslab.cells import Run, ended_runs
from wslab.errors import LabError
from wslab.language import Text
from wslab.source import ipython_shell

_NO_KERNEL = Text(
    en="export() collects the cells of a notebook that ran since its `use(…)`, and there are none. Run the notebook "
    "from the top, then this cell.",
    tr="export() bir not defterinde `use(…)` çağrısından sonra çalışan hücreleri toplar, burada ise öyle bir hücre "
    "yok. Not defterini baştan çalıştırın, sonra bu hücreyi.",
)
_NO_NAME = Text(
    en="No variable of this notebook holds this app. Give the app a name first: app = FastAPI()",
    tr="Bu uygulamayı tutan bir değişken yok. Önce uygulamaya bir ad verin: app = FastAPI()",
)
_NO_ROUTE = Text(
    en="`{app}` has no route from a cell that ran after `{app} = …`. Run the cell with its handler, then this one.",
    tr="`{app} = …` satırından sonra çalışan hiçbir hücre `{app}` uygulamasına rota eklemedi. Önce işleyicinin "
    "hücresini, sonra bunu çalıştırın.",
)
_MISSING = Text(
    en="The file would not be whole: no cell that ran defines {names}. Run the cell that does, then this one.",
    tr="Dosya eksik kalırdı: çalışan hiçbir hücre {names} tanımlamıyor. Önce onu tanımlayan hücreyi, sonra bunu "
    "çalıştırın.",
)
_AWAIT = Text(
    en="{cell} awaits outside of a function, which a file cannot do: {line}",
    tr="{cell} hücresi bir fonksiyonun dışında `await` kullanıyor, dosyada bu olmaz: {line}",
)
_BAD_NAME = Text(
    en="{file} can't be imported by uvicorn. Take a name of letters and _ that ends with .py and is no module's: "
    "chat.py",
    tr="uvicorn {file} dosyasını içe aktaramaz. Harf ve _ içeren, .py ile biten ve bir modülün adı olmayan bir ad "
    "seçin: chat.py",
)
_TAKEN = Text(
    en="{file} is there already, and it is not as export() wrote it. Nothing was changed. Take another name: "
    'export("{other}", {app})',
    tr="{file} zaten var ve export() onu böyle yazmadı. Hiçbir şey değiştirilmedi. Başka bir ad verin: "
    'export("{other}", {app})',
)
_WRITTEN = Text(
    en="Written: {path}\nOpen a terminal (File → New → Terminal) and run:\n\n"
    '  cd "{folder}"\n  python -m uvicorn '
    "{module}:{app} --port {port}\n",
    tr="Yazıldı: {path}\nBir uçbirim açıp (Dosya → Yeni → Terminal, İngilizce menüde File → New → Terminal) şunu "
    'çalıştırın:\n\n  cd "{folder}"\n  python -m uvicorn {module}:{app} --port {port}\n',
)
_CONNECT = Text(
    en="In a second terminal connect to it. What you type there is sent; Ctrl+D ends it:\n\n"
    "  python -m websockets ws://127.0.0.1:{port}{path}\n",
    tr="İkinci bir uçbirimde ona bağlanın. Yazdığınız her satır gönderilir, Ctrl+D bitirir:\n\n"
    "  python -m websockets ws://127.0.0.1:{port}{path}\n",
)
_STAMP = "# Written by export() of WebSocket Lab from the cells of a notebook. "
_PORT = 8000


@dataclass(frozen=True, slots=True)
class Exported:
    """A file that was written; it says how to run it.

    Attributes:
        path: the file.
        app: the app's name in it.
        route: the path of its first WebSocket route; "" where it has none.
    """

    path: Path
    app: str
    route: str

    def __repr__(self) -> str:
        said = _WRITTEN.format(path=self.path, folder=self.path.parent, module=self.path.stem, app=self.app, port=_PORT)
        return f"{said}\n{_CONNECT.format(port=_PORT, path=self.route)}" if self.route else said


def export(file: str, app: Starlette) -> Exported:
    """Write the app of this notebook, with all that it needs of its cells, into a file that runs by itself.

    A file that somebody else wrote, or edited, is left as it is.

    Args:
        file: its name, `"chat.py"`; it is written beside the notebook.
        app: the app.

    Raises:
        LabError: the app isn't whole, or the file is there already; the message says what to do.
    """
    shell = ipython_shell()
    if shell is None or not ended_runs():
        raise LabError(_NO_KERNEL)
    path = Path(file).absolute()
    if not _can_be_imported(path):
        raise LabError(_BAD_NAME, file=path.name)
    source, name = _collected(shell.user_ns, app)
    _write(path, source, name)
    routes = [route.path for route in app.routes if isinstance(route, WebSocketRoute)]
    return Exported(path, name, routes[0] if routes else "")


def _can_be_imported(path: Path) -> bool:
    if path.suffix != ".py" or not path.stem.isidentifier():
        return False
    return path.stem not in sys.stdlib_module_names and path.stem not in importlib.metadata.packages_distributions()


def _write(path: Path, source: str, app: str) -> None:
    if path.exists():
        first, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n")
        if first != _stamp(rest):
            others = (f"{path.stem}_{number}.py" for number in range(2, 1000))
            other = next(one for one in others if not path.with_name(one).exists())
            raise LabError(_TAKEN, file=path.name, other=other, app=app)
    path.write_text(f"{_stamp(source)}\n{source}", encoding="utf-8")


def _stamp(source: str) -> str:
    """The first line of a file, by which one that somebody has edited is known."""
    return f"{_STAMP}{hashlib.sha256(source.encode()).hexdigest()[:16]}"


# The cells' statements


@dataclass(frozen=True, slots=True, eq=False)
class _Statement:
    node: ast.stmt
    text: str
    cell: str
    defines: frozenset[str]
    uses: frozenset[str]


def _collected(namespace: dict[str, Any], app: Starlette) -> tuple[str, str]:
    """The file's text, and the name of the app in it."""
    statements = [one for cell in ended_runs() for one in _statements(cell)]
    names = [name for name, value in namespace.items() if value is app and not name.startswith("_")]
    last = {name: one for one in statements for name in one.defines}
    named = [name for name in names if name in last]
    if not named:
        raise LabError(_NO_NAME)
    name = named[0]
    wanted: list[_Statement] = []
    taken: set[_Statement] = set()  # also those whose own needs are still being taken
    imported: dict[_Statement, set[str]] = {}
    missing: set[str] = set()

    def need(one: str) -> None:
        definer = last.get(one)
        if definer is None:
            if not hasattr(builtins, one) and one != "__name__":
                missing.add(one)
            return
        if isinstance(definer.node, (ast.Import, ast.ImportFrom)):
            imported.setdefault(definer, set()).add(one)
            return
        take(definer)
        if isinstance(namespace.get(one), (Starlette, Router)):
            for later in statements[statements.index(definer) + 1 :]:
                if _adds_to(later.node, one):
                    take(later)

    def take(one: _Statement) -> None:
        if one not in taken:
            taken.add(one)
            for used in sorted(one.uses - one.defines):
                need(used)
            wanted.append(one)

    need(name)
    if missing:
        raise LabError(_MISSING, names=", ".join(f"`{one}`" for one in sorted(missing)))
    if not any(isinstance(one.node, (ast.FunctionDef, ast.AsyncFunctionDef)) for one in wanted):
        raise LabError(_NO_ROUTE, app=name)
    for one in wanted:
        if _awaits(one.node):
            raise LabError(_AWAIT, cell=one.cell, line=one.text.splitlines()[0])
    head = [_import(one.node, names) for one, names in imported.items()]
    body = [f"\n\n{one.text}\n" if hasattr(one.node, "body") else f"{one.text}" for one in wanted]
    return "\n".join([*sorted(head), "", *body]).rstrip("\n") + "\n", name


def _statements(cell: Run) -> Iterator[_Statement]:
    """The statements of a cell, without what is IPython's alone; none where it is no Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        transformer: Any = TransformerManager  # it carries no types
        source = transformer().transform_cell(cell.source)
        tree = ast.parse(source)
    except SyntaxError:
        return
    lines = source.splitlines()
    for node in tree.body:
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))]) - 1
        text = "\n".join(lines[first : node.end_lineno])
        uses = _used(text)
        if "get_ipython" not in uses:
            yield _Statement(node, text, cell.label, frozenset(_defined(node)), frozenset(uses))


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    elif isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for one in (part for target in targets for part in ast.walk(target)):
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
                yield one.id


def _used(text: str) -> set[str]:
    """The names of the module that a statement reads, also inside its functions."""

    def reads(table: symtable.SymbolTable) -> Iterator[str]:
        outermost = table.get_name() == "top"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (outermost or symbol.is_global()):
                yield symbol.get_name()
        for inner in table.get_children():
            yield from reads(inner)

    try:
        return set(reads(symtable.symtable(text, "cell", "exec")))
    except SyntaxError:
        return set()


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _adds_to(node: ast.stmt, name: str) -> bool:
    """Whether a statement gives something to the app or router of that name: a route, a middleware, an attribute."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return any(_root(one) == name for one in node.decorator_list)
    if isinstance(node, ast.Expr):
        return (
            isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Attribute)
            and _root(node.value) == name
        )
    targets = node.targets if isinstance(node, ast.Assign) else []
    return any(not isinstance(target, ast.Name) and _root(target) == name for target in targets)


def _awaits(node: ast.stmt) -> bool:
    waiting: list[ast.AST] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            return True
        if not isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(one)
    return False


def _import(node: ast.stmt, names: set[str]) -> str:
    """An import of these names alone."""
    assert isinstance(node, (ast.Import, ast.ImportFrom))
    aliases = [one for one in node.names if (one.asname or one.name).partition(".")[0] in names]
    if isinstance(node, ast.Import):
        return ast.unparse(ast.Import(aliases))
    return ast.unparse(ast.ImportFrom(node.module, aliases, node.level))
