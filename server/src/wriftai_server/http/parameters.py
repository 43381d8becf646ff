"""What paths of lists take in their queries."""

from typing import Annotated

from litestar.params import QueryParameter

PageSize = Annotated[int, QueryParameter(ge=1, le=100, description="How many entries at most.")]
Cursor = Annotated[
    str | None, QueryParameter(max_length=2000, description="`next_cursor` or `previous_cursor` of a page.")
]
