"""What a learner can do wrong with a capture, in one sentence."""

from __future__ import annotations

from wslab.errors import LabError


class CaptureError(LabError):
    """A capture cannot be begun, read or asked like this; the message says what to do instead."""
