"""Other interpreters, which start with nothing imported and nothing made."""

import os
import subprocess
import sys
import textwrap


def in_fresh_python(code: str, *arguments: str, **environment: str) -> str:
    """Run code in a new interpreter, with these variables added, and give what it prints."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments]
    # Measuring coverage in there would load modules that the code does not.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=kept | environment
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()
