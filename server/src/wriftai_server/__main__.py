"""`python -m wriftai_server` is the `wriftai-server` command."""

from wriftai_server.cli import app

if __name__ == "__main__":
    app(prog_name="wriftai-server")
