"""Runs a submission in a process of its own, apart from the grader and, where bubblewrap can, from the machine."""
