"""A real Jupyter kernel for tests."""

from __future__ import annotations

import contextlib

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager
from tests.kernels import connection


class Kernel:
    """A kernel that is sent cells; what a cell printed and showed comes back as text."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3", **connection())
        self.manager.start_kernel()
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def start(self, code: str, cell: str = "") -> str:
        """Send a cell as a front end does, with its id; return the request's id."""
        message = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": True,
            },
        )
        if cell:
            message["metadata"]["cellId"] = cell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    count = 0
    """The number that a front end shows beside the cell that ran last."""

    def output(self, request: str, timeout: float = 60) -> str:
        """All that the request printed, showed and raised: what went to stdout, to stderr, and the rest.

        Not in the order of arrival: each stream is sent when it is full or old enough, so that time decides.
        """
        parts = {"stdout": "", "stderr": "", "rest": ""}
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            kind = message["msg_type"]
            if kind == "stream":
                parts[content["name"]] += content["text"]
            elif kind in ("execute_result", "display_data"):
                parts["rest"] += content["data"].get("text/plain", "")
            elif kind == "error":
                parts["rest"] += "\n".join(content["traceback"])
            elif kind == "execute_input":
                self.count = int(content["execution_count"])
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(parts.values())

    def run(self, code: str, cell: str = "") -> str:
        return self.output(self.start(code, cell))

    def stop(self) -> None:
        self.client.stop_channels()
        with contextlib.suppress(Exception):
            self.manager.shutdown_kernel(now=True)
