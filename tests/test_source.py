"""Whose code is it?"""

from __future__ import annotations

import asyncio
import json

import fastapi
import pytest

import wslab
from wslab import seed
from wslab.source import is_user_code, place


@pytest.mark.parametrize(
    ("filename", "own"),
    [
        (__file__, True),
        ("/home/ada/chat.py", True),
        ("<ipython-input-3-abc>", True),
        (seed.fresh("server").__file__, True),
        (wslab.__file__, False),
        (json.__file__, False),
        (asyncio.__file__, False),
        (fastapi.__file__, False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
    ],
)
def test_whose_code(filename: str, own: bool) -> None:
    assert is_user_code(filename) is own


def test_a_folder_whose_name_only_begins_like_the_kits_is_the_readers() -> None:
    assert is_user_code(wslab.__file__.replace("wslab", "wslab_exercises"))


def test_a_file_is_called_by_its_name_and_line() -> None:
    assert place("/home/ada/chat.py", 15) == "chat.py:15"
