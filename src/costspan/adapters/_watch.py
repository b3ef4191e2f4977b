"""Reads what passes by for one call: the complete response, or chunk after chunk; tells the Call when it is over."""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from costspan.adapters._paths import text_of
from costspan.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from costspan.adapters._adapter import Operation
    from costspan.adapters._paths import Read
    from costspan.adapters._usage import UsageMap
    from costspan.call import Call, Observer
    from costspan.usage import Terms

_SEE = Guard("look at a streamed chunk")
_READ = Guard("read the response")
_END = Guard("finish the call")
_ADMIT = Guard("check the budgets")
_BATCH = 16  # chunks read at once, before a look at the budgets: in a row they cost half of what each in its turn does
_FIRST_CHUNKS = 2  # read as they come: names are in the first; Azure puts an empty one before it
_FOLD = 64  # usage objects held before they are made one: some hosts send one with every chunk
_CODE = re.compile(r"[\w.:-]{1,64}")  # of an error; what else is told is a message, which may quote the prompt


class Watch:
    """One call as seen from an SDK. Never raises into the host; the end is told once, however it comes."""

    def __init__(self, call: Call, operation: Operation, observer: Observer, *, hidden: bool = False) -> None:
        self.call = call
        self.operation = operation
        self._observer = observer
        self._hidden = hidden
        self._tells = _no_usage if operation.usage is None else operation.usage.tells
        self._usages: list[Any] = []
        self._terms: dict[str, Any] = {}
        self._finish: list[str] = []
        self._texts: list[str] = []
        self._unread: list[Any] = []  # chunks still to be read
        self._patience = 1  # how many of them may wait
        self._last: Any = None
        self._newest: Any = None  # chunk of a stream
        self.taking = False  # the next item of a stream: if it closes itself then, it goes on to tell why

    def admit(self) -> None:
        """Check the budgets before the call: outside every guard, as this alone may raise into the program.

        Raises:
            BudgetExceededError: A budget that the program has set is spent; the SDK is not called.
        """
        refusal, operation = None, self.operation
        if not operation.free and (not operation.lookup or (operation.session is None and self.call.request.model)):
            with _ADMIT:
                refusal = self._observer.refusal(self.call)
        if refusal is not None:
            self.call.forget()
            raise refusal

    def refusal(self) -> Exception | None:
        """What the program gets instead of the next chunk, where a budget watches over the stream and is spent."""
        if not self._unread and self.call.open:  # all is read that has come
            with _ADMIT:
                self.call.reply.text = "".join(self._texts)
                return self._observer.refusal(self.call)
        return None

    def begin(self) -> Any:
        """Tell the observer; what comes back goes to `pause` when the SDK hands over its answer."""
        if not self.operation.lookup:
            with _READ:
                return self._observer.started(self.call)
        return None

    def pause(self, scope: Any) -> None:
        """The SDK has answered: the call is no longer what the program is inside of, though a stream may go on."""
        self.taking = False
        if scope is not None:
            with _END:
                self._observer.paused(scope)

    def see(self, chunk: Any) -> bool:
        """Look at a chunk; whether the host is to get it (not the usage chunk that only we asked for)."""
        self._unread.append(chunk)
        with _SEE:
            # a chunk with usage is read before the host gets it, who may take the usage out
            if len(self._unread) >= self._patience or self._tells(chunk) is not None:
                self._read_chunks()
        if self._hidden:  # apart: what we failed to read is still not the host's
            with _SEE:
                _unask(chunk)
                return getattr(chunk, "usage", None) is None or bool(getattr(chunk, "choices", None))
        return True

    def note(self, source: Any) -> None:
        """Read what is told beside the answer: headers, an envelope."""
        with _READ:
            self._collect(source)
            self._identify(source)

    def complete(self, response: Any) -> None:
        """Read a complete response, and finish."""
        with _READ:
            self._last = response
            self._collect(response)
            self._identify(response)
            _gather(self.operation.read.finish, [response], self._finish)
        self.finish()

    def _collect(self, source: Any) -> bool:
        usage = self.operation.usage
        if usage is None:
            return False
        told = False
        for root in usage.roots:
            if (found := root(source)) is not None:
                told = True
                self._usages.append(found)
        if len(self._usages) > _FOLD:
            self._usages = [usage.fold(self._usages)]
        return told

    def _identify(self, source: Any) -> None:
        """Names and terms: in the first chunk, or beside the usage."""
        reply, operation = self.call.reply, self.operation
        read = operation.read
        if read.model is not None and (model := text_of(read.model(source))):
            reply.model = model
        if read.id is not None and (id_ := text_of(read.id(source))):
            reply.id = id_
        for name, term in operation.read_terms:
            if (value := term(source)) is not None:
                self._terms[name] = value

    def _read_chunks(self) -> None:
        """What has come since the last look: usage, names, why it ends, and text for a local count."""
        call, tally = self.call, self.operation.tally
        chunks, self._unread = self._unread, []
        call.chunk(len(chunks))
        self._newest = newest = chunks[-1]  # what tells usage was read at once, as were the first
        has_usage = self._collect(newest)
        if has_usage or not self._usages:
            self._last = newest
        if has_usage or call.chunks <= _FIRST_CHUNKS:
            self._identify(newest)
        if tally is not None:
            tally(call, newest)
        elif call.chunks >= _FIRST_CHUNKS:
            self._patience = _BATCH
        _gather(self.operation.read.finish, chunks, self._finish)
        _gather(self.operation.read.text, chunks, self._texts)

    def finish(self) -> None:
        """The answer is complete."""
        if self.call.open:
            with _END:
                self._conclude()
            with _END:
                self.call.finish()

    def finish_with(self, stream: Any) -> None:
        """The stream has ended, and tells more itself than its chunks did."""
        with _READ:
            if self._unread:
                self._read_chunks()
            self._last = stream
        self.finish()
        # a stream that is watched from outside is known by itself: let it go
        self._last = self._newest = self.call.reply.answer = None

    def hold(self) -> Any:
        """Before more of a stream is taken; gives what `pause` gets then: LiteLLM may call the SDK beneath only now.

        Raises:
            Exception: A budget is spent: the program gets no more of it.
        """
        if self.call.metered and (refusal := self.refusal()) is not None:
            self.fail(refusal)
            raise refusal
        self.taking = True
        return None if self.call.chunks else self.begin()

    def leave_early(self) -> None:
        """The host wants no more of a stream, before its end."""
        if self.operation.lazy and not self.call.chunks:
            self.call.forget()  # nothing was asked of the provider yet
        elif self.call.open:
            self.call.reply.partial = True
            self.finish()

    def fail(self, error: BaseException) -> None:
        """The call raised into the host; what was told up to then still counts."""
        if self.call.open:
            self.call.error = type(error).__qualname__
            self.call.reply.partial = bool(self.call.chunks)
            if (answer := getattr(self.call.request.parsing, "answer", None)) is not None:
                self.complete(answer)
            self.finish()

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:
        """The host dropped the stream: never iterated, or left by `break`. At the very end nobody can be told."""
        if self.call.open and not ending():
            self.call.dropped = True
            self.leave_early()

    def _conclude(self) -> None:
        call, operation, reply = self.call, self.operation, self.call.reply
        if self._unread:
            self._read_chunks()
        reply.free = operation.free
        reply.finish_reasons = tuple(self._finish)
        if call.content is not None and not call.chunks:
            reply.answer = self._last
        if operation.usage is not None:
            self._read_usage(operation.usage)
        if reply.usage is None and not call.chunks:
            _gather(operation.read.full_text, [self._last], self._texts)
        reply.text = "".join(self._texts)
        self._settle_terms()
        answered = self._last is not None or not call.error  # an answer may be mere bytes
        if operation.hook is not None and answered:
            operation.hook(call.request, self._last, reply)
        if operation.read.error is not None and not call.error:
            self._read_error(operation.read.error)
        if operation.lookup and (operation.silent or reply.already_billed or not (answered or call.request.model)):
            call.forget()
        elif operation.lookup:
            self._observer.paused(self._observer.started(call))

    def _read_usage(self, usage: UsageMap) -> None:
        reply = self.call.reply
        if not self._usages and self._last is not None:
            self._usages = [each for root in usage.last_roots if (each := root(self._last)) is not None]
        if self._usages:
            reply.usage, reply.clamped, reply.stated_cost = usage.read(self._usages)
            if reply.partial and reply.stated_cost == 0:
                reply.stated_cost = None  # Perplexity's streams say 0 until they end: sdk-usage 17

    def _read_error(self, read: Read) -> None:
        call = self.call
        if told := read(self._last) or (self._newest is not None and read(self._newest)):
            code = str(told) if type(told) is int else text_of(told)
            call.error = code if _CODE.fullmatch(code) else "error"
            if not self._texts:
                call.chunks, call.first_chunk = 0, None  # an error alone is no answer that has begun

    def _settle_terms(self) -> None:
        """The terms as served; what the answer does not say is taken as asked (an image's size)."""
        request, terms = self.call.request, self._terms
        for name, read in self.operation.read_asked:
            terms.setdefault(name, read(request.body))
        if request.geo:
            terms["geo"] = request.geo
        texts: tuple[tuple[str, str], ...] = ()
        for name, value in terms.items():
            if text := text_of(value):
                texts += ((name, text.lower()),)
        if texts:
            self.call.reply.terms = _with(self.call.reply.terms, texts)


@lru_cache(maxsize=256)
def _with(terms: Terms, texts: tuple[tuple[str, str], ...]) -> Terms:
    return terms._replace(**dict(texts))  # type: ignore[arg-type] # text fields only


def _no_usage(_chunk: Any) -> None: ...


def _unask(chunk: Any) -> None:
    """Once asked for usage, a server says `usage: null` in every chunk: the host sees none, as without us."""
    told = getattr(chunk, "__pydantic_fields_set__", None)
    if told is not None and chunk.__dict__.get("usage") is None:
        told.discard("usage")


def _gather(read: Read | None, sources: list[Any], strings: list[str]) -> None:
    if read is not None:
        for source in sources:
            if found := read(source):
                _add_strings(found, strings)


def _add_strings(found: Any, strings: list[str]) -> None:
    if type(found) is str:
        strings.append(found)
        return
    for each in found if isinstance(found, (list, tuple)) else (found,):
        if type(each) is str:
            strings.append(each)
        elif isinstance(each, (list, tuple)):
            _add_strings(each, strings)
        elif text := text_of(each):
            strings.append(text)
