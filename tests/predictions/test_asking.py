"""predict(): asks, keeps, never waits, and is answered by the run."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wslab.errors import LabError
from wslab.language import use_language
from wslab.predictions import AnswerError, predict
from wslab.predictions.form import PredictionForm
from wslab.predictions.question import Verdict
from wslab.progress import Store, store

pytestmark = pytest.mark.usefixtures("session")


def test_the_question_as_plain_text() -> None:
    assert repr(predict("98.status")).splitlines() == [
        "Predict, before you run the next cell (98.status)",
        "  The handler forgets `await` before `websocket.accept()` and goes on to `receive_text()`. "
        "What does the client see?",
        "    open     The connection opens, and the first message that the client sends is lost on its way",
        "    refused  HTTP 403",
        "    failed   HTTP 500",
        "    timeout  The client waits until its own `open_timeout`",
        '  To answer: predict("98.status").answer("open"), to skip: predict("98.status").skip()',
    ]


def test_prediction_and_outcome() -> None:
    predict("98.status").answer("refused")
    outcome = predict("98.status").outcome(500)
    assert (outcome.right, outcome.predicted, outcome.judgement.option) == (False, "refused", "failed")
    assert repr(outcome).splitlines() == [
        "Your prediction: HTTP 403",
        "What happened:   HTTP 500",
        "≠ Not what you predicted. 403 is what a deliberate `close()` before `accept()` gives; "
        "here the handler failed.",
    ]


@pytest.mark.filterwarnings("error")
def test_a_coroutine_that_nobody_ran_is_no_measurement() -> None:
    async def knock() -> int:
        return 500

    with pytest.raises(LabError, match=r"`knock\(\)` only made a coroutine. Write `await` in front"):
        predict("98.status").outcome(knock())
    assert store().outcomes("98.status") == ()


def test_both_languages() -> None:
    use_language("tr")
    assert "Tahmininiz: HTTP 403" in repr(predict("98.status").answer("refused"))
    text = repr(predict("98.status").outcome(500))
    assert text.splitlines()[0] == "Tahmininiz:  HTTP 403"
    assert "≠ Tahmininizden farklı. 403, `accept()` öncesinde" in text
    assert 'lang="tr"' in predict("98.status").outcome(500)._repr_html_()


def test_without_a_prediction_the_outcome_stands_alone() -> None:
    outcome = predict("98.status").outcome(500)
    assert outcome.right is None
    assert outcome.judgement.verdict is Verdict.UNANSWERED
    assert "Your prediction: none given" in repr(outcome)
    (row,) = store().outcomes("98.status")
    assert (row.answer, row.verdict, row.measured) == (None, "unanswered", "500")

    predict("98.bytes").skip()
    assert "Your prediction: skipped" in repr(predict("98.bytes").outcome(11))
    (answer,) = store().answers("98.bytes")
    assert answer.skipped


def test_an_odd_measurement_says_what_was_measured() -> None:
    predict("98.status").answer("failed")
    outcome = predict("98.status").outcome(418)
    assert outcome.right is None
    assert "? Undecided. Here `418` was measured." in repr(outcome)
    assert "wrong" not in repr(outcome).lower()


def test_the_measured_value_stands_beside_the_words() -> None:
    error = TimeoutError("timed out during opening handshake")
    text = repr(predict("98.status").answer("timeout").outcome(error))
    assert "own `open_timeout` (measured: TimeoutError: timed out during opening handshake)" in text


def test_the_first_answer_counts_and_every_one_is_kept() -> None:
    predict("98.status").answer("refused").answer("failed")
    outcome = predict("98.status").outcome(500)
    assert outcome.predicted == "failed"  # the card holds the outcome against what the learner last said
    first, second = store().answers("98.status")
    verdicts = {row.answer: row.verdict for row in store().outcomes("98.status")}
    assert verdicts == {first.id: "wrong", second.id: "right"}


def test_an_answer_after_the_outcome_is_late(restart: Callable[[], None]) -> None:
    predict("98.status").outcome(500)
    outcome = predict("98.status").answer("failed").outcome(500)
    assert "HTTP 500 (given after the outcome, not counted)" in repr(outcome)
    assert [answer.late for answer in store().answers("98.status")] == [True]
    # Who ran everything once and starts anew in a fresh kernel is a learner again.
    restart()
    predict("98.status").answer("open")
    assert [answer.late for answer in store().answers("98.status")] == [True, False]


def test_after_a_kernel_restart_the_answer_is_still_there(restart: Callable[[], None]) -> None:
    predict("98.bytes").answer("9 bytes")
    restart()
    assert "Your prediction: 9 bytes" in repr(predict("98.bytes"))
    outcome = predict("98.bytes").outcome(11)
    assert (outcome.predicted, outcome.right) == ("9", False)
    assert Store(store().path).answers("98.bytes")[0].answer == "9"


def test_two_notebooks_at_once_see_each_other() -> None:
    predict("98.status").answer("open")
    other = Store(store().path)  # another kernel
    other.answer("98.status", "failed", asked="elsewhere")
    assert "Your prediction: HTTP 500" in repr(predict("98.status"))


def test_what_is_no_answer_is_a_sentence() -> None:
    with pytest.raises(AnswerError, match="“eleven” is not a number"):
        predict("98.bytes").answer("eleven")
    assert store().answers() == ()


def test_a_folder_that_cannot_be_written_does_not_stop_the_lesson(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("a file")
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "blocked"))
    outcome = predict("98.status").answer("refused").outcome(500)
    assert outcome.right is False
    assert "Not saved, because" in repr(outcome)
    assert "Not saved, because" in outcome._repr_html_()
    bundle = predict("98.status")._repr_mimebundle_()
    assert "Your prediction: HTTP 403" in bundle["text/plain"]
    assert "Not saved, because" in bundle["text/html"]


# HTML


def test_the_html_is_self_contained_and_escaped() -> None:
    predict("98.exception").answer("<img src=x onerror=alert(1)>")
    for text in (
        predict("98.exception")._repr_mimebundle_()["text/html"],
        predict("98.exception").outcome("<script>alert(2)</script>")._repr_html_(),
    ):
        assert "<img" not in text
        assert "<script" not in text
        assert "&lt;img src=x" in text
        assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//|@import|url\(", text)


def test_code_is_marked_as_code() -> None:
    bundle = predict("98.status")._repr_mimebundle_()
    assert "<code>await</code>" in bundle["text/html"]
    assert "<li>HTTP 403</li>" in bundle["text/html"]


# Without a front end


def test_nobody_is_asked_where_nobody_can_answer() -> None:
    assert set(predict("98.status")._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert [row[:2] for row in store().asked()] == [("98", "status")]


class Shell:
    """What IPython's shell says of the front end that sent the cell."""

    kernel = object()

    def __init__(self, metadata: dict[str, object]) -> None:
        self.parent_header = {"metadata": metadata}


@pytest.fixture
def jupyterlab(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell({"cellId": "1"}))


def test_nbclient_gets_no_widget(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    monkeypatch.setattr(IPython, "get_ipython", lambda: Shell({}))
    assert "application/vnd.jupyter.widget-view+json" not in predict("98.status")._repr_mimebundle_()


# The card


@pytest.fixture
def form(jupyterlab: None) -> PredictionForm:
    return shown("98.status")


def shown(key: str) -> PredictionForm:
    """The widget that a front end would show."""
    from ipywidgets.widgets.widget import _instances

    bundle = predict(key)._repr_mimebundle_()
    found = _instances[bundle["application/vnd.jupyter.widget-view+json"]["model_id"]]
    assert isinstance(found, PredictionForm)
    return found


def send(form: PredictionForm, message: Any) -> None:
    """What the browser sends."""
    form._receive(form, message, [])


def test_the_card_shows_question_options_and_labels(form: PredictionForm) -> None:
    assert form.view["state"] == "open"
    assert form.view["kind"] == "choice"
    assert [option["id"] for option in form.view["options"]] == ["open", "refused", "failed", "timeout"]
    assert form.view["options"][3]["html"] == "The client waits until its own <code>open_timeout</code>"
    assert form.view["labels"]["sure"] == "I’m sure"


def test_an_answer_on_the_card_is_kept_at_once(form: PredictionForm) -> None:
    send(form, {"do": "answer", "answer": "refused"})
    assert [answer.answer for answer in Store(store().path).answers("98.status")] == ["refused"]
    assert (form.view["state"], form.view["answer"], form.view["confirmed"]) == ("answered", "refused", True)
    assert form.view["says"] == "Kept. Now run the next cell."
    again = shown("98.status")
    assert (again.view["state"], again.view["answer"]) == ("answered", "refused")
    assert re.fullmatch(r"You answered this on \d{4}-\d\d-\d\d \d\d:\d\d\.", again.view["says"])


def test_what_is_chosen_counts_without_a_click_on_the_button(form: PredictionForm) -> None:
    send(form, {"do": "choose", "answer": "open"})
    send(form, {"do": "choose", "answer": "refused"})
    assert store().answers("98.status") == ()
    outcome = predict("98.status").outcome(500)
    assert (outcome.predicted, outcome.right) == ("refused", False)
    assert [(answer.answer, answer.late) for answer in store().answers("98.status")] == [("refused", False)]
    assert (form.view["state"], form.view["answer"]) == ("answered", "refused")


@pytest.mark.parametrize("then", ["answer", "skip"])
def test_what_is_sent_counts_and_not_what_was_chosen_before(form: PredictionForm, then: str) -> None:
    send(form, {"do": "choose", "answer": "open"})
    send(form, {"do": then, "answer": "failed"})
    assert predict("98.status").outcome(500).predicted == (None if then == "skip" else "failed")


@pytest.mark.parametrize("typed", ["", "many"])
def test_what_is_no_answer_yet_is_not_taken_for_one(jupyterlab: None, typed: str) -> None:
    send(shown("98.bytes"), {"do": "choose", "answer": typed})
    assert predict("98.bytes").outcome(11).predicted is None


def test_an_answer_written_in_the_call_is_told_where_it_is_given() -> None:
    use_language("tr")
    with pytest.raises(AnswerError, match=r"Yanıt buraya yazılmaz\. `predict\('98.status'\)` satırını") as caught:
        predict("98.status", "500 olur")
    assert "“Eminim”" in str(caught.value)


def test_skipping_and_answering_after_all(form: PredictionForm) -> None:
    send(form, {"do": "skip"})
    assert (form.view["state"], form.view["says"]) == ("skipped", "Skipped. Now run the next cell.")
    send(form, {"do": "answer", "answer": "failed"})
    assert (form.view["state"], form.view["answer"]) == ("answered", "failed")


def test_a_late_answer_says_so(form: PredictionForm) -> None:
    predict("98.status").outcome(500)
    send(form, {"do": "answer", "answer": "failed"})
    assert form.view["says"] == "Kept. The outcome was already known, so this answer is not counted."


@pytest.mark.parametrize("message", [{"do": "answer", "answer": "nonsense"}, {"do": "answer"}])
def test_a_wrong_message_is_a_sentence_on_the_card(form: PredictionForm, message: object) -> None:
    send(form, message)
    assert form.view["is_error"]
    assert "is not one of the answers" in form.view["says"]
    assert store().answers() == ()


@pytest.mark.parametrize("message", [None, "answer", 3, {}, {"do": "format the disk"}])
def test_a_message_of_another_kind_changes_nothing(form: PredictionForm, message: object) -> None:
    before = dict(form.view)
    send(form, message)
    assert form.view == before


def test_the_number_card(jupyterlab: None) -> None:
    form = shown("98.bytes")
    assert (form.view["kind"], form.view["unit"], form.view["options"]) == ("number", "bytes", [])
    send(form, {"do": "answer", "answer": "eleven"})
    assert form.view["is_error"]
    assert form.view["state"] == "open"
    send(form, {"do": "answer", "answer": "11"})
    assert (form.view["state"], form.view["is_error"]) == ("answered", False)


def test_the_card_without_a_writable_folder(jupyterlab: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "blocked").write_text("a file")
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "blocked"))
    form = shown("98.status")
    send(form, {"do": "answer", "answer": "failed"})
    assert form.view["says"] == "Noted. Now run the next cell."
    assert form.view["fault"].startswith("Not saved, because")


def test_an_answer_from_another_thread_is_kept(form: PredictionForm) -> None:
    """JupyterLab may deliver a widget's messages in a subshell, while a cell runs."""
    sender = threading.Thread(target=send, args=(form, {"do": "answer", "answer": "failed"}))
    sender.start()
    sender.join(10)
    assert predict("98.status").outcome(500).right is True


def test_an_option_that_was_renamed_opens_the_question_again(form: PredictionForm) -> None:
    store().answer("98.status", "gone", asked="earlier")
    assert shown("98.status").view["state"] == "open"
    assert predict("98.status").outcome(500).right is None


def test_an_answer_to_what_was_another_kind_of_question_is_none() -> None:
    store().answer("98.bytes", "nine or so", asked="earlier")
    assert "To answer:" in repr(predict("98.bytes"))
    assert "Your prediction: none given" in repr(predict("98.bytes").outcome(11))
