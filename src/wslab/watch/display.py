"""What `wslab watch` shows: a table for a terminal, and the same as a page that renews itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text as Line

from wslab.grading.plain import plain
from wslab.grading.reports.feedback import page
from wslab.grading.reports.taught import places
from wslab.language import Text, counted, filled
from wslab.picture import Cell, joined, markup, table
from wslab.watch.learners import Learner, dominating

_TITLE = Text(en="Where everybody is", tr="Kim nerede")
_READ = Text(
    en="Read every few seconds: {files} below {folders} (`.wslab/progress.sqlite`: predictions, runs of checks, hints, "
    "and when). No code is read, and nothing is written.",
    tr="Birkaç saniyede bir okunan: {folders} altında {files} (`.wslab/progress.sqlite`: tahminler, sınama denemeleri, "
    "ipuçları ve saatleri). Kod okunmaz, hiçbir şey yazılmaz.",
)
_FILE = Text(en="{count} progress file", tr="{count} ilerleme dosyası")
_FILES = Text(en="{count} progress files", tr="{count} ilerleme dosyası")
_HEADS = (
    Text(en="who", tr="kim"),
    Text(en="where", tr="nerede"),
    Text(en="minutes ago", tr="dakika önce"),
    Text(en="predictions", tr="tahmin"),
    Text(en="checks passed", tr="geçilen sınama"),
    Text(en="latest", tr="son durum"),
    Text(en="stuck", tr="takıldı"),
)
_TIMES = Text(en="{what} × {count}", tr="{what} × {count}")
_MINUTES = Text(en="{count} min without a pass", tr="{count} dk boyunca geçilen sınama yok")
_AGAIN = Text(en="{count} times the same", tr="{count} kez aynısı")
_UNREADABLE = Text(en="file can't be read", tr="dosya okunamıyor")
_MOST = Text(en="Most people: {found}", tr="En çok kişide: {found}")
_ONE = Text(en="{name} ({count} person{where})", tr="{name} ({count} kişi{where})")
_MANY = Text(en="{name} ({count} people{where})", tr="{name} ({count} kişi{where})")
_SECTION = Text(en=", unit {unit}, section {section}", tr=", birim {unit}, bölüm {section}")
_NOBODY = Text(en="Nobody has begun yet.", tr="Henüz başlayan yok.")
_REFRESH = 5  # seconds


def _said(learner: Learner, now: datetime) -> list[str]:
    """The cells of a learner's row, free of what moves a cursor: names and words are strangers' own."""
    repeated = learner.repeated()
    latest = ""
    if repeated is not None:
        what = f"{repeated[0].lab}.{repeated[0].check}: {repeated[0].verdict}"
        latest = _TIMES.format(what=what, count=repeated[1]) if repeated[1] > 1 else what
    elif learner.tries:
        latest = f"{learner.tries[0].lab}.{learner.tries[0].check} ✓" if learner.tries[0].passed else ""
    return [
        plain(learner.name, 40),
        plain(learner.place, 20),
        "" if learner.last is None else str(max(0, int((now - learner.last).total_seconds() // 60))),
        str(learner.predictions),
        str(len(learner.passed)),
        plain(latest, 80) if not learner.unreadable else str(_UNREADABLE),
        stuck(learner, now),
    ]


def stuck(learner: Learner, now: datetime) -> str:
    """Why somebody is stuck; empty where they are not."""
    if not learner.is_stuck(now):
        return ""
    repeated = learner.repeated()
    if repeated is not None and repeated[1] >= 3:
        return _AGAIN.format(count=repeated[1])
    return _MINUTES.format(count=int(learner.without_a_pass(now).total_seconds() // 60))


def _ordered(learners: Sequence[Learner], now: datetime) -> list[Learner]:
    """Who is stuck first, who is away last."""
    return sorted(learners, key=lambda one: (not one.is_stuck(now), not one.is_here(now)))


def _read(learners: Sequence[Learner], folders: Sequence[Path]) -> str:
    return _READ.format(files=counted(len(learners), _FILE, _FILES), folders=", ".join(map(str, folders)))


def _most(learners: Sequence[Learner]) -> str:
    found = []
    for name, count in dominating(learners)[:3]:
        place = places().get(name)
        where = "" if place is None else filled(_SECTION, unit=place.unit, section=place.section)
        text = _ONE if count == 1 else _MANY
        found.append(text.format(name=plain(name, 60), count=count, where=where))
    return _MOST.format(found="; ".join(found)) if found else ""


def terminal(learners: Sequence[Learner], folders: Sequence[Path], now: datetime) -> RenderableType:
    """The table for a terminal.

    Args:
        learners: everybody.
        folders: what was looked through.
        now: the time.
    """
    shown = Table(title=str(_TITLE), title_justify="left")
    for head in _HEADS:
        shown.add_column(str(head), overflow="fold")
    for one in _ordered(learners, now):
        style = "bold" if one.is_stuck(now) else None if one.is_here(now) else "dim"
        shown.add_row(*map(Line, _said(one, now)), style=style)
    below = [Line(line) for line in (_most(learners), "" if learners else str(_NOBODY)) if line]
    return Group(shown, *below, Line(_read(learners, folders), style="dim"))


def watch_html(learners: Sequence[Learner], folders: Sequence[Path], now: datetime) -> str:
    """The same as a page that a browser renews by itself, every five seconds."""
    rows = [
        [Cell(name, head=True), *rest, Cell(markup("<strong>{}</strong>", why) if why else "")]
        for name, *rest, why in (_said(one, now) for one in _ordered(learners, now))
    ]
    body = [
        markup("<h1>{}</h1><p>{:%H:%M:%S}</p>", _TITLE, now.astimezone()),
        table(_HEADS, rows) if rows else markup("<p>{}</p>", _NOBODY),
        markup("<p>{}</p><p>{}</p>", _most(learners), _read(learners, folders).replace("`", "")),
    ]
    whole = str(page(str(_TITLE), joined(body, "\n")))
    return whole.replace("<title>", f'<meta http-equiv="refresh" content="{_REFRESH}"><title>', 1)
