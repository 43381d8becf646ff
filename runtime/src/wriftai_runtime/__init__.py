"""What a model runs in: its signature as JSON Schema, and predictions over pipes; the standard library only.

A model needs this package only for `Input`; a model whose parameters say all by their types needs nothing.
"""

from wriftai_runtime._version import __version__ as __version__
from wriftai_runtime.inputs import Input as Input

__all__ = ["Input", "__version__"]
