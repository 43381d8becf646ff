"""`wriftai-server worker`."""

from wriftai_server.cli.options import (
    DEFAULT_DATA_DIR,
    DatabaseAddress,
    DataDir,
    Hardware,
    LogLevelOption,
    ObjectStore,
    WebhookAllow,
)
from wriftai_server.cli.worker_options import with_worker_options
from wriftai_server.settings import Settings, WorkerSettings


@with_worker_options
def worker(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    database: DatabaseAddress = None,
    hardware: Hardware = None,
    object_store: ObjectStore = None,
    webhook_allow: WebhookAllow = "",
    log_level: LogLevelOption = "info",
    *,
    worker: WorkerSettings,
) -> None:
    """Run predictions of the hub in a folder, beside `serve`; there may be several.

    A worker runs what waits for the hardware that it has itself. Told to stop (Ctrl-C, SIGTERM), it lets what
    runs end for a while, and gives back the rest.
    """
    from wriftai_server.cli import worker_process

    worker_process.run(
        Settings(
            data_dir=data_dir,
            database=database,
            hardware=hardware,
            object_store=object_store,
            webhook_allow=webhook_allow,
            log_level=log_level,
            worker=worker,
        )
    )
