"""The launcher as a script: `python -I -S …/confinement SPEC`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # Isolated mode leaves out every folder but the standard library's.
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from wriftai_server.worker.confinement.launch import main

    main(sys.argv[1])
