"""The `wslab` command: open the course, look after it, and see how far one has come."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from wslab import own_course
from wslab.course_folder import course_folder
from wslab.errors import LabError
from wslab.language import LANGUAGES, Text, current_language, use_language

_MISSING = Text(
    en="The package {package} is missing. Run: {python} -m pip install --force-reinstall wslab (in a checkout: "
    "{python} -m pip install -r requirements.lock -e .)",
    tr="{package} paketi eksik. Çalıştırın: {python} -m pip install --force-reinstall wslab (depoda: "
    "{python} -m pip install -r requirements.lock -e .)",
)

try:
    import typer
    from rich.console import Console
    from rich.markdown import Markdown
except ModuleNotFoundError as error:
    sys.exit(_MISSING.format(package=error.name, python=sys.executable))

# jsonschema compiles a grammar of international addresses whenever it is imported, which takes over a second; no
# notebook, plan or settings file has such an address.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Each command imports its own room: `wslab doctor` must work where a package of another room is missing.
app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
console = Console()

_NO_COURSE = Text(
    en="There is no course here: run wslab in the folder that holds notebooks/. `wslab lab` makes one.",
    tr="Burada kurs yok: wslab komutunu notebooks/ klasörünün bulunduğu klasörde çalıştırın. `wslab lab` bir kurs "
    "klasörü oluşturur.",
)
_AS_ROOT = Text(
    en="You are root (in a container, perhaps), so JupyterLab is told that this is meant.",
    tr="root kullanıcısısınız (belki bir kapsayıcıda), JupyterLab'e bunun bilerek yapıldığı bildiriliyor.",
)
_OPENING = Text(
    en="Opening {notebook}. The address that JupyterLab prints below works in any browser on this machine; "
    "Ctrl+C twice ends it.",
    tr="{notebook} açılıyor. JupyterLab'in aşağıda yazdığı adres bu makinedeki her tarayıcıda çalışır; "
    "iki kez Ctrl+C ile kapanır.",
)
_FOR_AUTHORS = Text(
    en="This command is for authors of the course, and {package} is missing here. In a checkout, run: make develop",
    tr="Bu komut kursun yazarları içindir ve burada {package} eksik. Deponun klasöründe çalıştırın: make develop",
)
_FOR_INSTRUCTORS = Text(
    en='This command is for instructors, and {package} is missing here: pip install "wslab[class]"',
    tr='Bu komut eğitmenler içindir ve burada {package} eksik: pip install "wslab[class]"',
)
_NO_FOLDER = Text(en="There is no folder {path}.", tr="{path} adlı bir klasör yok.")
_UNCHANGED = Text(en="Every edition is what course/ says.", tr="Bütün baskılar course/ ile aynı.")
_WRITTEN = Text(en="Written: {count} files.", tr="Yazılan: {count} dosya.")


def find_root() -> Path:
    """The course's folder.

    Raises:
        typer.Exit: there is none; the reason has been printed.
    """
    root = course_folder()
    if root is None:
        console.print(str(_NO_COURSE), style="red")
        raise typer.Exit(2)
    return root


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def _fail(error: Exception) -> None:
    console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1) from error


@contextlib.contextmanager
def _for_authors() -> Iterator[None]:
    """Around the imports of a command for authors, whose code and packages a learner's installation does not have."""
    try:
        yield
    except ModuleNotFoundError as error:
        _fail(LabError(_FOR_AUTHORS, package=error.name))


@app.callback()
def main(
    language: Annotated[
        str | None, typer.Option("--in", help=f"The language of the messages: {', '.join(LANGUAGES)}.")
    ] = None,
    course: Annotated[
        Path | None, typer.Option(help="A folder with labs and questions of your own; else WSLAB_COURSE.")
    ] = None,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what is written into a file or pipe may be in a small encoding
            stream.reconfigure(errors="replace")
    _speak(language)
    if course is not None:
        if not course.is_dir():
            _fail(LabError(_NO_FOLDER, path=course))
        os.environ[own_course.VARIABLE] = str(course.absolute())  # for the processes that are started, too
    if own_course.folder() is not None:
        from wslab.labs import catalogue

        try:
            catalogue.labs()
        except LabError as error:
            _fail(error)


def _speak(language: str | None) -> None:
    if language is not None:
        try:
            use_language(language)
        except ValueError as error:
            _fail(error)


@app.command()
def lab(
    folder: Annotated[
        Path | None, typer.Argument(help="The course's folder; else the one around here, or ./websocket-lab.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Which edition, en, tr or both; else the system's language.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    port: Annotated[
        int | None, typer.Option(help="JupyterLab's own port; else the first free one.", min=1, max=65535)
    ] = None,
) -> None:
    """Open the course in JupyterLab; where there is none yet, or an older one, put it there first."""
    from wslab import launcher

    if language in LANGUAGES:
        _speak(language)
    try:
        root, edition = launcher.prepare(folder and folder.expanduser(), language, current_language(), _say)
    except LabError as error:
        _fail(error)
        return
    if launcher.is_root():
        _say(str(_AS_ROOT))
    _say(_OPENING.format(notebook=launcher.first_notebook(root, edition) or "JupyterLab"))
    raise typer.Exit(launcher.run(launcher.command(root, edition, browser=browser, port=port), edition))


@app.command()
def build(
    units: Annotated[list[str] | None, typer.Argument(help="Numbers of units, such as 01 or L1; else all.")] = None,
    check: Annotated[bool, typer.Option(help="Write nothing; fail where a built file differs from course/.")] = False,
) -> None:
    """Write notebooks/, labs/ and solutions/ from course/."""
    with _for_authors():
        from wslab.authoring import building

    root = find_root()
    try:
        if check:
            building.check(root)
            console.print(str(_UNCHANGED))
        else:
            written = building.build(root, units or None)
            console.print(_WRITTEN.format(count=len(written)))
    except building.BuildError as error:
        _fail(error)


@app.command()
def adopt(notebook: Annotated[Path, typer.Argument(help="A built notebook that was edited in JupyterLab.")]) -> None:
    """Carry what was edited in a built notebook back into its source in course/."""
    with _for_authors():
        from wslab.authoring import building

    try:
        for line in building.adopt(notebook, find_root()):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    except building.BuildError as error:
        _fail(error)


@app.command()
def slides(
    units: Annotated[list[str] | None, typer.Argument(help="Numbers of notebooks, such as 05; else all.")] = None,
) -> None:
    """Write slides into build/slides: one file for each notebook and language, which works offline."""
    with _for_authors():
        from wslab.authoring import building, publishing

    try:
        for path in publishing.slides(find_root(), units or ()):
            console.print(str(path), markup=False, highlight=False, soft_wrap=True)
    except (building.BuildError, publishing.PublishingError) as error:
        _fail(error)


@app.command()
def site(
    units: Annotated[list[str] | None, typer.Argument(help="Numbers of units, such as 05 or L1; else all.")] = None,
    students: Annotated[
        bool, typer.Option("--students", help="Without the instructor's guide, and without what answers a question.")
    ] = False,
) -> None:
    """Write the reading site into build/site; open its index.html."""
    with _for_authors():
        from wslab.authoring import building, publishing

    try:
        first = publishing.site(find_root(), units or (), students=students)
        console.print(str(first), markup=False, highlight=False, soft_wrap=True)
    except (building.BuildError, publishing.PublishingError) as error:
        _fail(error)


@app.command()
def lesson(
    plan: Annotated[str, typer.Argument(help="A plan of course/plans.yml, such as 90 or half-day.")],
    start: Annotated[
        list[str] | None,
        typer.Option(help="When a lesson begins, such as 09:00; may be repeated, one for each lesson of the plan."),
    ] = None,
    html: Annotated[
        bool, typer.Option("--html", help="Write the run sheet and a deck of its sections into build/lessons.")
    ] = False,
) -> None:
    """Print a plan as a run sheet: clock times, section titles, votes with what to expect, demos."""
    with _for_authors():
        from wslab.authoring import building, publishing, teaching

    root, language = find_root(), current_language()
    try:
        guide = teaching.read_guide(root)
        chosen = teaching.plan_named(plan, guide.plans)
        sheet = teaching.run_sheet(guide, chosen, language, start or ["09:00"])
        if not html:
            console.print(Markdown(sheet))
            return
        for path in publishing.lesson(root, chosen, sheet, language):
            console.print(str(path), markup=False, highlight=False, soft_wrap=True)
    except (building.BuildError, teaching.NoPlanError, teaching.StartError, publishing.PublishingError) as error:
        _fail(error)


@app.command()
def doctor() -> None:
    """Say what works here and what to do about the rest; exit status 1 if something must be mended."""
    try:
        from wslab.doctor import doctor as examine
    except ModuleNotFoundError as error:
        console.print(_MISSING.format(package=error.name, python=sys.executable), style="red", soft_wrap=True)
        raise typer.Exit(1) from error

    report = examine()
    console.print(report, soft_wrap=True)
    raise typer.Exit(report.exit_status)


@app.command()
def check(
    labs: Annotated[
        list[str] | None, typer.Argument(help="Numbers of labs such as L1, of units such as 05; else all.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each solution is run.", min=1)] = 20,
    busy: Annotated[int, typer.Option(help="Processes that keep the machine busy meanwhile.", min=0)] = 0,
    write: Annotated[
        Path | None,
        typer.Option(help="A page in which the tables of these labs are written anew, such as docs/labs.md."),
    ] = None,
    mutants: Annotated[
        bool,
        typer.Option(
            "--mutants", help="Change each solution in one place after the other, and list what keeps every point."
        ),
    ] = False,
    right: Annotated[
        bool, typer.Option("--right", help="With --mutants: change the other right programs, too.")
    ] = False,
) -> None:
    """Prove the labs' checks on the stub, the solution, and programs known to be right or wrong."""
    with _for_authors():
        from wslab.authoring.proof import proof, survivors
        from wslab.authoring.proof.turn_corpus import BadLines

    root = find_root()
    found: proof.Proof | survivors.Scores
    if mutants:
        try:
            found = survivors.scores(labs, root, right=right)
        except (LabError, survivors.BadReasons, BadLines) as error:
            _fail(error)
    else:
        found = proof.prove(labs, rounds=rounds, root=root, busy=busy)
    console.print(found, soft_wrap=mutants)
    if write is not None:
        write.write_text(found.written_into(write.read_text(encoding="utf-8")), encoding="utf-8")
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder of submissions, or a zip of one.")],
    out: Annotated[Path, typer.Option(help="The folder for results and reports.")] = Path("results"),
    workers: Annotated[int | None, typer.Option(help="How many at a time; else eight for each core.", min=1)] = None,
    dask: Annotated[str | None, typer.Option(help="A Dask scheduler to run on, such as tcp://10.0.0.5:8786.")] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="Grade only these, such as ayse/L1, ayse, L1 or 'a*/L2'; may be repeated.")
    ] = None,
    regrade: Annotated[bool, typer.Option(help="Grade also what has a result.")] = False,
    roster: Annotated[Path | None, typer.Option(help="The class list; else course/roster.csv.")] = None,
    best: Annotated[
        bool, typer.Option(help="Of several notebooks of a lab, count the best and not the newest.")
    ] = False,
    fresh: Annotated[bool, typer.Option(help="Forget what earlier drops brought into the results.")] = False,
    most: Annotated[int, typer.Option(help="People that one zip may hold work of.", min=1)] = 2000,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            help="A zip or a file in the folder that is whose its name says; answers a question; '*' for all."
        ),
    ] = None,
    require_sandbox: Annotated[bool, typer.Option(help="Refuse where submissions can't be kept apart.")] = False,
    language: Annotated[str | None, typer.Option(help="Of class.html and the remarks in scores.csv.")] = None,
) -> None:
    """Grade a class's labs: scores, feedback for each student, and a page on what was not understood."""
    try:
        from wslab.grading.batch import Selection
        from wslab.grading.command import grade_class
    except ModuleNotFoundError as error:
        _fail(LabError(_FOR_INSTRUCTORS, package=error.name))
        return

    selection = Selection(
        only=tuple(only or ()),
        regrade=regrade,
        require_sandbox=require_sandbox,
        best=best,
        fresh=fresh,
        most=most,
        trust=tuple(trust or ()),
    )
    status = 1
    try:
        status = grade_class(
            submissions,
            out,
            find_root(),
            console,
            selection=selection,
            roster=roster,
            workers=workers,
            dask=dask,
            language=language,
        )
    except LabError as error:
        _fail(error)
    if status == 130:
        # What is under way would be waited for, until its deadline; it ends with this process.
        from wslab.grading.isolation.fresh import end_all

        sys.stdout.flush()
        try:
            end_all()
        finally:  # also at a second Ctrl-C
            os._exit(status)
    raise typer.Exit(status)


@app.command()
def release(
    out: Annotated[
        Path, typer.Argument(help="A folder, or a file that ends in .zip; a release that is there is renewed.")
    ],
    units: Annotated[str, typer.Option(help="Units and labs, such as 00-05,L1,L2; else all.")] = "",
    language: Annotated[str | None, typer.Option(help="Which edition, en, tr or both; else the system's.")] = None,
) -> None:
    """Write what students get: units and labs without solutions, guide or sources."""
    from wslab import release as releasing
    from wslab import shipped

    try:
        root = course_folder() or shipped.root()
        changes = releasing.release(root, out, units, language or current_language())
    except LabError as error:
        _fail(error)
        return
    for line in changes.told():
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def take(
    file: Annotated[Path, typer.Argument(help="A zip that wslab release has written.")],
    folder: Annotated[
        Path | None, typer.Argument(help="Where; else the course around here, or ./websocket-lab.")
    ] = None,
) -> None:
    """Lay out what an instructor has handed out, or renew it; what you have written stays."""
    from wslab import launcher
    from wslab import release as releasing

    try:
        changes = releasing.take(file, folder or course_folder() or Path(launcher.FOLDER))
    except LabError as error:
        _fail(error)
        return
    for line in changes.told():
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@app.command()
def watch(
    folders: Annotated[
        list[Path], typer.Argument(help="Homes of a Hub, a shared disk: what learners' folders lie in.")
    ],
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=1.0)] = 3.0,
    page: Annotated[Path | None, typer.Option(help="Write a page that renews itself, instead of the table.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once.")] = False,
) -> None:
    """Show where learners are, what most of them misunderstand, and who is stuck, from their progress files."""
    import time
    from datetime import UTC, datetime

    from rich.live import Live

    from wslab.grading.reports.scores import write
    from wslab.watch import display
    from wslab.watch.learners import Watch

    if missing := [folder for folder in folders if not folder.is_dir()]:
        _fail(LabError(_NO_FOLDER, path=missing[0]))
    looking = Watch(folders)
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            found, now = looking.look(), datetime.now(UTC)
            if page is None:
                live.update(display.terminal(found, folders, now), refresh=True)
            else:
                try:
                    write(page, display.watch_html(found, folders, now))
                except OSError as error:
                    _fail(error)
            if once:
                return
            time.sleep(every)


@app.command()
def load(
    sockets: Annotated[
        list[str] | None, typer.Option(help="How many clients listen; may be repeated.", metavar="NUMBER")
    ] = None,
    processes: Annotated[
        list[str] | None, typer.Option(help="In how many processes; may be repeated.", metavar="NUMBER")
    ] = None,
    messages: Annotated[str, typer.Option(help="Messages for each number of clients.", metavar="NUMBER")] = "20",
    picture: Annotated[Path | None, typer.Option(help="A folder for load-en.svg and load-tr.svg.")] = None,
) -> None:
    """Measure a broadcast to many clients on this machine, over a broker, and what a socket costs."""
    import asyncio

    from wslab import load as loading

    rows: list[loading.Row] = []

    async def run(servers: list[int], counts: list[int], said: int) -> None:
        for number in servers:
            async for row in loading.measure(number, counts, said):
                rows.append(row)

    try:
        counts = loading.whole_numbers("--sockets", sockets or [], loading.MOST_CLIENTS)
        servers = loading.whole_numbers("--processes", processes or [], loading.MOST_PROCESSES)
        (said,) = loading.whole_numbers("--messages", [messages], loading.MOST_MESSAGES)
        if picture is not None and not picture.is_dir():
            raise LabError(_NO_FOLDER, path=picture)
        counts = counts or [100, 250, 500, 1000, 2000]
        loading.with_room_for(max(counts))
        asyncio.run(run(servers or [1, 2], counts, said))
    except LabError as error:
        _fail(error)
    console.print(loading.table(rows))
    if picture is not None:
        for language in LANGUAGES:
            use_language(language)
            file = picture / f"load-{language}.svg"
            try:
                file.write_text(loading.picture(rows), encoding="utf-8", newline="\n")
            except OSError as error:
                _fail(error)


@app.command()
def progress() -> None:
    """Show predictions, points and what comes next."""
    from wslab.labs import progress as so_far

    console.print(so_far())


@app.command()
def schedule(
    minutes: Annotated[int | None, typer.Option(help="Stop where this many minutes are full.")] = None,
    markdown: Annotated[bool, typer.Option(help="As a Markdown table, as the README holds it.")] = False,
    plan: Annotated[str | None, typer.Option(help="A ready plan of course/plans.yml, such as half-day.")] = None,
    guide: Annotated[bool, typer.Option(help="Write the instructor's guide into docs/, in every language.")] = False,
) -> None:
    """List the units with their minutes, summed from their front matter."""
    with _for_authors():
        from wslab.authoring import building, teaching

    root = find_root()
    try:
        units = building.units(root)
        if guide:
            console.print(_WRITTEN.format(count=len(teaching.write_guide(root))))
            return
        if plan is not None:
            console.print(teaching.plan_named(plan, teaching.read_plans(root, units)))
            return
    except (building.BuildError, teaching.NoPlanError) as error:
        _fail(error)
        return
    if markdown:
        print(teaching.units_table(units, current_language()))
    else:
        console.print(teaching.schedule(units, minutes))
