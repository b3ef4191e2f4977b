"""Blocks as `with`, `async with` and decorators: what is inside inherits, and every way out is an end."""

import asyncio
import functools
import inspect

import pytest
from opentelemetry import context as otel

import costspan
from costspan.rollup import Account
from costspan.scope import Run, Scoped, scope_in


class Recorded(Scoped):
    """A block that remembers what happened to it."""

    def __init__(self):
        super().__init__()
        self.log = []

    def open(self):
        self.log.append("open")
        block = self

        class Noted(Run):
            def close(self, error):
                block.log.append(f"closed {type(error).__name__}" if error is not None else "closed")

        return Noted({"team": "search"}, Account())


def inside():
    return scope_in(otel.get_current()).payers.get("team", "")


def test_the_steps_of_a_generator_are_inside_and_the_program_between_them_is_not():
    block, seen = Recorded(), []

    @block
    def numbers():
        seen.append(inside())
        got = yield 1
        seen.append((inside(), got))
        return "end"

    def outer():
        return (yield from numbers())

    running = outer()
    assert next(running) == 1
    assert inside() == ""
    with pytest.raises(StopIteration) as ended:
        running.send("sent")
    assert ended.value.value == "end"
    assert seen == ["search", ("search", "sent")]
    assert block.log == ["open", "closed"]


def test_what_is_thrown_into_a_generator_reaches_it_inside():
    block, seen = Recorded(), []

    @block
    def numbers():
        try:
            yield 1
        except KeyError:
            seen.append(inside())
            yield 2
        finally:
            seen.append("finally " + inside())

    running = numbers()
    next(running)
    assert running.throw(KeyError("x")) == 2
    running.close()
    assert seen == ["search", "finally search"]
    assert block.log == ["open", "closed"]


def test_what_is_thrown_into_an_async_generator_reaches_it_inside():
    block, seen = Recorded(), []

    @block
    async def numbers():
        try:
            seen.append((yield 1))
            yield 2
        except KeyError:
            seen.append(inside())
            yield 3
        finally:
            seen.append("finally " + inside())

    async def run():
        running = numbers()
        assert await running.asend(None) == 1
        assert await running.asend("sent") == 2
        assert await running.athrow(KeyError("x")) == 3
        assert inside() == ""
        await running.aclose()

    asyncio.run(run())
    assert seen == ["sent", "search", "finally search"]
    assert block.log == ["open", "closed"]


def test_an_async_generator_that_fails_closes_its_block_with_the_error():
    block = Recorded()

    @block
    async def failing():
        yield 1
        raise KeyError("x")

    async def run():
        return [each async for each in failing()]

    with pytest.raises(KeyError):
        asyncio.run(run())
    assert block.log == ["open", "closed KeyError"]


def test_every_call_of_a_decorated_function_is_a_run_of_its_own():
    block = Recorded()

    @block
    def work(depth):
        return work(depth - 1) if depth else inside()

    assert work(2) == "search"
    assert block.log == ["open"] * 3 + ["closed"] * 3


def test_a_decorated_function_keeps_its_kind_and_name():
    block = Recorded()

    @block
    def plain(): ...

    @block
    async def waits(): ...

    @block
    def yields():
        yield

    @block
    async def yields_later():
        yield

    assert plain.__name__ == "plain"
    assert inspect.iscoroutinefunction(waits)
    assert inspect.isgeneratorfunction(yields)
    assert inspect.isasyncgenfunction(yields_later)


def test_an_async_function_that_another_decorator_hides_is_inside_too():
    block = Recorded()

    async def work(failure=None):
        await asyncio.sleep(0)
        if failure is not None:
            raise failure
        return inside()

    hidden = block(functools.partial(work).__call__)
    assert not inspect.iscoroutinefunction(hidden)
    assert asyncio.run(hidden()) == "search"
    with pytest.raises(KeyError):
        asyncio.run(hidden(KeyError("x")))
    assert block.log == ["open", "closed", "open", "closed KeyError"]


def test_a_plain_function_that_fails_closes_its_block_with_the_error():
    block = Recorded()
    with pytest.raises(ZeroDivisionError):
        block(lambda: 1 / 0)()
    assert block.log == ["open", "closed ZeroDivisionError"]
    assert inside() == ""


def test_a_block_around_a_task_that_is_cancelled_ends_with_it():
    block = Recorded()

    async def run():
        async with block:
            task = asyncio.current_task()
            task.cancel()
            await asyncio.sleep(1)

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert block.log == ["open", "closed CancelledError"]


def test_a_block_left_in_another_task_ends_and_leaves_that_tasks_context_alone():
    block = Recorded()

    async def leave():
        with costspan.attribution(team="other"):
            block.__exit__(None, None, None)
            return inside()

    async def run():
        block.__enter__()
        return await asyncio.create_task(leave())

    async def from_outside():
        await asyncio.create_task(enter())
        block.__exit__(None, None, None)
        return inside()

    async def enter():
        block.__enter__()

    assert asyncio.run(run()) == "other"
    assert asyncio.run(from_outside()) == ""
    assert block.log == ["open", "closed"] * 2


def test_one_block_entered_by_two_tasks_at_once_is_two_runs():
    block = Recorded()

    async def work(first, second):
        with block:
            first.set()
            await second.wait()
            return inside()

    async def run():
        one, other = asyncio.Event(), asyncio.Event()
        return await asyncio.gather(work(one, other), work(other, one))

    assert asyncio.run(run()) == ["search", "search"]
    assert inside() == ""
    assert block.log == ["open", "open", "closed", "closed"]


def test_a_block_left_before_one_that_was_entered_inside_is_gone_when_that_one_is_left():
    """A generator keeps its block open for as long as it is not closed."""

    def answer():
        with costspan.attribution(feature="chat"):
            yield

    running = answer()
    with costspan.attribution(team="other"), costspan.attribution(team="search"):
        next(running)
    assert scope_in(otel.get_current()).payers == {"team": "search", "feature": "chat"}
    running.close()
    assert otel.get_current() == {}


def test_a_method_is_decorated_above_and_below_what_makes_it_a_static_or_class_method():
    block = Recorded()

    class Agent:
        @block
        @staticmethod
        def static(given):
            return inside(), given

        @block
        @classmethod
        def of_class(cls, given):
            return inside(), cls, given

        @classmethod
        @block
        def below(cls, given):
            return inside(), cls, given

    for agent in (Agent, Agent()):
        assert agent.static(1) == ("search", 1)
        assert agent.of_class(1) == agent.below(1) == ("search", Agent, 1)


def hidden_by_a_decorator(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args)

    return wrapper


def hidden_in_an_object(function):
    class Called:
        def __call__(self):
            yield from function()

    return Called()


@pytest.mark.parametrize("hide", [hidden_by_a_decorator, hidden_in_an_object])
def test_the_steps_of_a_generator_that_is_hidden_are_inside_too(hide):
    block = Recorded()

    def numbers():
        yield inside()
        yield inside()

    assert list(block(hide(numbers))()) == ["search", "search"]
    assert block.log == ["open", "closed"]


def test_the_steps_of_an_async_generator_that_is_hidden_are_inside_too():
    block = Recorded()

    @block
    @hidden_by_a_decorator
    async def numbers():
        yield inside()

    async def read():
        return [each async for each in numbers()]

    assert asyncio.run(read()) == ["search"]
    assert block.log == ["open", "closed"]


def test_a_generator_that_a_function_only_hands_on_stays_itself():
    """An SDK's stream, whose cost is found again by the very object."""
    block, stream = Recorded(), (each for each in range(3))

    @block
    def ask():
        return stream

    assert ask() is stream
    assert block.log == ["open", "closed"]


@pytest.mark.parametrize("odd", ["research", 5, property(len)])
def test_what_is_no_function_is_not_decorated(odd):
    with pytest.raises(TypeError, match="no function to decorate"):
        costspan.observe(odd)
