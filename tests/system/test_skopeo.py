"""Images are copied to the hub and back by a program that is not ours: Debian's skopeo.

It compresses layers unless it is told to preserve digests.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.hubs import Hub
from tests.images import Image, digest_of, layer, read_layout, write_layout
from tests.system.folders import add_user, bearer
from tests.system.payloads import model

MISSING = "skopeo is not installed: apt-get install skopeo"
pytestmark = pytest.mark.skipif(shutil.which("skopeo") is None and "NO_SKIPS" not in os.environ, reason=MISSING)

IMAGE = Image(layer(**{"model/predict.py": b"x" * 3_000_000}), layer(**{"requirements.txt": b"numpy==2.0\n"}))


def skopeo(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run skopeo without the settings of whoever runs the tests."""
    assert shutil.which("skopeo"), MISSING
    ended = subprocess.run(
        ["skopeo", "--insecure-policy", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "XDG_RUNTIME_DIR": "/nonexistent"},
    )
    assert not check or ended.returncode == 0, ended.stderr
    return ended


class Owner:
    """Someone with a model on a hub.

    Args:
        hub: Runs on this machine.
        name: Username.
        visibility: Of the model.
    """

    def __init__(self, hub: Hub, name: str, visibility: str) -> None:
        token = add_user(hub.data_dir, name)
        created = httpx.post(
            f"{hub.url}/models", json=model("Digits", visibility=visibility), headers=bearer(token)
        )
        assert created.status_code == 201, created.text
        # Names of repositories have small letters; those of models need not.
        self.repository = f"docker://{hub.address.removeprefix('http://')}/{name.lower()}/digits"
        self.credentials = f"{name}:{token}"

    def push(self, source: Path, tag: str) -> None:
        skopeo(
            "copy",
            "--preserve-digests",
            "--dest-tls-verify=false",
            f"--dest-creds={self.credentials}",
            f"oci:{source}:{tag}",
            f"{self.repository}:{tag}",
        )


def test_an_image_comes_back_as_it_was(hub: Hub, tmp_path: Path) -> None:
    write_layout(tmp_path / "source", IMAGE, "v1")
    owner = Owner(hub, "Skopeo", "private")
    owner.push(tmp_path / "source", "v1")
    owner.push(tmp_path / "source", "v1")

    skopeo(
        "copy",
        "--preserve-digests",
        "--src-tls-verify=false",
        f"--src-creds={owner.credentials}",
        f"{owner.repository}@{IMAGE.digest}",
        f"oci:{tmp_path / 'copy'}:v1",
    )
    tags = skopeo("list-tags", "--tls-verify=false", f"--creds={owner.credentials}", owner.repository)
    shown = skopeo("inspect", "--tls-verify=false", f"--creds={owner.credentials}", f"{owner.repository}:v1")

    assert read_layout(tmp_path / "copy") == read_layout(tmp_path / "source")
    assert {digest_of(content) for content in (*IMAGE.blobs, IMAGE.manifest)} == set(
        read_layout(tmp_path / "copy")
    )
    assert json.loads(tags.stdout)["Tags"] == ["v1"]
    assert json.loads(shown.stdout)["Digest"] == IMAGE.digest


def test_everyone_copies_public_images_and_only_the_owner_private_ones(hub: Hub, tmp_path: Path) -> None:
    write_layout(tmp_path / "source", IMAGE, "v1")
    public, private = Owner(hub, "skopeo-public", "public"), Owner(hub, "skopeo-private", "private")
    public.push(tmp_path / "source", "v1")
    private.push(tmp_path / "source", "v1")

    for credentials in ([], [f"--creds={private.credentials}"]):
        found = skopeo("inspect", "--tls-verify=false", *credentials, f"{public.repository}:v1")
        assert json.loads(found.stdout)["Digest"] == IMAGE.digest
    for credentials in ([], [f"--creds={public.credentials}"]):
        refused = skopeo("inspect", "--tls-verify=false", *credentials, f"{private.repository}:v1", check=False)
        assert refused.returncode != 0
        assert "unauthorized" in refused.stderr or "name unknown" in refused.stderr.lower(), refused.stderr


def test_strangers_do_not_push(hub: Hub, tmp_path: Path) -> None:
    write_layout(tmp_path / "source", IMAGE, "v1")
    owner, stranger = Owner(hub, "skopeo-owner", "public"), Owner(hub, "skopeo-stranger", "public")
    refused = skopeo(
        "copy",
        "--preserve-digests",
        "--dest-tls-verify=false",
        f"--dest-creds={stranger.credentials}",
        f"oci:{tmp_path / 'source'}:v1",
        f"{owner.repository}:v1",
        check=False,
    )
    assert refused.returncode != 0
    assert "denied" in refused.stderr
