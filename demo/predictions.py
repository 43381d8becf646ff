"""What a person does with a model that runs: push it, call it, follow it, and stop it."""

import base64
from itertools import islice
from pathlib import Path

from demo.hub import Hub
from demo.show import refused, title
from wriftai import Client
from wriftai.predictions import PredictionWithIO, Status

EXAMPLES = Path(__file__).parents[1] / "examples"
FILES = (
    Path(__file__),
    EXAMPLES / "file-type" / "sample",
    EXAMPLES / "read-text" / "sample.png",
    EXAMPLES / "voice-activity" / "sample.wav",
)
FILE_TYPE, WONDERLAND = "ada/file-type", "ada/wonderland"


def push(hub: Hub, token: str) -> None:
    """Push two of the examples; each is run once here, to find out what it takes and gives."""
    title("Pushing two models")
    for model, folder in ((FILE_TYPE, "file-type"), (WONDERLAND, "cog-wonderland")):
        arguments = ("push", str(EXAMPLES / folder), "--model", model, "--release-notes", "From the examples.")
        print(f"$ wriftai {' '.join(('push', f'examples/{folder}', *arguments[2:4]))}")
        print(hub.client_command(*arguments, token=token))


def call(client: Client) -> None:
    """Run a model on real files."""
    title("Calling a model on real files")
    for file in FILES:
        content = base64.b64encode(file.read_bytes()).decode()
        prediction = client.predictions.create(
            {"input": {"file": f"data:;base64,{content}"}}, model=FILE_TYPE, wait=True
        )
        cold = f", after {prediction['setup_time']} of setup" if prediction["setup_time"] else ""
        print(f"{file.name}: {_output(prediction)} in {prediction['execution_time']}{cold}")


def follow(client: Client) -> None:
    """Follow a model that answers word by word."""
    title("Following a model while it speaks")
    prediction = client.predictions.create({"input": {"words": 12, "seed": 22, "pause": 0.1}}, model=WONDERLAND)
    for event in client.predictions.stream(prediction["id"]):
        if event["event"] == "output":
            print(event["data"], end="", flush=True)
    print()


def fail(client: Client) -> None:
    """Show what goes wrong in a model, and before it runs."""
    title("What goes wrong when models run")
    prediction = client.predictions.create({"input": {"start": "Zarathustra"}}, model=WONDERLAND, wait=True)
    error = prediction["error"]
    if prediction["status"] != Status.failed or error is None:
        raise AssertionError(f"the prediction must fail: {prediction}")
    print(f"{prediction['status']} ({error['source']}): {error['message']}")
    refused(
        "input that the model does not take",
        lambda: client.predictions.create({"input": {"words": 0, "speed": "high"}}, model=WONDERLAND),
    )


def cancel(client: Client) -> None:
    """Stop a prediction that takes too long."""
    title("Cancelling")
    prediction = client.predictions.create({"input": {"words": 500, "pause": 2.0}}, model=WONDERLAND)
    for event in islice(client.predictions.stream(prediction["id"]), 2):
        print(f"It said {event['event']!r}; ", end="")
    client.predictions.cancel(prediction["id"])
    ended = client.predictions.wait(prediction["id"])
    if ended["status"] != Status.cancelled:
        raise AssertionError(f"the prediction must be cancelled: {ended}")
    print(f"then it was {ended['status']}, after {ended['execution_time']}.")


def count(client: Client) -> None:
    """Show what the hub knows of all this."""
    title("What the hub has counted")
    for model in (FILE_TYPE, WONDERLAND):
        owner, name = model.split("/")
        found = client.models.get(owner, name)
        version = found["latest_version"]
        print(
            f"{model}: {found['predictions_count']} predictions,", version and version["container_image_digest"]
        )


def _output(prediction: PredictionWithIO) -> object:
    if prediction["status"] != Status.succeeded:
        raise AssertionError(f"the prediction must succeed: {prediction}")
    return prediction["output"]
