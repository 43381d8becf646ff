"""How far it is, and why it does not go on, in words for the operator."""

from collections.abc import Callable

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is; of a step it is told many times."""


class CannotMove(Exception):
    """The hub cannot be taken there, and this says what to do about it. What was begun is taken back."""
