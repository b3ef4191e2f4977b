"""An event loop for many runs, as `asyncio.Runner` has it from Python 3.11 on."""

from __future__ import annotations

import asyncio
import gc
import warnings
from contextlib import contextmanager


@contextmanager
def event_loop():
    """It ends once what the collector finds of dropped streams is closed: a warning of it is not for another test."""
    loop = asyncio.new_event_loop()
    try:
        yield loop
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gc.collect()
        loop.run_until_complete(_rest())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _rest():
    await asyncio.sleep(0)  # what was dropped becomes a task
    if tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks, timeout=5)
