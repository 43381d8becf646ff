"""What a model says about an input beyond its type."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Input:
    """Describe and limit an input, as in `Annotated[float, Input(ge=0, le=1)]`.

    Limits of `X | None` hold for `X`. A default is written into the signature: `steps: … = 20`.

    Attributes:
        description: For people; shown with the model.
        ge: Smallest number that is allowed.
        le: Largest number that is allowed.
        min_length: Fewest characters of a text, or items of a list.
        max_length: Most characters of a text, or items of a list.
        pattern: Regular expression that is found in the text; anchor it with `^` and `$` for the whole text.
        choices: The only values that are allowed.
    """

    description: str | None = None
    ge: float | None = None
    le: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: Sequence[str | int | float] | None = None

    def __post_init__(self) -> None:
        if self.choices is not None:  # An annotation has to be hashable, so that `… | None` can be made of it.
            object.__setattr__(self, "choices", tuple(self.choices))
