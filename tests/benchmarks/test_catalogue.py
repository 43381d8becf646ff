"""The made-up catalogue is what it says it is, and the curves are drawings that can be read."""

import json
from collections import Counter
from itertools import islice
from xml.etree import ElementTree

from benchmarks.catalogue import lines, owners
from benchmarks.drawing import Line, Panel, drawn

COUNT = 5_000
LINES = list(lines(COUNT))
SVG = "{http://www.w3.org/2000/svg}"


def test_the_same_number_gives_the_same_catalogue_and_another_seed_does_not() -> None:
    assert list(islice(lines(COUNT), 50)) == LINES[:50]
    assert list(islice(lines(COUNT, 1), 50)) != LINES[:50]


def test_each_line_is_a_model_of_its_owner() -> None:
    for line in LINES:
        model = json.loads(line.text)
        assert (model["owner"], model["name"]) == (line.owner, line.name)
        assert model.keys() - {"description", "source_url", "license_url", "paper_url"} == {
            "owner",
            "name",
            "hardware_identifier",
            "visibility",
        }


def test_names_differ_within_an_owner_and_are_shared_between_owners() -> None:
    assert len({(line.owner, line.name.lower()) for line in LINES}) == COUNT
    assert Counter(line.name for line in LINES).most_common(1)[0][1] > 2


def test_few_owners_have_many_and_some_models_are_private() -> None:
    counts = Counter(line.owner for line in LINES)
    assert counts.most_common(1)[0][0] == owners(COUNT)[0]
    assert counts.most_common(1)[0][1] > 4 * COUNT / len(owners(COUNT))
    private = sum('"visibility":"private"' in line.text for line in LINES)
    assert 0.08 < private / COUNT < 0.12


def test_a_drawing_has_its_curves_and_says_what_they_are() -> None:
    steep = Line("us & <them>", [(1_000, 0.2), (1_000_000, 90)], "blue", "circle")
    svg = _drawn(steep)
    texts = ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]
    assert {"Growth", "One", "models", "ms", "us & <them>", "1,000", "1,000,000", "0.1", "100"} <= set(texts)
    assert len(list(svg.iter(f"{SVG}circle"))) == len(steep.points) + 1


def test_what_costs_more_is_drawn_higher() -> None:
    line = Line("us", [(1_000, 1), (10_000, 10)], "grey", "circle")
    svg = _drawn(line)
    low, high, _ = (float(circle.attrib["cy"]) for circle in svg.iter(f"{SVG}circle"))
    assert low > high


def _drawn(line: Line) -> ElementTree.Element:
    drawing = drawn("Growth", [Panel("One", [line])], across="models", up="ms")
    return ElementTree.fromstring(drawing)  # noqa: S314 - our own
