"""The IPython shell that runs a submission's cells: what a kernel has, without a front end.

IPython itself carries over what a kernel carries over from cell to cell: `__future__` features, `In`, `Out` and `_`,
magics, modules that a cell has written. Left out: the front end, the history, and commands that would reach beyond the
submission.
"""

from __future__ import annotations

import builtins
import getpass
import importlib
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.text import SList
from traitlets import Type
from traitlets.config import Config

from wslab.language import Text

# By this name (`get_ipython().__class__.__name__`) libraries learn that they run in a notebook.
_CALLED = "ZMQInteractiveShell"
_INSTALLERS = ("pip", "conda", "mamba", "micromamba", "uv")
_INSTALLS = re.compile(rf"\s*(?:\S*python\S*\s+-m\s+)?(?:{'|'.join(_INSTALLERS)}|pip3|apt|apt-get|npm|brew)\b")
_CELL = re.compile(r"<ipython-input (In\[\d+\]|[^>\n]+)>")
_NOBODY_ANSWERS = Text(
    en="input() asks a reader, and nobody answers while a lab is graded; write the value into the cell",
    tr="input() bir kullanıcıya sorar, puanlamada yanıt verecek kimse yok; değeri doğrudan hücreye yazın",
)


def file_of(cell: str) -> str:
    """What the code of a cell has as its file: `<ipython-input In[3]>`."""
    return f"<ipython-input {cell}>"


class _Compiler(CachingCompiler):
    """Gives the code of a cell the cell's own name."""

    cell = ""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return file_of(self.cell)

    def format_code_name(self, name: str) -> tuple[str, str] | None:
        found = _CELL.fullmatch(name)
        return ("Cell", found[1]) if found else None


class Shell(InteractiveShell):  # type: ignore[misc,unused-ignore]
    """Runs cells.

    Attributes:
        runs_commands: whether shell commands run; only where no process but the submission's can be reached.
        passed_over: is told each command or magic that is not run.
    """

    compiler_class = Type(_Compiler)
    runs_commands = False
    passed_over: Callable[[str], None] = staticmethod(lambda line: None)

    @classmethod
    def make(cls) -> Shell:
        """The shell of this process, made when it is first asked for. It writes nothing and starts no thread."""
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        config.DisplayFormatter.active_types = ["text/plain"]
        config.IPKernelApp.quiet = True  # libraries take this section for the sign of a notebook
        shell: Shell = cls.instance(config=config)
        shell.db = {}  # what `%cd` and `%bookmark` keep in the folder for settings
        for name in _INSTALLERS:
            shell.magics_manager.magics["line"][name] = shell._passing_over(f"%{name}")
        return shell

    def awaits(self, source: str) -> bool:
        """Whether a kernel runs this cell in a task of its own, whose context variables end with it."""
        try:
            transformed = self.transform_cell(source)  # type: ignore[no-untyped-call]
            return bool(self.should_run_async(source, transformed_cell=transformed))
        except Exception:  # the cell does not run at all
            return False

    async def run(self, name: str, source: str) -> BaseException | None:
        """Run a cell as a kernel does; return what stopped it.

        Args:
            name: the cell's name: `"In[3]"`.
            source: what stands in it.
        """
        _Compiler.cell = name
        importlib.invalidate_caches()  # a module that the cell before has written may be as old as its folder's listing
        transformed, failure = source, None
        try:
            transformed = self.transform_cell(source)  # type: ignore[no-untyped-call]
        except Exception:
            failure = sys.exc_info()
        result: ExecutionResult | None = None
        try:
            result = await self.run_cell_async(
                source, store_history=True, transformed_cell=transformed, preprocessing_exc_tuple=failure
            )
        finally:
            self.events.trigger("post_execute")
            if result is not None:
                self.events.trigger("post_run_cell", result)
        return result.error_before_exec or result.error_in_exec

    # What is not run

    def system(self, cmd: str) -> None:
        """`!command`"""
        command = self.var_expand(cmd, depth=1)  # type: ignore[no-untyped-call]
        if self._may_run(command):
            # A kernel's own `system()` takes a pseudoterminal, which there is none of.
            self.user_ns["_exit_code"] = subprocess.call(command, shell=True)

    def getoutput(self, cmd: str, split: bool = True, depth: int = 0) -> Any:
        """`x = !command`"""
        if self._may_run(cmd):
            return super().getoutput(cmd, split, depth + 1)  # type: ignore[no-untyped-call]
        return SList() if split else ""

    def _may_run(self, command: str) -> bool:
        if self.runs_commands and not _INSTALLS.match(command):
            return True
        self.passed_over(f"!{command}")
        return False

    def _find_with_lazy_load(self, /, type_: str, magic_name: str) -> Any:
        """The magic; one that does nothing where there is none of that name, or it may not be run."""
        found = super()._find_with_lazy_load(type_, magic_name)
        sign = "%" if type_ == "line" else "%%"
        scripts = self.magics_manager.registry["ScriptMagics"].script_magics
        if found is None or (magic_name in ("script", *scripts) and not self.runs_commands):
            return self._passing_over(sign + magic_name)
        if magic_name in ("load_ext", "matplotlib"):
            return self._if_installed(sign + magic_name, found)
        return found

    def _passing_over(self, name: str) -> Callable[..., None]:
        def pass_over(line: str = "", cell: str = "") -> None:
            self.passed_over(f"{name} {line}".strip())

        return pass_over

    def _if_installed(self, name: str, magic: Callable[[str], Any]) -> Callable[[str], Any]:
        def run(line: str = "") -> Any:
            try:
                return magic(line)
            except ModuleNotFoundError:
                return self._passing_over(name)(line)

        return run

    # What nobody sees

    def init_profile_dir(self, profile_dir: Any) -> None:
        """No folder for settings."""

    def ask_exit(self) -> None:
        """`exit()` ends a kernel, and with it everything that comes after; here the cells that follow still run."""

    def showtraceback(self, *_: Any, **__: Any) -> None:
        """No colours: `run()` returns the exception."""

    def showsyntaxerror(self, *_: Any, **__: Any) -> None:
        """As `showtraceback()`."""

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> str:
        return ""


Shell.__name__ = _CALLED


def answer_nothing() -> None:
    """Have `input()` say that nobody answers, as nbgrader has it."""

    def ask(*_: object, **__: object) -> str:
        raise StdinNotImplementedError(str(_NOBODY_ANSWERS))

    builtins.input = ask
    getpass.getpass = ask
