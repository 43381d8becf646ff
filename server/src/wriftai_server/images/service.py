"""Rules for images."""

from wriftai_server.database.driver import Reader
from wriftai_server.images import store


async def holds(view: Reader, *, model_id: str, digest: str) -> bool:
    """Tell whether a model has an image, which then is there with all its blobs.

    Args:
        view: Runs the query.
        model_id: UUID of the model.
        digest: Of the image's manifest.
    """
    return await store.manifest(view, model_id=model_id, digest=digest) is not None
