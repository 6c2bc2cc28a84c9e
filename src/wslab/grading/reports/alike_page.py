"""alike.html: programs that are alike after renaming, side by side. It says what is alike, and of nobody why."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from pathlib import Path

from markupsafe import Markup

from wslab.grading.batch import Batch
from wslab.grading.reports.feedback import page
from wslab.grading.similarity import Alike, Program, alike
from wslab.labs import notebooks
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES, Text, counted, filled
from wslab.notebooks import cleared
from wslab.picture import YELLOW, joined, markup, sentence_html

FILE = "alike.html"

_TITLE = Text(en="Programs that are alike", tr="Benzeyen programlar")
_WHAT = Text(
    en="Names, comments and layout have no say here, and what the lab hands out is left out. A lab is short, and its "
    "tasks leave little choice: honest people arrive at the same program, all the more after the same lesson. So this "
    "page shows where to look, and says nothing of how it came about. Runs that only two people in the class have "
    "say more than many that everybody has.",
    tr="Adlar, yorumlar ve biçim burada hesaba katılmaz; alıştırmanın hazır verdikleri de sayılmaz. Alıştırmalar kısa, "
    "yönergeleri fazla seçenek bırakmıyor: dürüst çalışanlar, hele aynı dersten sonra, aynı programa varır. Bu sayfa "
    "nereye bakılacağını gösterir, bunun nasıl olduğu hakkında bir şey söylemez. Sınıfta yalnızca iki kişide bulunan "
    "parçalar, herkeste bulunan birçok parçadan daha çok şey anlatır.",
)
_LAB = Text(en="{lab} · {title}", tr="{lab} · {title}")
_COMPARED = Text(en="{compared} compared, {short}.", tr="{compared} karşılaştırıldı, {short}.")
_PROGRAM = Text(en="{count} program", tr="{count} program")
_PROGRAMS = Text(en="{count} programs", tr="{count} program")
_SHORT = Text(en="{count} too short to be", tr="{count} tanesi bunun için çok kısa")
_PUBLISHED = Text(en="The published solution", tr="Yayımlanmış çözüm")
_HAVE_IT = Text(
    en="Up to names, this is the solution that `solution()` shows after the check has passed or after three attempts: "
    "{names}.",
    tr="Adlar bir yana, `solution()` komutunun sınama geçince ya da üç denemeden sonra gösterdiği çözümün aynısı: "
    "{names}.",
)
_SAME = Text(en="The same up to names", tr="Adlar dışında aynı")
_GROUP = Text(en="{count} people: {names}", tr="{count} kişi: {names}")
_PAIRS = Text(en="Alike", tr="Benzeyenler")
_PAIR = Text(
    en="{one} and {other}: {percent} % alike; {rare}",
    tr="{one} ve {other}: %{percent} benzer; {rare}",
)
_RARE = Text(en="{count} shared run that nobody else has", tr="başka kimsede olmayan {count} ortak parça")
_RARES = Text(en="{count} shared runs that nobody else has", tr="başka kimsede olmayan {count} ortak parça")
_MORE = Text(en="Pairs that are not shown: {count}.", tr="Gösterilmeyen çift: {count}.")
_NOTHING = Text(en="Nothing is alike.", tr="Benzeyen yok.")

_CSS = f"""
.wslab-page .sides{{display:grid;grid-template-columns:1fr 1fr;gap:12px}}
.wslab-page .sides h4{{margin:4px 0;font-size:15px}}
.wslab-page .sides pre{{overflow-x:auto;font-size:14px;background:var(--panel);padding:8px;margin:0}}
.wslab-page .sides .s{{background:color-mix(in srgb,{YELLOW} 30%,transparent);display:inline-block;min-width:100%}}
"""
_MOST_SHOWN = 20_000


def alike_html(batch: Batch, root: Path) -> str:
    """The page, in the current language.

    Args:
        batch: what came of the submissions.
        root: the course's folder, which has the solutions.
    """
    body = [markup("<h1>{}</h1><p>{}</p>", _TITLE, sentence_html(_WHAT))]
    for lab in batch.labs:
        rows = {row.student.id: row for row in batch.rows if row.lab is lab and row.code}
        given, solution = _published(root, lab)
        found = alike({id: row.code for id, row in rows.items()}, given, solution)
        body.append(_section(lab, found, {id: row.student.name for id, row in rows.items()}))
    return page(str(_TITLE), joined(body, "\n"), _CSS)


def _published(root: Path, lab: Lab) -> tuple[str, str]:
    """What a lab hands out in the cells to be written in, and how its solution fills them."""
    own: list[notebooks.Cell] = []
    with contextlib.suppress(OSError, ValueError):
        cells = notebooks.code_cells_of(notebooks.solved(root, lab, LANGUAGES[0]))
        own = [cell for cell in cells if cell.solution]
    return "\n\n".join(cleared(cell.source, "code") for cell in own), "\n\n".join(cell.solved for cell in own)


def _section(lab: Lab, found: Alike, names: Mapping[str, str]) -> Markup:
    compared = filled(
        _COMPARED,
        compared=counted(found.compared, _PROGRAM, _PROGRAMS),
        short=filled(_SHORT, count=found.short),
    )
    parts = [markup("<h2>{}</h2><p>{}</p>", _LAB.format(lab=lab.number, title=lab.title), compared)]
    if found.published:
        who = ", ".join(names[one] for one in found.published)
        parts.append(markup("<h3>{}</h3><p>{}</p>", _PUBLISHED, sentence_html(_HAVE_IT.format(names=who))))
    if found.groups:
        parts.append(markup("<h3>{}</h3>", _SAME))
    for group in found.groups:
        who = ", ".join(names[one.owner] for one in group)
        shared = frozenset(group[0].runs.keys() & group[1].runs.keys())
        parts.append(_folded(_GROUP.format(count=len(group), names=who), group[:2], shared, names))
    if found.pairs:
        parts.append(markup("<h3>{}</h3>", _PAIRS))
    for pair in found.pairs:
        title = _PAIR.format(
            one=names[pair.one.owner],
            other=names[pair.other.owner],
            percent=round(100 * pair.likeness),
            rare=counted(pair.rare, _RARE, _RARES),
        )
        parts.append(_folded(title, (pair.one, pair.other), pair.shared, names))
    if found.left_out:
        parts.append(markup("<p>{}</p>", _MORE.format(count=found.left_out)))
    if not (found.published or found.groups or found.pairs):
        parts.append(markup("<p>{}</p>", _NOTHING))
    return joined(parts, "\n")


def _folded(title: str, two: tuple[Program, ...], shared: frozenset[int], names: Mapping[str, str]) -> Markup:
    sides = joined(markup("<div><h4>{}</h4><pre>{}</pre></div>", names[one.owner], _code(one, shared)) for one in two)
    return markup('<details><summary>{}</summary><div class="sides">{}</div></details>', title, sides)


def _code(one: Program, shared: frozenset[int]) -> Markup:
    """The program, its shared lines marked."""
    marked = one.lines(run for run in shared if run in one.runs)
    lines = enumerate(one.code[:_MOST_SHOWN].split("\n"), 1)
    parts = []
    for is_shared, group in itertools.groupby(lines, key=lambda line: line[0] in marked):
        text = "\n".join(line for _, line in group)
        parts.append(markup('<span class="s">{}</span>', text) if is_shared else markup("{}\n", text))
    return joined(parts)
