"""What a worker has to know of versions."""

from wriftai_server.database.driver import Database
from wriftai_server.worker import store

_MOST_REMEMBERED = 10_000


class Versions:
    """Looks versions up, and remembers of which model each is, as that cannot change.

    Args:
        database: Holds the versions.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._models: dict[str, str] = {}

    async def model_of(self, version_id: str) -> str:
        """Give the id of a version's model, and that of the version itself where it was deleted.

        Raises:
            DatabaseUnavailable: It cannot be looked up now.
        """
        if version_id not in self._models:
            if len(self._models) >= _MOST_REMEMBERED:
                self._models.clear()
            found = await self.find(version_id)
            self._models[version_id] = version_id if found is None else found.model_id
        return self._models[version_id]

    async def find(self, version_id: str) -> store.Version | None:
        """Find a version; None when it was deleted.

        Raises:
            DatabaseUnavailable: It cannot be looked up now.
        """
        async with self._database.reading() as view:
            return await store.version(view, version_id)
