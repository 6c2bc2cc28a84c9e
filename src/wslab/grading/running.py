"""Runs submissions through any `concurrent.futures.Executor`; a worker's death loses none of them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future

from wslab.errors import LabError
from wslab.grading.plain import plain
from wslab.grading.task import Refused, Result, Task
from wslab.language import Text, filled

Grader = Callable[[Task], Result]
Open = Callable[[], contextlib.AbstractContextManager[Executor]]
"""Opens an executor, and another one when the first breaks."""

WORKERS = min(32, 8 * (os.cpu_count() or 1))
"""Grading mostly waits for answers, so there are more workers than cores."""

CONNECTING = 10.0
"""Seconds that a Dask scheduler has for its first answer."""

_TRIES_ALONE = 2
_LOOK = 0.5  # seconds; on Windows a Ctrl-C is noticed between two waits

_GRADER_DIED = Text(
    en="The grader's own process ended while it judged this, {count} times; it was not graded. Run the same command to "
    "try again.",
    tr="Bunu sınarken puanlayıcının kendi süreci {count} kez sona erdi; puanlanmadı. Yeniden denemek için aynı komutu "
    "çalıştırın.",
)
_GRADER_FAILED = Text(
    en="The grader stumbled over this ({error}); it was not graded. Run the same command to try again.",
    tr="Puanlayıcı bunda hata verdi ({error}); puanlanmadı. Yeniden denemek için aynı komutu çalıştırın.",
)
_NO_WORKERS = Text(
    en="No worker process can be started here.",
    tr="Burada hiçbir işçi süreç başlatılamıyor.",
)
_NO_DASK = Text(
    en='--dask needs the package distributed: pip install "wslab[dask]"',
    tr='--dask için distributed paketi gerekir: pip install "wslab[dask]"',
)
_NO_SCHEDULER = Text(
    en="No Dask scheduler answers at {address} ({error}).",
    tr="{address} adresinde yanıt veren bir Dask zamanlayıcısı yok ({error}).",
)
_CLUSTER_GONE = Text(
    en="The Dask cluster at {address} is gone. What is finished is kept; the same command goes on from there.",
    tr="{address} adresindeki Dask kümesine ulaşılamıyor. Bitenler saklandı; aynı komut kaldığı yerden devam eder.",
)


def run(
    tasks: Iterable[Task],
    grader: Grader,
    open_executor: Open,
    done: Callable[[Task, Result | Text], None],
    *,
    at_once: int = WORKERS,
) -> None:
    """Have every task judged.

    Where a worker's death breaks the executor, the tasks that were running are judged again one at a time in another
    executor, which tells the one that ends its worker.

    Args:
        tasks: what to judge.
        grader: what judges a task; a function that a worker can import.
        open_executor: gives the executor.
        done: is called in this thread, once a task, with its result or with the reason why there is none.
        at_once: how many are under way at a time.

    Raises:
        Refused: the grader does not run submissions here.
        KeyboardInterrupt: Ctrl-C was pressed; running tasks are dropped.
    """
    waiting = deque(tasks)
    suspects: deque[Task] = deque()
    strikes: Counter[tuple[str, str]] = Counter()
    failed_starts = 0
    while waiting or suspects:
        with open_executor() as executor:
            while suspects:
                task, alone = suspects[0], deque([suspects[0]])
                if not _through(executor, alone, grader, done, 1) and not alone:
                    suspects.popleft()
                    continue
                strikes[task.student, task.lab] += 1
                if strikes[task.student, task.lab] == _TRIES_ALONE:
                    suspects.popleft()
                    done(task, filled(_GRADER_DIED, count=_TRIES_ALONE + 1))
                break
            else:
                before = len(waiting)
                broken = _through(executor, waiting, grader, done, at_once)
                suspects.extend(broken)
                failed_starts = failed_starts + 1 if waiting and len(waiting) == before else 0
                if failed_starts == _TRIES_ALONE:
                    raise LabError(_NO_WORKERS)


def _through(
    executor: Executor,
    waiting: deque[Task],
    grader: Grader,
    done: Callable[[Task, Result | Text], None],
    at_once: int,
) -> list[Task]:
    """Judge what waits. Where the executor breaks, return what was under way; the rest stays in `waiting`."""
    running: dict[Future[Result], Task] = {}
    while waiting or running:
        try:
            while waiting and len(running) < at_once:
                running[executor.submit(grader, waiting[0])] = waiting[0]
                waiting.popleft()
            finished, _ = concurrent.futures.wait(
                running, timeout=_LOOK, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in finished:
                _settle(running[future], future, done)
                del running[future]
        except BrokenExecutor:
            # Some may have finished before it broke.
            for future, task in list(running.items()):
                if future.done() and not future.cancelled() and future.exception() is None:
                    _settle(task, future, done)
                    del running[future]
            return list(running.values())
    return []


def _settle(task: Task, future: Future[Result], done: Callable[[Task, Result | Text], None]) -> None:
    try:
        result: Result | Text = future.result()
    except (BrokenExecutor, Refused, concurrent.futures.CancelledError):
        raise
    except Exception as error:
        result = filled(_GRADER_FAILED, error=plain(f"{type(error).__name__}: {error}"))
    done(task, result)


# Where they run


@contextlib.contextmanager
def local(workers: int = WORKERS) -> Iterator[Executor]:
    """Threads of this process; they share the preloaded process that forks submissions.

    Args:
        workers: how many.
    """
    executor = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="wslab grader")
    try:
        yield executor
    except BaseException:
        # Running tasks are not waited for: each may take as long as its deadline.
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()


def on_dask(address: str) -> Open:
    """A Dask cluster; the workers need the kit, and no disk that they share.

    Args:
        address: the scheduler's: `"tcp://10.0.0.5:8786"`.

    Raises:
        LabError: `distributed` is not installed, or (when it is opened) nothing answers there.
    """
    try:
        import distributed
    except ImportError:
        raise LabError(_NO_DASK) from None

    @contextlib.contextmanager
    def open_executor() -> Iterator[Executor]:
        try:
            client = distributed.Client(address, timeout=CONNECTING, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise LabError(_NO_SCHEDULER, address=address, error=type(error).__name__) from None
        with client:
            # Dask itself gives the tasks of a worker that is gone to another one.
            executor = client.get_executor(pure=False)  # type: ignore[no-untyped-call]
            try:
                yield executor
            except concurrent.futures.CancelledError:
                raise LabError(_CLUSTER_GONE, address=address) from None
            finally:
                executor.shutdown(wait=False)

    return open_executor
