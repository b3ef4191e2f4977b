"""Does the host program see exactly what the bare SDK shows it?

Every case is run twice against a fake provider, with the bare SDK and with costspan on, and everything that a program
can see is compared: values, types, chunks, exceptions and their texts, laziness, its own arguments, the current span,
what went over the wire. An SDK joins with a table, as in `openai_table.py`, and a test file, as in `test_openai.py`.
"""
