"""The client: settings, resources, and closing what was opened."""

from typing import TYPE_CHECKING, Any

from wriftai import _settings
from wriftai._connections import AsyncConnection, Connection
from wriftai.api import API
from wriftai.authenticated_user import AuthenticatedUser
from wriftai.common_types import NotRequired, TypedDict
from wriftai.hardware import HardwareResource
from wriftai.models import ModelsResource
from wriftai.predictions import Predictions
from wriftai.users import UsersResource
from wriftai.versions import Versions

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from wriftai import _http

_DEFAULT_TIMEOUT = 10.0


class ClientOptions(TypedDict):
    """How the client talks to the hub.

    Attributes:
        headers: Sent with each request, instead of the client's own where the names are equal.
        timeout: Bounds each part of a request; its largest part bounds a whole call, retries included.
        transport: Carries the requests instead of the network. One that serves only blocking or only async calls
            leaves the others to the network.
    """

    headers: NotRequired[dict[str, Any]]
    timeout: NotRequired["_http.Timeout"]
    transport: NotRequired["_http.Transport"]


class Client:
    """A hub, as one caller sees it.

    Nothing is opened before the first call. A closed client opens anew with its next call. It may be shared by
    threads, and used from several event loops one after the other.

    Args:
        api_base_url: Address of the hub with its `/v1`; None takes it from `WRIFTAI_API_BASE_URL`, else from
            the hosted service.
        access_token: Says who is calling; None takes it from `WRIFTAI_ACCESS_TOKEN`; an empty one is anonymous.
        client_options: Headers, timeout, transport.
        max_retries: How many more attempts a call gets after a failed connection, a 429 or a 5xx.

    Raises:
        ValueError: The address has no `http://` or `https://`; or the token, or a header, holds what none can:
            visible ASCII characters are sent.

    Attributes:
        api: Carries the requests of all resources.
        models: Operations on models.
        versions: Operations on the versions of models.
        predictions: Operations on predictions.
        hardware: Operations on hardware.
        users: Operations on users.
        authenticated_user: Operations on the user behind the token.
    """

    def __init__(
        self,
        api_base_url: str | None = None,
        access_token: str | None = None,
        client_options: ClientOptions | None = None,
        *,
        max_retries: int = 2,
    ) -> None:
        options = client_options or {}
        base_url = _settings.base_url(api_base_url)
        headers = _settings.headers(_settings.access_token(access_token), options.get("headers") or {})
        transport = options.get("transport")
        self._connection = Connection(base_url, headers, transport)
        self._async_connection = AsyncConnection(base_url, headers, transport)
        self.api = API(
            self._connection,
            self._async_connection,
            max_retries=max_retries,
            timeout=options.get("timeout") or _DEFAULT_TIMEOUT,
        )
        self.models = ModelsResource(self.api)
        self.versions = Versions(self.api)
        self.predictions = Predictions(self.api)
        self.hardware = HardwareResource(self.api)
        self.users = UsersResource(self.api)
        self.authenticated_user = AuthenticatedUser(self.api)

    def close(self) -> None:
        """Close the connections of blocking calls."""
        self._connection.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop, and those of blocking calls."""
        await self._async_connection.aclose()
        self._connection.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self.close()

    async def __aenter__(self) -> "Self":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        await self.aclose()
