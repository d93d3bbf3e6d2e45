"""The decisions, pure: facts go in, one step decides, actions and messages come out.

Nothing in here does I/O, logs, reads a clock or draws a random number: all of that arrives as values. Nothing in here
knows who uses it. Read `model` for the words, `step` for the one function the shell calls.
"""
