"""Hardware as it is shown."""

from wriftai.hardware import HardwareWithDetails
from wriftai_server.database.driver import Row
from wriftai_server.database.schema import hardware

COLUMNS = (
    hardware.c.id,
    hardware.c.identifier,
    hardware.c.name,
    hardware.c.gpus,
    hardware.c.cpus,
    hardware.c.ram_per_gpu_gb,
    hardware.c.ram_gb,
    hardware.c.created_at,
)


def shown(row: Row) -> HardwareWithDetails:
    """Show a row as hardware.

    Args:
        row: In the order of `COLUMNS`.
    """
    return {
        "name": row[2],
        "identifier": row[1],
        "gpus": row[3],
        "cpus": row[4],
        "ram_per_gpu_gb": row[5],
        "ram_gb": row[6],
        "created_at": row[7],
    }
