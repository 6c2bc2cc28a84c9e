"""The instructor's guide: front matter, instructor notes, predictions and `course/guide.yml`, as one document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wslab import yaml
from wslab.authoring.building import BuildError, Problem, Unit, units
from wslab.authoring.teaching.plans import MINUTES, WHAT, WHEN, Plan, clock, item_line, read_plans, stripped, sums
from wslab.language import LANGUAGES, Text, decimal
from wslab.predictions import catalogue
from wslab.predictions.question import Choice, Number, Question, with_unit

PATH = "course/guide.yml"
PAGES: Mapping[str, str] = {"en": "docs/instructor-guide.md", "tr": "docs/instructor-guide.tr.md"}
"""Where the guide stands, by language."""

OTHER = "other"
"""The answer that stands for all the rest, of a prediction whose answer is typed."""

_HEADING = re.compile(r"^#{2,3} (?P<title>.+)$", re.MULTILINE)
_NEW_SECTION = re.compile(r"^## ", re.MULTILINE)
_ASKED = re.compile(r"""\bpredict\(\s*["'](?P<key>[^"']+)["']\s*\)(?!\s*\.)""")

_TITLE = Text(en="Instructor's guide", tr="Eğitmen kılavuzu")
_WRITTEN = Text(
    en="Written by `wslab schedule --guide` from course/; change it there.",
    tr="`wslab schedule --guide` tarafından course/ klasöründen yazıldı; değişiklikleri orada yapın.",
)
_OTHER_LANGUAGE = {"en": "[Türkçe](instructor-guide.tr.md)", "tr": "[English](instructor-guide.md)"}
_UNITS = Text(en="The units", tr="Birimler")
_UNIT = Text(en="unit", tr="birim")
_NAME = Text(en="title", tr="başlık")
_SO_FAR = Text(en="so far", tr="toplam")
_QUESTIONS = Text(en="predictions", tr="tahmin")
_PLANS = Text(en="Ready plans", tr="Hazır planlar")
_PLANS_LEAD = Text(
    en="`wslab schedule --plan NAME` prints the same, and `wslab lesson NAME` a run sheet with clock times, votes and "
    "demos; with `--html` it writes the sheet and slides of just those sections into build/lessons. The plans are data "
    "({path}), held to the course: every unit comes after what it needs, and the minutes fit. A whole unit takes "
    "in class the minutes that it takes somebody alone, and two more for each of its predictions.",
    tr="Aynısını `wslab schedule --plan AD` de yazar. `wslab lesson AD` saatleri, oyları ve gösterileriyle bir ders "
    "akışı yazdırır; `--html` ile akışı ve yalnızca o bölümlerin slaytlarını build/lessons klasörüne yazar. Planlar "
    "veridir ({path}) ve kursa göre denetlenir: her birim, gerektirdiklerinden sonra gelir, dakikalar sığar. "
    "Bir birimin tamamı sınıfta, tek başına çalışanın harcadığı dakikaları alır. Üstüne her tahmin için iki dakika "
    "eklenir.",
)
_OF = Text(en="{taken} of {minutes}", tr="{minutes} dakikanın {taken} dakikası")
_LENGTH = Text(en="**{minutes} minutes**", tr="**{minutes} dakika**")
_POINTS = Text(en="{points} points", tr="{points} puan")
_AFTER = Text(en="after {units}", tr="{units} sonrasında")
_OPEN = Text(en="open it", tr="not defteri")
_GOALS = Text(en="Afterwards your learners can:", tr="Öğrencilerin gördüğü hedefler:")
_SAY = Text(en="*Say:*", tr="*Sorulacak:*")
_REST = Text(en="anything else", tr="başka bir şey")
_DISCUSS = Text(en="To discuss", tr="Tartışma soruları")


@dataclass(frozen=True, slots=True)
class Votes:
    """What a room answers to a prediction, and what to ask those who gave an answer.

    Attributes:
        question: the prediction.
        split: of a hundred people how many give each answer; the answer is an option's id, or what is typed.
        say: for some answers, what to ask.
    """

    question: Question
    split: Mapping[str, int]
    say: Mapping[str, Text]

    def is_right(self, answer: str) -> bool:
        """Whether the machine is expected to say this."""
        if isinstance(self.question, Choice):
            option = self.question.option(answer)
            return option is not None and option.right
        return _expected(self.question) == answer

    def shown(self, answer: str, language: str) -> str:
        """The answer as the card has it."""
        if isinstance(self.question, Choice):
            option = self.question.option(answer)
            return answer if option is None else option.text.into(language)
        if answer == OTHER:
            return _REST.into(language)
        unit = self.question.unit if isinstance(self.question, Number) else None
        return answer if unit is None else with_unit(answer, unit).into(language)


def _expected(question: Question) -> str | None:
    """The one right answer as somebody types it; None where it depends on the machine, and for a choice."""
    if isinstance(question, Choice):
        return None
    expected = question.expected
    return f"{expected:g}" if isinstance(expected, float) else expected if isinstance(expected, str) else None


@dataclass(frozen=True, slots=True)
class Lead:
    """What `course/guide.yml` says about a unit: a word before it, its votes by the prediction's name, questions."""

    lead: Text
    votes: Mapping[str, Votes]
    discuss: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Guide:
    """Everything the guide is written from."""

    units: tuple[Unit, ...]
    plans: tuple[Plan, ...]
    opening: Text
    leads: Mapping[str, Lead]


def read_guide(root: Path) -> Guide:
    """The guide's parts, each held to the course.

    Args:
        root: the checkout.

    Raises:
        BuildError: with every mistake: a unit or a prediction that is missing, a split that is not a hundred, an
            answer with neither a note nor something to say.
    """
    course = units(root)
    plans = read_plans(root, course)
    problems: list[Problem] = []
    leads = {}
    try:
        root_node = yaml.compose((root / PATH).read_text("utf-8-sig"))
        if root_node is None:
            raise yaml.Wrong(1, "the guide is empty; it takes opening and units")
        fields = yaml.Fields(root_node, "the guide")
        opening = stripped(fields.need("opening"), "opening")
        given_node = fields.need("units")
        given = yaml.Fields(given_node, "units")
        fields.finish()
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError([Problem(PATH, 1, f"it can't be read: {error}")]) from error
    except yaml.Wrong as wrong:
        raise BuildError([Problem(PATH, wrong.line, str(wrong))]) from wrong
    for unit in course:
        entry = given.get(unit.number)
        try:
            if entry is None:
                raise yaml.Wrong(given_node, "the guide has nothing on this unit")
            leads[unit.number] = read_lead(unit, entry)
        except yaml.Wrong as wrong:
            problems.append(Problem(PATH, wrong.line, f"{unit.number}: {wrong}"))
    numbers = [unit.number for unit in course]
    for key, number, _ in yaml.entries(given_node, "units"):
        if number not in numbers:
            says = f'the course has no unit "{number}"{yaml.suggest(number, numbers)}'
            problems.append(Problem(PATH, yaml.line(key), says))
    if problems:
        raise BuildError(problems)
    return Guide(course, plans, opening, leads)


def read_lead(unit: Unit, entry: yaml.Node) -> Lead:
    """What the guide's data says about a unit.

    Raises:
        yaml.Wrong: something is missing or does not fit the unit.
    """
    fields = yaml.Fields(entry, "a unit")
    lead = stripped(fields.need("lead"), "lead")
    questions = catalogue.load(unit.number)[0]
    counts, sayings = (_by_prediction(fields.get(what), what, questions) for what in ("votes", "say"))
    fields.get("discuss")
    fields.finish()  # before a missing field is named: a misspelt one is both
    discuss_node = fields.need("discuss")
    discuss = tuple(stripped(one, "discuss") for one in yaml.items(discuss_node, "discuss"))
    if not discuss:
        raise yaml.Wrong(discuss_node, "discuss is a list of questions")
    if missing := set(questions) - set(counts):
        raise yaml.Wrong(fields.get("votes") or entry, f"votes: there are none for {', '.join(sorted(missing))}")
    noted = _noted(unit)
    votes = {name: votes_of(question, counts[name], sayings.get(name)) for name, question in questions.items()}
    for name, vote in votes.items():
        silent = [answer for answer in vote.split if answer not in (*vote.say, OTHER) and not vote.is_right(answer)]
        if silent and vote.question.key not in noted:
            says = f"say: no instructor note follows {name}, so say something to {', '.join(silent)}"
            raise yaml.Wrong(sayings.get(name, counts[name]), says)
    return Lead(lead, votes, discuss)


def _by_prediction(node: yaml.Node | None, what: str, questions: Iterable[str]) -> dict[str, yaml.Node]:
    """The entries of `votes` or `say`, each of which belongs to a prediction; none where the field is left out."""
    found: dict[str, yaml.Node] = {}
    if node is None:
        return found
    for key, name, held in yaml.entries(node, f'"{what}"'):
        if name not in questions:
            raise yaml.Wrong(key, f'{what}: there is no prediction "{name}"{yaml.suggest(name, questions)}')
        if name in found:
            raise yaml.Wrong(key, f'"{name}" stands twice in "{what}"')
        found[name] = held
    return found


def votes_of(question: Question, split_node: yaml.Node, say_node: yaml.Node | None = None) -> Votes:
    """The votes for a prediction as `course/guide.yml` has them.

    Args:
        question: the prediction.
        split_node: a mapping of answers to whole numbers, a hundred together.
        say_node: a mapping of some of these answers to what is asked of those who gave them.

    Raises:
        yaml.Wrong: they do not fit the question, or are not a hundred together.
    """
    split: dict[str, int] = {}
    for key, answer, held in yaml.entries(split_node, f"the votes for {question.key}"):
        share = yaml.value(held)
        if isinstance(share, bool) or not isinstance(share, int) or not 0 <= share <= 100:
            raise yaml.Wrong(held, f"the votes for {question.key} are whole numbers from 0 to 100")
        if answer in split:
            raise yaml.Wrong(key, f'"{answer}" stands twice in the votes for {question.key}')
        split[answer] = share
    if sum(split.values()) != 100:
        raise yaml.Wrong(split_node, f"the votes for {question.key} are not a hundred together")
    if isinstance(question, Choice) and set(split) != {option.id for option in question.options}:
        raise yaml.Wrong(split_node, f"the votes for {question.key} name other answers than its options")
    say: dict[str, Text] = {}
    for key, answer, held in yaml.entries(say_node, '"say"') if say_node is not None else ():
        if answer not in split:
            says = f'say: {question.key} has no answer "{answer}" among its votes{yaml.suggest(answer, split)}'
            raise yaml.Wrong(key, says)
        say[answer] = stripped(held, "say")
    votes = Votes(question, split, say)
    if _expected(question) is not None and not any(map(votes.is_right, split)):
        raise yaml.Wrong(split_node, f"the votes for {question.key} lack the right answer")
    return votes


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a notebook with something for the instructor: its heading, the predictions in it, the notes on them."""

    heading: Text
    keys: tuple[str, ...]
    notes: tuple[Text, ...]


def passages(unit: Unit) -> Iterator[Passage]:
    """The parts of a unit that hold a prediction or an instructor's note, in order."""
    heading, keys, notes = unit.title, list[str](), list[Text]()
    for cell in unit.cells:
        if cell.instructor:
            notes.append(cell.text)
        elif cell.kind == "code":
            keys += _ASKED.findall(cell.text.into(LANGUAGES[0]))
        elif found := _headings(cell.text):
            if keys and not notes and not _NEW_SECTION.search(cell.text.into(LANGUAGES[0])):
                continue  # the note comes in a later part of the same section
            if keys or notes:
                yield Passage(heading, tuple(keys), tuple(notes))
            heading, keys, notes = found, [], []
    if keys or notes:
        yield Passage(heading, tuple(keys), tuple(notes))


def _headings(text: Text) -> Text | None:
    """The last heading of a cell, in every language."""
    last = {language: _HEADING.findall(text.into(language)) for language in LANGUAGES}
    if not all(last.values()):
        return None
    return Text(**{language: found[-1].strip() for language, found in last.items()})


def _noted(unit: Unit) -> set[str]:
    """The keys of the predictions that an instructor's note follows in the same part."""
    return {key for passage in passages(unit) if passage.notes for key in passage.keys}


# Writing


def write_guide(root: Path) -> list[Path]:
    """Write the guide in every language; returns the files that changed.

    Raises:
        BuildError: the course or the guide's own data has mistakes.
    """
    guide = read_guide(root)
    changed = []
    for language, where in PAGES.items():
        page, path = page_of(guide, language), root / where
        if not path.is_file() or path.read_text("utf-8") != page:
            path.write_text(page, "utf-8", newline="\n")
            changed.append(path)
    return changed


def page_of(guide: Guide, language: str) -> str:
    """The guide in one language, as Markdown."""
    parts = [
        f"# {_TITLE.into(language)}",
        f"<!-- {_WRITTEN.into(language)} -->",
        _OTHER_LANGUAGE[language],
        guide.opening.into(language),
        f"## {_PLANS.into(language)}",
        _PLANS_LEAD.into(language).format(path="[course/plans.yml](../course/plans.yml)"),
        *(part for plan in guide.plans for part in _plan(plan, language)),
        f"## {_UNITS.into(language)}",
        _units_table(guide.units, language),
    ]
    for unit in guide.units:
        parts += _unit(unit, guide.leads[unit.number], language)
    return "\n\n".join(parts) + "\n"


def _units_table(course: Sequence[Unit], language: str) -> str:
    names = (_UNIT, _NAME, MINUTES, _SO_FAR, _QUESTIONS)
    rows = [f"| {' | '.join(name.into(language) for name in names)} |", "| --- | --- | ---: | ---: | ---: |"]
    total = 0
    for unit in course:
        total += unit.minutes
        count = len(catalogue.load(unit.number)[0]) or ""
        link = f"[{unit.number}](#{_anchor(unit, language)})"
        rows.append(f"| {link} | {unit.title.into(language)} | {unit.minutes} | {clock(total)} | {count} |")
    return "\n".join(rows)


def _anchor(unit: Unit, language: str) -> str:
    """The anchor that GitHub gives the unit's heading."""
    heading = re.sub(r"[^\w\- ]", "", f"{unit.number} · {unit.title.into(language)}".lower())
    return heading.replace(" ", "-")


def _plan(plan: Plan, language: str) -> Iterator[str]:
    yield f"### {plan.title.into(language)}"
    yield plan.about.into(language)
    head = f"| {WHEN.into(language)} | {WHAT.into(language)} | {MINUTES.into(language)} |\n| --- | --- | --- |"
    rows = [
        f"| {session.title.into(language)} | {'<br>'.join(item_line(item, language) for item in session.items)} "
        f"| {_OF.into(language).format(taken=session.taken, minutes=session.minutes)} |"
        for session in plan.sessions
    ]
    yield "\n".join([head, *rows])
    yield sums(plan, language)


def _unit(unit: Unit, lead: Lead, language: str) -> Iterator[str]:
    yield f"## {unit.number} · {unit.title.into(language)}"
    folder = "notebooks" if unit.kind == "notebook" else "labs"
    facts = [_LENGTH.into(language).format(minutes=unit.minutes)]
    if unit.points:
        facts.append(_POINTS.into(language).format(points=decimal(unit.points, language)))
    if unit.prerequisites:
        facts.append(_AFTER.into(language).format(units=", ".join(unit.prerequisites)))
    facts.append(f"[{_OPEN.into(language)}](../{unit.built(folder, language)})")
    yield " · ".join(facts)
    yield lead.lead.into(language)
    yield _GOALS.into(language)
    yield "\n".join(f"- {objective.into(language)}" for objective in unit.objectives)
    for passage in passages(unit):
        yield f"### {passage.heading.into(language)}"
        for key in passage.keys:
            yield "\n".join(prediction_lines(lead.votes[key.partition(".")[2]], language))
        for note in passage.notes:
            # In a notebook each line of a note is a paragraph of its own.
            yield "\n\n".join(note.into(language).strip().splitlines())
    yield f"### {_DISCUSS.into(language)}"
    yield "\n".join(f"- {question.into(language)}" for question in lead.discuss)


def prediction_lines(votes: Votes, language: str) -> Iterator[str]:
    """A prediction and its split, as lines of Markdown."""
    yield f"**`{votes.question.key}`** {votes.question.question.into(language)}\n"
    for answer, share in votes.split.items():
        right = "✓ " if votes.is_right(answer) else ""
        percent = f"%{share}" if language == "tr" else f"{share} %"
        say = votes.say.get(answer)
        said = "" if say is None else f" — {_SAY.into(language)} {say.into(language)}"
        yield f"- {percent} {right}{votes.shown(answer, language)}{said}"
