"""Hardware: the kinds of machines that a hub runs models on."""

from wriftai._operations import operation, twin
from wriftai._policy import path
from wriftai._resource import Resource
from wriftai.common_types import Hardware
from wriftai.pagination import PaginatedResponse, PaginationOptions

__all__ = ["HardwareResource", "HardwareWithDetails"]


class HardwareWithDetails(Hardware):
    """A kind of machine and its size.

    Attributes:
        gpus: Number of GPUs.
        cpus: Number of processor cores.
        ram_per_gpu_gb: Memory of each GPU, in GB.
        ram_gb: Main memory, in GB.
        created_at: RFC 3339, UTC.
    """

    gpus: int
    cpus: int
    ram_per_gpu_gb: int
    ram_gb: int
    created_at: str


class HardwareResource(Resource):
    """Operations on hardware."""

    @operation
    async def list(
        self, pagination_options: PaginationOptions | None = None
    ) -> PaginatedResponse[HardwareWithDetails]:
        """Fetch a page of the hardware that the hub offers.

        Args:
            pagination_options: Where to start, how many.
        """
        return await self._page(path("hardware"), pagination_options)

    async_list = twin(list)
