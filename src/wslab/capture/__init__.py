"""See the wire: every byte between a client and a server, decoded into steps.

    with capture(server) as wire: ...

The pure core, bytes to steps, is `decoder`; `proxy` is the thin input and output around it; `data` is what comes of it.
"""

from wslab.capture.data import Capture, Passed
from wslab.capture.errors import CaptureError
from wslab.capture.explain import Explanation, explain
from wslab.capture.live import LiveCapture, capture
from wslab.capture.together import Together

__all__ = ["Capture", "CaptureError", "Explanation", "LiveCapture", "Passed", "Together", "capture", "explain"]
