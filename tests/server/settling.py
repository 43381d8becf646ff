"""A hub that counts and settles until it is killed: `python -m tests.server.settling FOLDER MODEL ADDRESS`.

It writes a line for each time that it has counted three predictions of the model.
"""

import asyncio
import sys
from pathlib import Path

from wriftai_server.database.opening import open_database
from wriftai_server.models import tallies


async def _work(folder: Path, model_id: str, address: str) -> None:
    database = open_database(folder, address or None)
    while True:
        async with database.writing() as transaction:
            for _ in range(3):
                await tallies.add(transaction, model_id=model_id)
        sys.stdout.write("counted\n")
        sys.stdout.flush()
        await tallies.settle(database)


if __name__ == "__main__":
    asyncio.run(_work(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
