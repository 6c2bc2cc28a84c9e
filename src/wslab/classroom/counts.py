"""The votes of a class in the form of the instructor's guide (`course/guide.yml`). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import yaml

from wslab.classroom.tally import Tally, alike
from wslab.language import Text
from wslab.predictions.question import Choice, Question

_MOST_TYPED = 6  # different typed answers that are named; the rest is `other`
_HEAD = Text(
    en="Votes of a class, for course/guide.yml: of a hundred people how many gave each answer. Copy the lines into the "
    "unit's votes.",
    tr="Bir sınıfın oyları, course/guide.yml için: yüz kişiden kaçı hangi yanıtı verdi. Satırları birimin votes "
    "bölümüne kopyalayın.",
)
_COUNTED = Text(en="{votes} of {people} people voted", tr="{people} kişiden {votes} kişi oy verdi")


def of_a_hundred(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts as whole numbers that are a hundred together (largest remainder method); {} where nobody voted."""
    total = sum(counts.values())
    if not total:
        return {}
    shares = {answer: 100 * count // total for answer, count in counts.items()}
    by_remainder = sorted(counts, key=lambda answer: -(100 * counts[answer] % total))
    for answer in by_remainder[: 100 - sum(shares.values())]:
        shares[answer] += 1
    return shares


def _split(question: Question, answers: Iterable[str]) -> dict[str, int]:
    """Votes by answer, in the guide's terms: every option, or the typed answers and `other`."""
    counted = Counter(alike(question, answer) for answer in answers)
    if isinstance(question, Choice):
        return {option.id: counted[option.id] for option in question.options}
    named = [answer for answer, _ in counted.most_common(_MOST_TYPED)]
    # The guide wants the right answer among them, even where nobody gave it.
    right = alike(question, str(question.expected)) if isinstance(question.expected, int | float | str) else ""
    if right and right not in named:
        named = [*named[: _MOST_TYPED - 1], right]
    split = {answer: counted[answer] for answer in named}
    if rest := counted.total() - sum(split.values()):
        split["other"] = rest
    return split


def in_the_guides_form(votes: Iterable[tuple[Question, Tally]]) -> str:
    """YAML with the split of each prediction; of several votes on one the first counts, before anybody argued."""
    units: dict[str, list[str]] = {}
    seen = set()
    for question, tally in votes:
        unit, _, name = question.key.partition(".")
        if question.key in seen or not tally.votes:
            continue
        seen.add(question.key)
        shares = of_a_hundred(_split(question, tally.answers.values()))
        line = yaml.safe_dump(
            {name: shares}, allow_unicode=True, sort_keys=False, default_flow_style=True, width=10_000
        )
        note = _COUNTED.format(votes=tally.votes, people=max(tally.people, tally.votes))
        units.setdefault(unit, []).append(f"      {line.strip()[1:-1]}  # {note}")
    lines = [f"# {_HEAD}", "units:" if units else "units: {}"]
    for unit, entries in units.items():
        lines += [f'  "{unit}":', "    votes:", *entries]
    return "\n".join(lines) + "\n"
