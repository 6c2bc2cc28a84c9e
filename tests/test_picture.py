"""What every picture shares: it is whole, escaped, and says its facts without a script."""

from __future__ import annotations

import base64
import json
import re

from wslab import picture
from wslab.language import Text, use_language


def make(**changed: object) -> str:
    parts: dict[str, object] = {
        "fallback": picture.image("<svg xmlns='http://www.w3.org/2000/svg'></svg>", 'three "lanes"'),
        "facts": picture.table(["who", "what"], [("Ada", "<script>")]),
        "data": {"text": "</script><!-- ğ \u2028"},
        "script": "(root, data) => { root.textContent = data.text; }",
        "label": "a film",
    }
    return picture.figure(**(parts | changed))  # type: ignore[arg-type]


def test_nothing_is_loaded_from_anywhere() -> None:
    page = make()
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page)
    assert "@import" not in page
    assert not re.search(r"url\((?!data:)", page)


def test_the_fallback_is_an_image_with_a_real_description() -> None:
    page = make()
    found = re.search(r'<img alt="three &#34;lanes&#34;" src="data:image/svg\+xml;base64,([^"]+)">', page)
    assert found
    assert base64.b64decode(found[1]).startswith(b"<svg")


def test_data_cannot_end_the_script() -> None:
    page = make()
    assert page.count("</script>") == 1
    assert json.loads(picture.script_json({"a": "</script>\u2028ğ"})) == {"a": "</script>\u2028ğ"}
    assert "\u2028" not in picture.script_json("\u2028")


def test_table_cells_are_escaped() -> None:
    assert "<td>&lt;script&gt;</td>" in make()


def test_two_figures_have_two_ids_and_the_readers_language() -> None:
    use_language("tr")
    ids = set(re.findall(r'id="(wslab-[^"]+)"', make() + make()))
    assert len(ids) == 2
    assert 'lang="tr"' in make()
    assert "Aynısı tablo olarak" in make()


def test_dark_theme_by_jupyterlab_and_by_the_system() -> None:
    css = picture.stylesheet()
    assert '[data-jp-theme-light="false"]' in css
    assert "prefers-color-scheme:dark" in css


def test_markup_escapes_what_is_put_in_and_keeps_markup() -> None:
    inner = picture.markup("<b>{}</b>", "&")
    assert picture.markup("<p>{} {named}</p>", "<i>", named=inner) == "<p>&lt;i&gt; <b>&amp;</b></p>"
    assert picture.joined([inner, "<i>"], "<") == "<b>&amp;</b>&lt;&lt;i&gt;"
    use_language("tr")
    assert picture.markup("<p>{}</p>", Text(en="a & b", tr="c & d")) == "<p>c &amp; d</p>"


def test_a_table_has_headings_classes_and_a_last_row() -> None:
    rows = [[picture.Cell("Ada <3", head=True), picture.Cell("1", 'n"'), picture.sentence_html("`x < y`")]]
    table = picture.table(["who", picture.Cell("points", "n"), Text(en="note", tr="not")], rows, "<all>", ["", "1", ""])
    assert table == (
        '<table><caption>&lt;all&gt;</caption><thead><tr><th scope="col">who</th><th scope="col" class="n">points</th>'
        '<th scope="col">note</th></tr></thead><tbody><tr><th scope="row">Ada &lt;3</th><td class="n&#34;">1</td>'
        "<td><code>x &lt; y</code></td></tr></tbody><tfoot><tr><td></td><td>1</td><td></td></tr></tfoot></table>"
    )
    assert picture.table(["a"], []) == '<table><thead><tr><th scope="col">a</th></tr></thead><tbody></tbody></table>'
