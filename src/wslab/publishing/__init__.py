"""Slides and the reading site, made from the editions and from what their cells showed in one real run."""

from wslab.publishing.decks import slides
from wslab.publishing.executing import PublishingError
from wslab.publishing.site import site

__all__ = ["PublishingError", "site", "slides"]
