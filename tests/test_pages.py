"""The pages of unit 03 where no browser is needed."""

from __future__ import annotations

import pytest

from wslab import pages, seed
from wslab.errors import LabError


def test_a_page_with_the_documents_address_says_which_cell_was_left_out() -> None:
    """Who leaves out one cell of section 2 would wait in vain for what the page reports."""
    with pytest.raises(LabError, match=r"still connects to ws://localhost:8000/ws\. Run the cell"):
        pages.observed(seed.fresh("server").app, seed.fresh("client").html)
