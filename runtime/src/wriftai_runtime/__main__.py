"""The command: `python -m wriftai_runtime describe` and `serve`; a hub's worker and `wriftai` run it."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from wriftai_runtime import __version__
from wriftai_runtime.downloads import Download
from wriftai_runtime.serving import describe, serve

_MOST_OUTPUT = 128 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; give the exit code."""
    parser = _parser()
    wanted = parser.parse_args(arguments)
    if wanted.command == "describe":
        return describe(wanted.folder, wanted.predictor)
    if wanted.command == "serve":
        download = Download(most=wanted.file_limit, allows_private=wanted.allow_private_addresses)
        return serve(
            wanted.folder,
            wanted.predictor,
            concurrency=wanted.concurrency,
            replies=wanted.replies,
            download=download,
            most_output=wanted.output_limit,
        )
    parser.print_help(sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m wriftai_runtime",
        description="Runs a WriftAI model. People use `wriftai run` and `wriftai push` instead, which call this.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    describing = commands.add_parser("describe", help="print the model's input and output as JSON Schemas")
    serving = commands.add_parser(
        "serve", help="run predictions: messages in on stdin, out on a file descriptor, one JSON object a line"
    )
    for command in (describing, serving):
        command.add_argument(
            "--predictor",
            required=True,
            metavar="FILE:CLASS",
            help="class that predicts, as predict.py:Predictor",
        )
        command.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    serving.add_argument(
        "--replies", required=True, type=_descriptor, metavar="FD", help="descriptor to write messages to"
    )
    serving.add_argument(
        "--concurrency", type=_positive, default=1, metavar="N", help="predictions side by side (default 1)"
    )
    serving.add_argument(
        "--file-limit",
        type=_positive,
        default=Download.most,
        metavar="BYTES",
        help=f"largest file of an input (default {Download.most})",
    )
    serving.add_argument(
        "--output-limit",
        type=_positive,
        default=_MOST_OUTPUT,
        metavar="BYTES",
        help=f"longest output as JSON (default {_MOST_OUTPUT})",
    )
    serving.add_argument(
        "--allow-private-addresses",
        action="store_true",
        help="fetch files from addresses that are not public too",
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return int(text)


def _descriptor(text: str) -> int:
    try:
        os.fstat(int(text))
    except (ValueError, OSError):
        raise argparse.ArgumentTypeError(f"file descriptor {text} is not open") from None
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
