"""However an upload is split, and whatever goes on beside it, the blob is the same; a restart of the hub too."""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, precondition, rule

from tests.images import digest_of
from tests.server.conftest import inside
from tests.server.registry import Repository, add_repository, refusal


class Upload(NamedTuple):
    """An upload under way: where it is, and all that it will be."""

    location: str
    content: bytes


class Uploads(RuleBasedStateMachine):
    """Several uploads to one model at once."""

    uploads = Bundle("uploads")

    def __init__(self) -> None:
        super().__init__()
        self.hub = ExitStack()
        self.folder = Path(self.hub.enter_context(tempfile.TemporaryDirectory())) / "data"
        self.running = ExitStack()
        self.was_restarted = False
        self.sent: dict[str, int] = {}
        self.stored: dict[str, bytes] = {}

    @initialize()
    def start(self) -> None:
        people = self.running.enter_context(inside(self.folder))
        self.repository = add_repository(people.add("ada"))

    @precondition(lambda self: any(self.sent.values()) and not self.was_restarted)
    @rule()
    def restart(self) -> None:
        self.was_restarted = True
        self.running.close()
        people = self.running.enter_context(inside(self.folder))
        ada = people.known("ada", self.repository.person.token)
        self.repository = Repository(ada, *self.repository.name.split("/"))

    @rule(target=uploads, content=st.binary(max_size=300))
    def begin(self, content: bytes) -> Upload:
        location = self.repository.begin()
        self.sent[location] = 0
        return Upload(location, content)

    @rule(upload=uploads, length=st.integers(1, 200), is_ranged=st.booleans())
    def go_on(self, upload: Upload, length: int, is_ranged: bool) -> None:
        sent = self.sent.get(upload.location)
        if sent is None:
            reply = self.repository.send("PATCH", upload.location, content=b"x")
            refusal(reply, 404, "BLOB_UPLOAD_UNKNOWN")
            return
        chunk = upload.content[sent : sent + length]
        if not chunk:
            return
        headers = {"Content-Range": f"{sent}-{sent + len(chunk) - 1}"} if is_ranged else {}
        reply = self.repository.send("PATCH", upload.location, content=chunk, headers=headers)
        assert reply.status_code == 202
        self.sent[upload.location] += len(chunk)

    @rule(upload=uploads, start=st.integers(0, 300), length=st.integers(1, 50))
    def go_astray(self, upload: Upload, start: int, length: int) -> None:
        sent = self.sent.get(upload.location)
        if sent in (None, start):
            return
        headers = {"Content-Range": f"{start}-{start + length - 1}"}
        reply = self.repository.send("PATCH", upload.location, content=b"x" * length, headers=headers)
        refusal(reply, 416, "BLOB_UPLOAD_INVALID")
        assert reply.headers["range"] == f"0-{max(sent - 1, 0)}"

    @rule(upload=uploads, length=st.integers(1, 50))
    def say_another_length(self, upload: Upload, length: int) -> None:
        sent = self.sent.get(upload.location)
        if sent is None:
            return
        headers = {"Content-Range": f"{sent}-{sent + length}"}
        reply = self.repository.send("PATCH", upload.location, content=b"x" * length, headers=headers)
        refusal(reply, 400, "SIZE_INVALID")

    @rule(upload=consumes(uploads))
    def finish(self, upload: Upload) -> None:
        sent = self.sent.pop(upload.location)
        digest = digest_of(upload.content)
        reply = self.repository.finish(upload.location, digest, upload.content[sent:])
        assert reply.status_code == 201
        self.stored[digest] = upload.content

    @rule(upload=consumes(uploads))
    def finish_wrongly(self, upload: Upload) -> None:
        sent = self.sent.pop(upload.location)
        reply = self.repository.finish(
            upload.location, digest_of(upload.content), upload.content[sent:] + b"more"
        )
        refusal(reply, 400, "DIGEST_INVALID")

    @rule(upload=consumes(uploads))
    def cancel(self, upload: Upload) -> None:
        del self.sent[upload.location]
        assert self.repository.send("DELETE", upload.location).status_code == 204

    @invariant()
    def all_is_as_far_as_it_was_sent(self) -> None:
        for location, sent in self.sent.items():
            assert self.repository.send("GET", location).headers["range"] == f"0-{max(sent - 1, 0)}"

    @invariant()
    def all_that_was_stored_is_there_and_nothing_else(self) -> None:
        for digest, content in self.stored.items():
            assert self.repository.pull(digest).content == content
        files = [file for file in (self.folder / "blobs").rglob("*") if file.is_file()]
        assert {f"sha256:{file.name}" for file in files} == set(self.stored)

    def teardown(self) -> None:
        self.running.close()
        self.hub.close()


TestUploads = Uploads.TestCase
TestUploads.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
