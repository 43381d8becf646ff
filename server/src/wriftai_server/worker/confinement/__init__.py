"""Locks a model's process in: it sees its own files and nothing else of the machine.

`launch` and what it uses run in a process of their own, before the model's code does and beside it. They import
the standard library alone, so that they start fast and nothing that is installed takes part.
"""
