"""This folder as a course of nbgrader 0.9: docs/nbgrader.md says how to use it, and what differs from `wslab grade`."""

from wslab.grading.nbgrader_course import configure

configure(get_config())  # noqa: F821 – nbgrader runs this file with that name
