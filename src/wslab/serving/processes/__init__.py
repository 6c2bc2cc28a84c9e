"""serve("chat:app", processes=2): a learner's file, run by uvicorn's own supervisor in processes of its own.

The kernel binds the port and starts one process, the supervisor (`supervisor.py`), which runs
`uvicorn.supervisors.Multiprocess` with that socket; it starts the workers (`worker.py`). Each of these processes keeps
a connection to the kernel (`line.py`, `exchange.py`): rows of the log go one way, questions the other, and its end
means that the other side has ended, whatever ended it.
"""
