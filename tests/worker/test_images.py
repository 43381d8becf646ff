"""Images that are not what they should be are refused, and leave nothing behind."""

import json
import tarfile
from pathlib import Path

import pytest

from tests.packed import Image, digest, image, of_layers, tar, tar_of
from tests.worker.workshop import Workshop
from wriftai_server.worker.unpacking import BadImage, Room, unpack

MIB = 1024**2
MODEL = tar({"model/predict.py": b"class Predictor: ..."})
REQUIREMENTS = tar({"requirements.txt": b""})


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def bad(*members: tuple[tarfile.TarInfo, bytes]) -> Image:
    return of_layers(MODEL, tar_of(*members), REQUIREMENTS)


def with_a_line_feed(whole: Image) -> Image:
    """Put a line feed behind the digest by which the manifest names the config."""
    manifest = json.loads(whole.blobs[whole.digest])
    manifest["config"]["digest"] += "\n"
    content = json.dumps(manifest).encode()
    return Image(digest(content), {**whole.blobs, digest(content): content})


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
        (with_a_line_feed(image()), "manifest is not as it should be"),
        (image(format=2), "label"),
        (image(python="3.11; rm"), "label"),
        (image(concurrency=0), "label"),
        (image(predictor="predict.py:" + "P" * 255), "label"),
        (bad((member("model/" + "x" * 300), b"x")), "name too long"),
        (bad((member("model/\udcff"), b"x")), "not a name"),
        (of_layers(MODEL, MODEL, REQUIREMENTS), "names a layer twice"),
        (of_layers(MODEL, tar({"requirements.txt": b"#" * (MIB + 1)})), "longer than 1,048,576 bytes"),
        (of_layers(MODEL, tar({"requirements.txt": b"\xff"})), "not UTF-8"),
        (bad((member("long", tarfile.GNUTYPE_LONGNAME), bytes(MIB))), "a header of over"),
        (bad((member("long", tarfile.GNUTYPE_LONGLINK), bytes(MIB))), "a header of over"),
        (bad((member("pax", tarfile.XHDTYPE), bytes(MIB))), "a header of over"),
        (bad(*[(member("long", tarfile.GNUTYPE_LONGNAME), b"x")] * 2000), "too many in a row"),
        (bad(*[(member("pax", tarfile.XHDTYPE), b"8 a=abc\n")] * 2000), "too many in a row"),
        (bad((member("pax", tarfile.XHDTYPE), b"2 " * 5000 + b"=")), "not made of records"),
        (bad((member("pax", tarfile.XHDTYPE), b"22 GNU.sparse.major=1\n")), "GNU.sparse"),
        (bad((member("pax", tarfile.XHDTYPE), b"309 path=" + b"1" * 299 + b"\n")), "'path'"),
        (bad((member("pax", tarfile.XGLTYPE), b"8 a=abc\n")), "which models' images have not"),
        (bad((member("pax", tarfile.SOLARIS_XHDTYPE), b"8 a=abc\n")), "which models' images have not"),
        (bad((member("model/sparse", tarfile.GNUTYPE_SPARSE), b"x")), "which models' images have not"),
        (bad((member("model/" + "d/" * 400), b"")), "lies deeper than"),
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


def test_names_that_take_more_than_a_header(workshop: Workshop) -> None:
    code = b"""
import pathlib
class Predictor:
    def predict(self) -> list[str]:
        return sorted(path.name[:3] for path in pathlib.Path(__file__).parent.glob("*.txt"))
"""
    files = {"model/predict.py": code, f"model/\u00e4{'x' * 200}.txt": b"", "model/b" + "y" * 200 + ".txt": b""}
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        packed = tar(files, form)
        found = workshop.predict(workshop.push(of_layers(packed, REQUIREMENTS)))
        assert found["output"] == ["byy", "\u00e4xx"]


def test_layers_share_the_room_of_their_image(tmp_path: Path) -> None:
    layer, room = tmp_path / "layer", Room()
    layer.write_bytes(tar({"model/weights": bytes(10)}))
    room.take(99_998, 0)
    unpack(layer, tmp_path, room)
    with pytest.raises(BadImage, match="more than 100,000 files"):
        unpack(layer, tmp_path, room)
    room = Room()
    room.take(0, 20 * 1024**3 - 15)
    unpack(layer, tmp_path, room)
    with pytest.raises(BadImage, match=r"or 21,474,836,480 bytes"):
        unpack(layer, tmp_path, room)
