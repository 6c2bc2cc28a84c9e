"""Cards: what they say, that they escape everything, and that they read well without styles."""

from __future__ import annotations

import dataclasses
import html
import re
from html.parser import HTMLParser

import pytest

from wslab.labs import cards
from wslab.labs.lab_texts import Hint
from wslab.labs.verdict import NOTHING, Line, Outcome, Raised, Verdict, earned
from wslab.language import LANGUAGES, Text, use_language
from wslab.picture import sentence_html

BAD = "<img src=x onerror=alert(1)> & `code`"


def verdict(outcome: Outcome = Outcome.FAILED, lines: int = 3) -> Verdict:
    passed = outcome is Outcome.PASSED
    return Verdict(
        "L1",
        "echo",
        Text(en="A title", tr="Bir başlık"),
        2 if passed else 0,
        2,
        outcome,
        "" if passed else "no-echo",
        Text(en=f"seen {BAD}", tr=f"görüldü {BAD}"),
        NOTHING if passed else Text(en="it means", tr="demek ki"),
        NOTHING if passed else Text(en="try", tr="deneyin"),
        tuple(Line(n / 1000, "A", "→", Text(en=f"line {n} {BAD}", tr=f"satır {n}")) for n in range(lines)),
        (Raised("ValueError", "ValueError: x", "In[2] line 1"),),
    )


class Balanced(HTMLParser):
    """Every tag that opens closes again."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lines", [0, 3, 40])
def test_html_is_whole_and_escaped(outcome: Outcome, language: str, lines: int) -> None:
    use_language(language)
    found = cards.verdict_html(verdict(outcome, lines), helped=[Text(en="help", tr="yardım")])
    tags = Balanced(found).tags
    assert "script" not in tags
    assert "img" not in tags
    assert f'lang="{language}"' in found
    assert "<code>code</code>" in found


def test_the_three_parts_stand_in_their_order() -> None:
    for language, labels in (
        ("en", ("Observed", "Meaning", "Next step")),
        ("tr", ("Görülen", "Anlamı", "Sıradaki adım")),
    ):
        use_language(language)
        for shown in (cards.verdict_html(verdict()), cards.verdict_text(verdict())):
            places = [shown.index(label) for label in labels]
            assert places == sorted(places)


def test_what_passed_shows_no_next_step() -> None:
    assert "Next step" not in cards.verdict_html(verdict(Outcome.PASSED))
    assert "Meaning" not in cards.verdict_text(verdict(Outcome.PASSED))


def test_the_last_lines_are_shown_and_the_whole_on_demand() -> None:
    found = cards.verdict_html(verdict(lines=40))
    first, whole = found.split("<details>")
    assert "line 39" in first
    assert "line 20 " not in first
    assert "The whole exchange (40 steps)" in whole
    assert len(re.findall(r"<tr>", whole)) == 41
    assert "<details>" not in cards.verdict_html(verdict(lines=3))


def test_one_step_is_one() -> None:
    assert "The exchange (1 step)" in cards.verdict_html(verdict(lines=1))


def test_a_step_again_and_again_is_one_row() -> None:
    one = Line(0.001, "A", "←", Text(en="text “a”", tr="metin “a”"))
    said = dataclasses.replace(verdict(), transcript=(one,) * 9000)
    found = cards.verdict_html(said)
    assert "text “a”, 9000 times" in found
    assert "<details>" not in found
    assert "text “a”, 9000 times" in cards.verdict_text(said)


def test_repeats_that_differ_in_an_address_are_one_row() -> None:
    lines = tuple(Line(n / 1000, "A", "←", Text.of(f"text “<coroutine object at 0x7f{n:04x}>”")) for n in range(3000))
    shown = cards.verdict_text(dataclasses.replace(verdict(), transcript=lines))
    assert shown.count("coroutine object") == 1
    assert "3000 times" in shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("observed", [False, True], ids=["in the exchange", "observed"])
def test_an_exception_is_told_once_and_after_that_by_its_name_and_line(language: str, observed: bool) -> None:
    use_language(language)
    error = Raised("NameError", "NameError: name 'clients' is not defined", "In[2] line 1")
    told = dataclasses.replace(
        verdict(),
        observed=Text.of(f"It raised {error}.") if observed else Text.of("It ended."),
        meaning=Text.of(f"Python knows no such name: {error}."),
        transcript=(Line(0, "A", "→", Text.of("Hello")), Line(None, "", "", Text.of(f"the server: {error}"))),
        raised=(error,),
    )
    for shown in (cards.verdict_html(told), cards.verdict_text(told)):
        plain = " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", shown)).split())
        assert plain.count("is not defined") == 1
        assert "Python knows no such name: NameError (In[2] line 1)." in plain
        assert plain.count("In[2] line 1") == (3 if observed else 2)


def test_an_exception_that_is_not_shown_above_is_told_in_the_meaning() -> None:
    error = Raised("KeyError", "KeyError: 'text'")
    told = dataclasses.replace(verdict(), meaning=Text.of(f"It wants a text: {error}."), raised=(error,))
    assert "It wants a text: KeyError: 'text'." in cards.verdict_text(told)


def test_of_a_very_long_exchange_the_ends_are_shown() -> None:
    found = cards.verdict_html(verdict(lines=3000))
    assert "The whole exchange (3000 steps)" in found
    assert "… 2800 rows are left out …" in found
    assert len(re.findall(r"<tr>", found)) < 220


def test_what_an_earlier_card_says_is_not_said_twice() -> None:
    first = verdict()
    second = dataclasses.replace(first, check="order")
    for shown in (cards.again_html(second, first), cards.again_text(second, first)):
        assert "L1.order" in shown
        assert "L1.echo" in shown
        assert "it means" not in shown


def test_colour_is_never_alone() -> None:
    words = {cards.verdict_text(verdict(outcome)).split(":")[0][0] for outcome in Outcome}
    assert len(words) == len(Outcome)


def test_help_below_a_card() -> None:
    told = cards.help_lines(verdict(), 2)
    assert 'hint("L1.echo")' in told[0]
    assert "2 to go" in told[0]
    assert "is open now" in cards.help_lines(verdict(), 0)[0]
    assert cards.help_lines(verdict(Outcome.PASSED), 3) == []
    assert "In[5]" in cards.help_lines(verdict(), 3, ["the app of In[5]"])[0]
    assert cards.help_lines(verdict(Outcome.NOT_RUN), 3, ["the app of In[5]"]) == []


def test_hints_show_code_as_it_is() -> None:
    hints = [Hint(Text(en="look", tr="bakın")), Hint(Text(en="so", tr="böyle"), "if a < b:\n    pass")]
    assert "<pre>if a &lt; b:\n    pass</pre>" in cards.hints_html("L1.echo", hints)
    assert "    if a < b:" in cards.hints_text("L1.echo", hints)


def test_points_are_whole_numbers_where_they_can_be() -> None:
    whole, half = verdict(Outcome.PASSED), verdict()
    assert repr(earned([whole, whole])) == "4"
    assert (
        repr(earned([whole, Verdict(**{**{f: getattr(half, f) for f in Verdict.__dataclass_fields__}, "points": 0.5})]))
        == "2.5"
    )


def test_emphasis_is_shown_as_such_and_stars_of_code_stay() -> None:
    sentence = "Give way **inside the** loop: `f(**words)`, 2**3**2, <b>"
    assert sentence_html(sentence) == (
        "Give way <strong>inside the</strong> loop: <code>f(**words)</code>, 2**3**2, &lt;b&gt;"
    )
    assert cards.as_text(sentence) == "Give way inside the loop: `f(**words)`, 2**3**2, <b>"


def test_half_points_have_the_decimal_mark_of_the_language() -> None:
    use_language("en")
    assert cards.points_text(1.5, 2) == "1.5 of 2 points"
    use_language("tr")
    assert cards.points_text(1.5, 2) == "2 puandan 1,5"


@pytest.mark.parametrize(("check", "says"), [("warmup", "warm-up, no points"), ("tests", "A title: no points")])
def test_a_check_without_points_says_so(check: str, says: str) -> None:
    one = dataclasses.replace(verdict(Outcome.PASSED), check=check, points=0, max=0)
    assert says in cards.verdict_text(one)
