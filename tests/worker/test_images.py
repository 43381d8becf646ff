"""Images that are not what they should be are refused, and leave nothing behind."""

import tarfile

import pytest

from tests.packed import Image, image, of_layers, tar, tar_of
from tests.worker.workshop import Workshop

MODEL = tar({"model/predict.py": b"class Predictor: ..."})
REQUIREMENTS = tar({"requirements.txt": b""})


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def bad(*members: tuple[tarfile.TarInfo, bytes]) -> Image:
    return of_layers(MODEL, tar_of(*members), REQUIREMENTS)


@pytest.mark.parametrize(
    ("pushed", "words"),
    [
        (bad((member("/etc/cron.d/x"), b"x")), "lies outside"),
        (bad((member("model/../../x"), b"x")), "lies outside"),
        (bad((member("elsewhere/x"), b"x")), "lies outside"),
        (bad((member("label.json"), b"{}")), "lies outside"),
        (bad((member("model/link", tarfile.SYMTYPE, "/etc/passwd"), b"")), "neither a file nor a folder"),
        (bad((member("model/link", tarfile.LNKTYPE, "model/predict.py"), b"")), "neither a file nor a folder"),
        (bad((member("model/pipe", tarfile.FIFOTYPE), b"")), "neither a file nor a folder"),
        (bad((member("model/device", tarfile.CHRTYPE), b"")), "neither a file nor a folder"),
        (bad((member("model/predict.py/x"), b"x")), "a file and a folder"),
        (bad((member("model"), b"x")), "a file and a folder"),
        (bad((member("model/" + "x" * 2000), b"x")), "not a name"),
        (of_layers(b"no tar at all" * 100), "not a tar"),
        (of_layers(MODEL), "lacks"),
        (of_layers(REQUIREMENTS), "lacks"),
        (of_layers(MODEL, REQUIREMENTS, media_type="application/vnd.oci.image.layer.v1.tar+gzip"), "of the type"),
        (image(format=2), "label"),
        (image(python="3.11; rm"), "label"),
        (image(concurrency=0), "label"),
    ],
)
def test_an_image_that_is_not_one_of_a_model(workshop: Workshop, pushed: Image, words: str) -> None:
    prediction = workshop.predict(workshop.push(pushed))

    error = prediction["error"]
    assert error is not None
    assert error["source"] == "external"
    assert words in error["message"]
    assert "wriftai push" in error["message"]
    images = workshop.data_dir / "runtimes" / "images"
    assert not (images / pushed.digest.partition(":")[2]).exists()
    assert not [place for place in images.iterdir() if place.name.startswith(".")]


def test_an_image_that_is_not_there(workshop: Workshop) -> None:
    whole = image("# nothing but this\n")
    part = Image(whole.digest, {whole.digest: whole.blobs[whole.digest]})

    error = workshop.predict(workshop.push(part))["error"]

    assert error is not None
    assert error["source"] == "internal"
    assert "no longer holds all" in error["message"]
