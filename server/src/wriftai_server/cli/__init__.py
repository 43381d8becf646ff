"""The `wriftai-server` command."""

from wriftai_server.cli._command import app

__all__ = ["app"]
