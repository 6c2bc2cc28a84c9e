"""Writes what an instructor finds after a run: `scores.csv`, `class.html`, a page of feedback for each student."""
