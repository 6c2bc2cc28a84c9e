"""audience() and road(): clients that read, read slowly or not at all, and a way to a server that can be cut."""

from wslab.audience.crowd import Audience, Heard, Listener, Outcome, audience
from wslab.audience.picture import Outcomes
from wslab.audience.road import Road, road

__all__ = ["Audience", "Heard", "Listener", "Outcome", "Outcomes", "Road", "audience", "road"]
