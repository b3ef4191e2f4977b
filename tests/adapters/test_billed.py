"""What is remembered of batches, so that each answer in them is billed once."""

from costspan.adapters._billed import Batch, Batches


def test_a_batch_of_which_a_part_was_billed_is_not_billed_whole_and_its_rest_still_is():
    batches = Batches()

    assert batches.is_new("b", 1)
    assert not batches.is_whole("b")
    assert [batches.is_new("b", result) for result in (1, 2)] == [False, True]


def test_of_a_batch_that_was_billed_whole_nothing_is_new():
    batches = Batches()

    assert [batches.is_whole("b"), batches.is_whole("b"), batches.is_new("b", 7)] == [True, False, False]


def test_the_file_that_was_named_last_is_remembered_longest():
    batches = Batches(size=2)

    for file in ("a", "b", "a", "c"):
        batches.name(file, Batch(file))

    assert (batches.of("a"), batches.of("b"), batches.of("c")) == (Batch("a"), None, Batch("c"))


def test_a_file_waits_until_all_of_its_batch_is_billed():
    batches = Batches()
    batches.name("file", Batch("b"))

    assert (batches.waiting("other"), batches.waiting("file")) == (None, Batch("b"))
    assert batches.is_new("b", 1)
    assert batches.waiting("file") == Batch("b")
    batches.close("file")
    batches.close("other")
    assert batches.waiting("file") is None
    assert not batches.is_new("b", 2)
