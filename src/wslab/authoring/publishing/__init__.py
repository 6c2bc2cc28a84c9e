"""Slides and the reading site, made from the editions and from what their cells showed in one real run."""

from wslab.authoring.publishing.decks import slides
from wslab.authoring.publishing.executing import PublishingError
from wslab.authoring.publishing.lessons import lesson
from wslab.authoring.publishing.site import site

__all__ = ["PublishingError", "lesson", "site", "slides"]
