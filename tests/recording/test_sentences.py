"""The words of a film, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.recording.films import MS, chat

from wslab.language import use_language
from wslab.recording import Dropped, Recording, sentences


def told(number: int) -> str:
    return sentences.sentences(chat())[number - 1]


def test_a_sentence_a_step() -> None:
    assert sentences.plain(told(1)) == (
        "1 of 9, at 0.100 s: websocket_endpoint · Ada resumed from await websocket.receive_text() (In[2] line 25), "
        "held the loop 1.0 ms and let go at await websocket.receive_text() (In[2] line 25)."
    )
    assert "websocket_endpoint · Bob** ran for the first time" in told(2)
    assert "**blocked the loop for 500 ms** at `time.sleep(0.5)` (In[2] line 27)" in told(5)
    assert told(8).endswith("and ended with an exception: `ValueError: boş oda`.")
    assert told(9).endswith("and ended: the server is done with this connection.")


def test_the_same_in_turkish() -> None:
    use_language("tr")
    assert sentences.plain(told(1)) == (
        "1 / 9, 0,100 s: websocket_endpoint · Ada, await websocket.receive_text() (In[2] satır 25) noktasından devam "
        "etti, döngüyü 1,0 ms tuttu ve await websocket.receive_text() (In[2] satır 25) noktasında bıraktı."
    )
    assert "döngüyü 500 ms bloke etti" in told(5)
    assert "bağlantıyla işi kalmadı" in told(9)


@pytest.mark.parametrize("language", ["en", "tr"])
def test_every_way_a_step_can_begin_and_end_has_its_words(language: str) -> None:
    use_language(language)
    trace = chat()
    lane, step = trace.lanes[2], trace.steps[0]
    for ending in ("returned", "cancelled", "raised"):
        changed = replace(trace, lanes=(*trace.lanes[:2], replace(lane, ending=ending), *trace.lanes[3:]))
        done = replace(step, lane=2, let_go=None, ending=ending, inside=7)
        text = sentences.sentence(changed, done, True, None)
        assert "{" not in text
        assert "7" in text
    for change in ({"open": True}, {"let_go": None}, {"resumed": None}):
        assert "{" not in sentences.sentence(trace, replace(step, **change), False, None)  # type: ignore[arg-type]
    callback = replace(trace, lanes=(replace(trace.lanes[0], kind="callback"), *trace.lanes[1:]))
    assert "{" not in sentences.sentence(callback, step, True, None)
    unseen = replace(trace.blocks[0], place=None)
    assert "500 ms" in sentences.sentence(trace, trace.steps[4], False, unseen)


@pytest.mark.parametrize(
    ("nanoseconds", "english", "turkish"),
    [
        (0, "0 µs", "0 µs"),
        (238_000, "238 µs", "238 µs"),
        (999_600, "1.0 ms", "1,0 ms"),
        (4_060_000, "4.1 ms", "4,1 ms"),
        (500 * MS, "500 ms", "500 ms"),
        (2210 * MS, "2.21 s", "2,21 s"),
        (120_000 * MS, "120 s", "120 s"),
    ],
)
def test_lengths_of_time(nanoseconds: int, english: str, turkish: str) -> None:
    assert sentences.duration(nanoseconds) == english
    use_language("tr")
    assert sentences.duration(nanoseconds) == turkish


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_summary_says_what_matters(language: str) -> None:
    use_language(language)
    trace = replace(chat(), dropped=Dropped(steps=3, lanes=1), fault="ZeroDivisionError: x", idle_known=False, marks=())
    text = Recording.of(trace).summary()
    for word in (
        "Ada",
        "Bob",
        "boş oda",
        "500 ms",
        "time.sleep(0.5)",
        "WebSocket.accept",
        "ZeroDivisionError",
        "401 ms",
    ):
        assert word in text
    assert "{" not in text
    assert str(Recording.of(trace)) == text


def test_the_summary_is_bounded() -> None:
    trace = chat()
    many = replace(trace, lates=trace.lates * 500, blocks=trace.blocks * 500)
    assert len(Recording.of(many).summary().splitlines()) < 40
    assert "and 488 more" in Recording.of(many).summary()


def test_signs_in_code_stay() -> None:
    assert sentences.plain("**a** at `f(**kw)` (x)") == "a at f(**kw) (x)"


def test_one_step_is_said_as_one() -> None:
    trace = chat()
    assert "1 step of your code" in sentences.headline(replace(trace, steps=trace.steps[:1]))
    assert repr(Recording.of(trace)) == "<Recording 9 steps of your code in 2.00 s, 3 lanes.>"


def test_a_data_frame_where_pandas_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from wslab.recording import RecordingError

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(RecordingError, match="pandas is not installed"):
        Recording.of(chat()).to_frame()
    monkeypatch.undo()
    pytest.importorskip("pandas")
    frame = Recording.of(chat()).to_frame()
    assert list(frame.step) == list(range(1, 10))
    assert frame.held[4] == 0.5
    assert frame.lane[0] == "websocket_endpoint · Ada"


@pytest.mark.parametrize("language", ["en", "tr"])
def test_a_block_is_said_by_the_handlers_own_line(language: str) -> None:
    use_language(language)
    trace = chat()
    call = replace(trace.blocks[0].place, code="primes_below(200_000)", line=31)  # type: ignore[type-var]
    block = replace(trace.blocks[0], calling=call)
    said = sentences.sentence(trace, trace.steps[4], False, block)
    assert "primes_below(200_000)" in said
    assert "time.sleep(0.5)" in said
    assert "{" not in said
    assert "primes_below" in sentences.block_text(trace, block)
    assert "primes_below" not in sentences.sentence(trace, trace.steps[4], False, trace.blocks[0])
