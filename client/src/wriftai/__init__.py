"""Talk to a WriftAI hub: models, versions and predictions, blocking and async.

Names load when they are first used, so importing this package costs next to nothing; the HTTP library and
TLS come with the first call.
"""

from wriftai._version import __version__ as __version__

TYPE_CHECKING = False  # What `typing` says as well, without loading it; type checkers know the name.
if TYPE_CHECKING:
    from wriftai import api as api
    from wriftai import authenticated_user as authenticated_user
    from wriftai import common_types as common_types
    from wriftai import errors as errors
    from wriftai import hardware as hardware
    from wriftai import models as models
    from wriftai import pagination as pagination
    from wriftai import predictions as predictions
    from wriftai import users as users
    from wriftai import versions as versions
    from wriftai import webhooks as webhooks
    from wriftai._client import Client, ClientOptions
    from wriftai.errors import (
        APIStatusError,
        AuthenticationError,
        ConflictError,
        NotFoundError,
        PermissionDeniedError,
        RateLimitError,
        ServerError,
        UnprocessableEntityError,
    )
    from wriftai.pagination import PaginationOptions
    from wriftai.webhooks import WebhookVerificationError, verify_webhook
else:  # Type checkers would take it to mean that any name is there.

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name in _MODULES:
            return import_module(f"wriftai.{name}")
        if name not in __all__:
            raise AttributeError(f"module 'wriftai' has no attribute {name!r}")
        value = getattr(import_module(f"wriftai.{_HOMES.get(name, 'errors')}"), name)
        globals()[name] = value
        return value


__all__ = [
    "APIStatusError",
    "AuthenticationError",
    "Client",
    "ClientOptions",
    "ConflictError",
    "NotFoundError",
    "PaginationOptions",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "UnprocessableEntityError",
    "WebhookVerificationError",
    "verify_webhook",
]

_HOMES = {
    "Client": "_client",
    "ClientOptions": "_client",
    "PaginationOptions": "pagination",
    "WebhookVerificationError": "webhooks",
    "verify_webhook": "webhooks",
}
_MODULES = (
    "api",
    "authenticated_user",
    "common_types",
    "errors",
    "hardware",
    "models",
    "pagination",
    "predictions",
    "users",
    "versions",
    "webhooks",
)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
