"""Ctrl-C where nothing is forked: what a submission has started does not outlive the grader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.grading.papers import ROOT, hand_in

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="where both ways can be had")]

SCRIPT = """
import functools, signal, sys
from wslab import cli
from wslab.grading import grading
from wslab.grading.isolation import sandbox

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a script's `&` has started
sandbox.namespace_mode = lambda: ""
grading.grade = functools.partial(grading.grade, start="fresh")
cli.app(["--in", "en", "grade", *sys.argv[1:]])
"""

LINGERS = """
import os, signal
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    with open({fifo!r}, "w") as file:
        file.write(str(os.getpid()))
    signal.pause()
signal.pause()
"""
"""A cell whose grandchild has left its parents and its session, tells its number, and stays; the cell does, too."""


def test_nothing_outlives_ctrl_c(tmp_path: Path) -> None:
    fifo = tmp_path / "told"
    os.mkfifo(fifo)
    hand_in(tmp_path / "in", "ayse", more=LINGERS.format(fifo=str(fifo)))
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "in"), "--out", str(tmp_path / "out")]
    grader = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        told = psutil.Process(int(fifo.read_text()))  # waits until it is written
        started = [one for one in (told, *psutil.Process(grader.pid).children(recursive=True)) if one.pid != grader.pid]
        assert len(started) > 1
        grader.send_signal(signal.SIGINT)
        output, _ = grader.communicate(timeout=60)
        assert grader.returncode == 130, output
        assert "the same command goes on from there" in output
        assert not [one for one in started if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    finally:
        grader.kill()
        grader.wait()


def test_after_the_end_nothing_is_started() -> None:
    script = """
from wslab.grading.isolation import fresh, sandbox
from wslab.grading.task import Limits
one = sandbox.Confined(Limits(), "fresh")
fresh.end_all()
assert one.ended
one.kill()
try:
    sandbox.Confined(Limits(), "fresh")
except RuntimeError:
    print("none")
"""
    assert subprocess.check_output([sys.executable, "-c", script], text=True, timeout=60) == "none\n"
