"""What ends a command with a sentence, and not with a traceback."""

from wriftai_server.database.connections import UnusableServer
from wriftai_server.database.driver import DatabaseUnavailable
from wriftai_server.database.migrate import SchemaTooNew
from wriftai_server.database.opening import UnusableFolder
from wriftai_server.hardware.catalogue import BadCatalogue
from wriftai_server.http.problems import Problem
from wriftai_server.images.blobs import StoreUnavailable, UnusableStore
from wriftai_server.moving.progress import CannotMove
from wriftai_server.worker.confinement.sandbox import Unconfined

REFUSALS = (
    UnusableFolder,
    UnusableServer,
    SchemaTooNew,
    BadCatalogue,
    DatabaseUnavailable,
    Problem,
    UnusableStore,
    StoreUnavailable,
    Unconfined,
    CannotMove,
)
