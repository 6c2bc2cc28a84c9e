"""The reference on the site names what the kit gives, and every public docstring has what a reader looks up there."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wslab
from wslab.authoring.publishing import api
from wslab.language import LANGUAGES


def public() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function, and every public method of a public class."""
    for name in wslab.__all__:
        what = getattr(wslab, name)
        if not inspect.isclass(what):
            yield name, what if inspect.isfunction(what) else type(what).__call__
            continue
        for method, member in vars(what).items():
            function = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if not method.startswith("_") and inspect.isfunction(function):
                yield f"{name}.{method}", function


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_public_name_is_on_the_page(language: str) -> None:
    assert sorted(name for names in api.GROUPS.values() for name in names) == sorted(wslab.__all__)
    page = api.page(language)
    for name in wslab.__all__:
        assert f":: wslab.{name}\n" in page or f":: {name}(" in page


@pytest.mark.parametrize(("name", "function"), [pytest.param(*each, id=each[0]) for each in public()])
def test_a_public_docstring_tells_of_every_parameter(name: str, function: Callable[..., Any]) -> None:
    said = inspect.getdoc(function)
    assert said, f"{name} has no docstring"
    for parameter in inspect.signature(function).parameters:
        if parameter not in ("self", "cls"):
            assert parameter in said, f"{name}() says nothing of {parameter}"
