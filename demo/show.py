"""What all parts of the demonstration print."""

from collections.abc import Callable

from wriftai import APIStatusError
from wriftai.models import Model


def title(text: str) -> None:
    """Begin a part."""
    print(f"\n== {text} ==", flush=True)


def line(model: Model) -> str:
    """Show a model in a line."""
    about = (model["description"] or "").partition(".")[0]
    return f"{model['owner']['username']}/{model['name']}: {about}"


def refused(what: str, call: Callable[[], object]) -> None:
    """Make a call that must fail, and show its error as a caller sees it."""
    try:
        call()
    except APIStatusError as error:
        print(f"{what}: {type(error).__name__} {error.status_code}")
        for said in str(error).splitlines()[2:]:
            print(f"    {said}")
    else:
        raise AssertionError(f"{what}: the hub did not refuse")
