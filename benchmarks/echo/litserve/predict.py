"""Give back what came, for LitServe.

python predict.py PORT
"""

import sys
from typing import Any

import litserve


class Echo(litserve.LitAPI):
    """Does nothing, so that only what is around it is measured."""

    def setup(self, device: str) -> None:
        """Load nothing."""

    def decode_request(self, request: dict[str, Any]) -> str:
        """Take the text out of a body."""
        return str(request["text"])

    def predict(self, request: str) -> str:
        """Give back the text."""
        return request

    def encode_response(self, output: str) -> dict[str, str]:
        """Put the text into a body."""
        return {"output": output}


if __name__ == "__main__":
    litserve.LitServer(Echo(), accelerator="cpu", workers_per_device=1).run(
        host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False
    )
