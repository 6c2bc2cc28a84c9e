"""From the bytes of a notebook to its cells: any format, any size within bounds, outputs dropped first."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from wslab.grading.intake.stripping import without_outputs
from wslab.grading.intake.utf8 import lone_surrogates, whole
from wslab.labs import catalogue, notebooks
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES, Text, filled

_MOST_PARTS = 4_000_000
_LONG = 4 << 20
# The closing quote may be missing: else each of a million opening ones would be tried anew, to the end of the file.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_MULTIBYTE = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_USES = re.compile(r"""\buse\(\s*["'](\w\w)["']\s*\)""")

_NOT_JSON = Text(
    en="It is no notebook: its JSON is broken ({why}). It may have been cut off, or saved as a web page.",
    tr="Bu bir not defteri değil: JSON yapısı bozuk ({why}). Yarım kalmış ya da web sayfası olarak kaydedilmiş "
    "olabilir.",
)
_NOT_TEXT = Text(
    en="It is no notebook, or a damaged one: it is not text in UTF-8. Open it in JupyterLab, save it there, and hand "
    "it in again.",
    tr="Bu bir not defteri değil ya da bozuk: UTF-8 metin içermiyor. JupyterLab'de açıp kaydedin, sonra yeniden teslim "
    "edin.",
)
_UTF_16 = Text(
    en="It was saved in {encoding}, not in UTF-8 as Jupyter saves it, and was read so.",
    tr="Jupyter'in kaydettiği gibi UTF-8 değil, {encoding} kodlamasıyla kaydedilmiş ve öyle okundu.",
)
_CP1254 = Text(
    en="It was saved in an encoding of Windows, not in UTF-8 as Jupyter saves it, and was read as Windows-1254. "
    "Letters outside English may be others than were meant.",
    tr="Jupyter'in kaydettiği gibi UTF-8 değil, bir Windows kodlamasıyla kaydedilmiş ve Windows-1254 olarak okundu. "
    "İngilizcede olmayan harfler yanlış okunmuş olabilir.",
)
_EMPTY = Text(en="The file is empty.", tr="Dosya boş.")
_TOO_MANY = Text(
    en="It has too many parts to be a notebook that somebody wrote. Clear the outputs, save it, and hand it in again.",
    tr="Bir insanın yazdığı not defteri için çok fazla parçası var. Çıktıları temizleyip kaydedin ve yeniden teslim "
    "edin.",
)
_NO_CELLS = Text(
    en="It is JSON, but no notebook: it has no cells.",
    tr="Bu geçerli JSON, ama not defteri değil: hücresi yok.",
)
_BAD_CELL = Text(
    en="It is no notebook that Jupyter wrote: cell {number} has no code or text in it.",
    tr="Bu, Jupyter'in yazdığı bir not defteri değil: {number}. hücrede kod ya da metin yok.",
)
_NO_UPGRADE = Text(
    en="It is in the old notebook format {format}, and can't be brought up to date ({why}).",
    tr="Eski not defteri biçiminde ({format}); güncel biçime dönüştürülemiyor ({why}).",
)
_UPGRADED = Text(
    en="It was in the old notebook format {format}, and was brought up to date.",
    tr="Eski not defteri biçimindeydi ({format}); güncel biçime dönüştürüldü.",
)
_NEWER = Text(
    en="It is in the notebook format {format}, which is newer than this kit, and was read as format 4.",
    tr="Bu kitten daha yeni bir not defteri biçiminde ({format}); 4. biçim olarak okundu.",
)
_LONE_SURROGATES = Text(
    en="Half a character, which UTF-8 can't hold, was read as its escape `{sign}`: cell {numbers}.",
    tr="UTF-8'in tutamayacağı yarım bir karakter, `{sign}` kaçış dizisi olarak okundu: hücre {numbers}.",
)
_OTHER_COURSE = Text(
    en="It is no lab of this course: none of its cells belong to one.",
    tr="Bu, kursun bir alıştırması değil: hiçbir hücresi kursun alıştırmalarından gelmiyor.",
)
_NO_LAB = Text(
    en="It is {unit} of this course, which is not graded.",
    tr="Bu, kursun {unit} birimi; puanlanmıyor.",
)


class Unreadable(ValueError):
    """It cannot be graded; `reason` says why.

    Attributes:
        foreign: whether it is a notebook, and none of the course's labs; a lab may read it or run it.
    """

    def __init__(self, reason: Text, /, **values: object) -> None:
        self.foreign = reason in (_OTHER_COURSE, _NO_LAB)
        self.reason = filled(reason, **values)
        super().__init__(str(self.reason))


@dataclass(frozen=True, slots=True)
class LearnerCell:
    """One cell as it was handed in.

    Attributes:
        kind: `"code"`, `"markdown"` or `"raw"`.
        source: what stands in it.
        grade_id: nbgrader's name for it; empty for none.
        id: the notebook's own name for it; empty for none.
        graded: whether its metadata claims that it is a check.
        points: what its metadata claims it is worth; None for nothing.
    """

    kind: str
    source: str
    grade_id: str = ""
    id: str = ""
    graded: bool = False
    points: float | None = None


@dataclass(frozen=True, slots=True)
class Notebook:
    """A lab as it was handed in.

    Attributes:
        lab: which one, by what stands in it.
        language: which edition.
        cells: all of them, without their outputs.
        remarks: what there is to say about the file.
    """

    lab: Lab
    language: str
    cells: tuple[LearnerCell, ...]
    remarks: tuple[Text, ...] = ()


def opened(data: bytes) -> Notebook:
    """The notebook in these bytes.

    Raises:
        Unreadable: it is none, or none that this course grades.
    """
    remarks: list[Text] = []
    document = _parsed(_as_utf8(data, remarks))
    for cell in _every_cell(document):
        cell.pop("outputs", None)
        cell.pop("attachments", None)
    version = document.get("nbformat")
    if isinstance(version, int) and not isinstance(version, bool) and version < 4:
        document = _upgraded(document, version)
        remarks.append(filled(_UPGRADED, format=version))
    elif isinstance(version, int) and version > 4:
        remarks.append(filled(_NEWER, format=version))
    given = document.get("cells")
    if not isinstance(given, list):
        raise Unreadable(_NO_CELLS)
    cells = tuple(_cell(number, cell) for number, cell in enumerate(given, 1))
    broken = {number: found for number, cell in enumerate(cells, 1) if (found := lone_surrogates(cell.source))}
    if broken:
        sign = next(iter(broken.values()))[0]
        remarks.append(filled(_LONE_SURROGATES, sign=sign, numbers=", ".join(map(str, broken))))
        cells = tuple(replace(cell, source=whole(cell.source)) for cell in cells)
    kit = _kit_metadata(document)
    return Notebook(_lab_of(kit, cells), _language_of(kit, cells), cells, tuple(remarks))


def _as_utf8(data: bytes, remarks: list[Text]) -> bytes:
    """The text in UTF-8 without a byte order mark, whatever Windows or an editor made of it."""
    if not data.strip(b" \t\r\n\0"):
        raise Unreadable(_EMPTY)
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
        if encoding in ("utf-8", "utf-8-sig"):
            return data
        remarks.append(filled(_UTF_16, encoding=encoding.upper()))
    except UnicodeDecodeError:
        # Where some letters are UTF-8 the file is damaged; where none is, Windows has saved it as it does in Turkish.
        if encoding != "utf-8" or _MULTIBYTE.search(data):
            raise Unreadable(_NOT_TEXT) from None
        text = data.decode("cp1254", "replace")
        remarks.append(_CP1254)
    return text.encode("utf-8", "surrogatepass")


def _parsed(data: bytes) -> dict[str, Any]:
    # What a cell shows may have any size; a hundred megabytes of brackets elsewhere would fill the memory.
    long = len(data) > _LONG
    if long:
        data = without_outputs(data)
        bare = _STRING.sub(b"", data)
        if sum(bare.count(mark) for mark in (b"[", b"{", b",")) > _MOST_PARTS:
            raise Unreadable(_TOO_MANY)
    try:
        try:
            document = json.loads(data)
        except RecursionError:  # something shown may be nested deeper than Python goes
            document = json.loads(without_outputs(data))
    except json.JSONDecodeError as error:
        # In a file without its outputs, places are others than in the one that was handed in.
        why = error.msg if long else f"{error.msg}, {error.lineno}:{error.colno}"
        raise Unreadable(_NOT_JSON, why=why) from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(_NOT_JSON, why=type(error).__name__) from None
    if not isinstance(document, dict):
        raise Unreadable(_NO_CELLS)
    return document


def _every_cell(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The cells of any format: those before 4 had sheets."""
    sheets = document.get("worksheets")
    for holder in (document, *(sheets if isinstance(sheets, list) else ())):
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else ()) if isinstance(cell, dict))


def _upgraded(document: dict[str, Any], version: int) -> dict[str, Any]:
    import nbformat  # takes its time to import, and few need it

    try:
        for cell in _every_cell(document):
            if cell.get("cell_type") == "code":
                cell["outputs"] = []
        node: dict[str, Any] = nbformat.convert(nbformat.from_dict(document), 4)  # type: ignore[no-untyped-call]
    except Exception as error:  # whatever a file that only claims to be one does to the conversion
        raise Unreadable(_NO_UPGRADE, format=version, why=type(error).__name__) from None
    return node


def _cell(number: int, cell: object) -> LearnerCell:
    if not isinstance(cell, dict):
        raise Unreadable(_BAD_CELL, number=number)
    source = cell.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    kind = cell.get("cell_type")
    if not isinstance(source, str) or not isinstance(kind, str):
        raise Unreadable(_BAD_CELL, number=number)
    metadata = cell.get("metadata")
    grading = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grading = grading if isinstance(grading, dict) else {}
    grade_id, id = grading.get("grade_id"), cell.get("id")
    return LearnerCell(
        kind=kind,
        source=source.replace("\r\n", "\n").replace("\r", "\n"),
        grade_id=whole(grade_id) if isinstance(grade_id, str) else "",
        id=whole(id) if isinstance(id, str) else "",
        graded=bool(grading.get("grade")) and not grading.get("solution"),
        points=_points(grading.get("points")),
    )


def _points(claimed: object) -> float | None:
    if not isinstance(claimed, int | float) or isinstance(claimed, bool):
        return None
    try:
        return float(claimed)
    except OverflowError:
        return None


def _kit_metadata(document: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = document.get("metadata")
    kit = metadata.get("wslab") if isinstance(metadata, dict) else None
    return kit if isinstance(kit, dict) else {}


def _lab_of(kit: Mapping[str, Any], cells: Iterable[LearnerCell]) -> Lab:
    known = catalogue.labs()
    unit = kit.get("unit")
    unit = whole(unit) if isinstance(unit, str) else ""
    number = unit.partition("-")[0]
    if number in known:
        return known[number]
    # Its metadata is gone (some programs drop what they don't know), or somebody else's.
    named = [name.partition(".")[0] for cell in cells for name in notebooks.Cell(cell.source).checks]
    votes = Counter(name for name in named if name in known)
    ids = {cell.grade_id for cell in cells}
    for lab in known.values():
        own = {f"check-{name}" for name in lab.maxima}
        votes[lab.number] += len(own) if 2 * len(own & ids) > len(own) else 0
    best = max(known, key=lambda number: votes[number])
    if votes[best]:
        return known[best]
    raise Unreadable(_NO_LAB, unit=unit) if number.isdigit() else Unreadable(_OTHER_COURSE)


def _language_of(kit: Mapping[str, Any], cells: Iterable[LearnerCell]) -> str:
    if kit.get("language") in LANGUAGES:
        return str(kit["language"])
    used = [found[1] for cell in cells if cell.kind == "code" for found in _USES.finditer(cell.source)]
    return next((language for language in used if language in LANGUAGES), LANGUAGES[0])
