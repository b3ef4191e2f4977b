from costspan.call import Call, Request


class Told:
    def __init__(self):
        self.finished_calls = []

    def finished(self, call):
        self.finished_calls.append(call)


def begin(observer):
    return Call(Request("chat", "openai", "gpt-4o"), observer)


def test_a_call_is_told_once_however_often_it_ends():
    told = Told()
    call = begin(told)
    call.finish()
    call.finish()
    call.fail(ValueError())

    assert told.finished_calls == [call]
    assert call.error == ""
    assert not call.open


def test_a_failed_call_keeps_the_name_of_its_error():
    """Not the error: its frames would keep open what the program has left."""
    told = Told()
    call = begin(told)
    call.fail(TimeoutError())

    assert told.finished_calls[0].error == "TimeoutError"


def test_a_forgotten_call_is_told_to_nobody():
    told = Told()
    call = begin(told)
    call.forget()
    call.finish()

    assert told.finished_calls == []


def test_the_first_chunk_is_timed_once():
    call = begin(Told())
    call.chunk()
    first = call.first_chunk
    call.chunk()

    assert call.chunks == 2
    assert call.first_chunk == first
    assert 0 <= first - call.begun <= call.duration_seconds


def test_a_duration_ends_with_the_call():
    call = begin(Told())
    call.finish()

    assert call.duration_seconds == call.ended - call.begun
