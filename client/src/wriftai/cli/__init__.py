"""The `wriftai` command: write a model, run it, push it to a hub, and find and call models there."""

import sys


def main() -> None:
    """Run the command, or say how to install what it needs."""
    try:
        from wriftai.cli._command import app

        app()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("wriftai."):
            raise
        sys.exit(
            f"Error: The command needs {error.name}, which is not here: install the client with its extra 'cli'"
        )
