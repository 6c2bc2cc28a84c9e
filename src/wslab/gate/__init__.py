"""The gate: what stands before an app that is shared with a class: only whoever holds its token comes in."""

from wslab.gate.asgi import Gate
from wslab.gate.guard import guarded
from wslab.gate.limits import Limits
from wslab.gate.people import Person, Visitor
from wslab.gate.tokens import acceptable, new_token

__all__ = ["Gate", "Limits", "Person", "Visitor", "acceptable", "guarded", "new_token"]
