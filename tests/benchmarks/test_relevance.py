"""The judged queries are sound, and what is counted is counted right; which engine wins is not tested."""

import fnmatch
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.relevance.engines import FullText, Like
from benchmarks.relevance.judgments import Judgment, Model, catalogue, read
from benchmarks.relevance.scores import ask, rank, score, sweep

JUDGMENTS = read()
MODELS = catalogue()
ANSWERS = {judgment.q: judgment.answers(MODELS) for judgment in JUDGMENTS}
SOME = [
    Model("resnet50.a1_in1k", "ResNet-50 model for image classification."),
    Model("resnet50d.a1_in1k", "ResNet-50-D model for image classification."),
    Model("vit_base_patch16_224.mae", "ViT-Base model for image feature extraction."),
    Model("100%_vit", "A model whose name has what LIKE takes for a pattern."),
]


class Fixed:
    """Finds the same whatever is asked."""

    def find(self, q: str, limit: int) -> list[str]:
        return ["resnet50d.a1_in1k", "resnet50.a1_in1k"][:limit]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as opened:
        yield opened


def test_there_are_at_least_120_queries_and_none_twice() -> None:
    queries = [judgment.q for judgment in JUDGMENTS]
    assert len(queries) >= 120
    assert len(set(queries)) == len(queries)


def test_each_query_has_right_answers_and_wrong_ones() -> None:
    assert all(judgment.wants for judgment in JUDGMENTS)
    assert not [q for q, answers in ANSWERS.items() if not 0 < len(answers) < len(MODELS)]


def test_most_queries_have_few_right_answers() -> None:
    counts = sorted(map(len, ANSWERS.values()))
    assert counts[len(counts) // 2] <= 20
    assert sum(count > 200 for count in counts) <= len(counts) // 20


def test_no_pattern_is_left_over_from_models_that_are_gone() -> None:
    names = [model.name for model in MODELS]
    patterns = {pattern for judgment in JUDGMENTS for pattern in judgment.names}
    assert not [pattern for pattern in patterns if not fnmatch.filter(names, pattern)]


def test_what_is_typed_exactly_exists() -> None:
    names = {model.name for model in MODELS}
    exact = [judgment for judgment in JUDGMENTS if judgment.kind == "exact name"]
    assert exact
    for judgment in exact:
        assert judgment.q.strip().lower() in names
        assert ANSWERS[judgment.q] == {judgment.q.strip().lower()}


def test_names_fit_by_pattern_and_descriptions_hold_every_phrase() -> None:
    both = Judgment("", "", "", ("RESNET50*", "vit_*"), ("model", "IMAGE classification"))
    assert both.answers(SOME) == {"resnet50.a1_in1k", "resnet50d.a1_in1k"}
    assert both._replace(names=("resnet50.*",)).answers(SOME) == {"resnet50.a1_in1k"}
    assert both._replace(names=()).answers(SOME) == both.answers(SOME)
    assert both._replace(says=()).answers(SOME) == both.answers(SOME) | {"vit_base_patch16_224.mae"}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ('{ q = "x", wants = "anything" }', ValueError),
        ('{ q = "x", names = ["x"] }', TypeError),
        ('{ q = "x", wants = "x", names = ["x"], excepts = ["y"] }', TypeError),
    ],
)
def test_a_judgment_that_judges_nothing_is_refused(line: str, error: type[Exception], tmp_path: Path) -> None:
    file = tmp_path / "judgments.toml"
    file.write_text(f'"a kind" = [\n  {line},\n]\n', encoding="utf-8")
    with pytest.raises(error):
        read(file)


def test_the_rank_is_that_of_the_first_right_answer_among_ten() -> None:
    found = [f"wrong-{place}" for place in range(9)] + ["right", "also-right"]
    assert rank(found, {"right", "also-right"}) == 10
    assert rank(found, {"also-right"}) is None
    assert rank([], {"right"}) is None


def test_a_score_counts_what_is_not_found_as_nothing() -> None:
    assert score([1, 2, None, 1]) == (4, 0.625, 0.5)


def test_an_engine_is_asked_each_query() -> None:
    judgments = [
        Judgment("half a name", "resnet50", "", ("resnet50.*",), ()),
        Judgment("half a name", "vit", "", ("vit_*",), ()),
    ]
    assert [outcome.rank for outcome in ask(Fixed(), judgments, SOME)] == [2, None]


def test_a_sweep_wants_each_name_itself() -> None:
    typed = [("timm/resnet50d.a1_in1k", "resnet50d.a1_in1k"), ("resnet50.a1_in1k", "resnet50.a1_in1k")]
    assert sweep(Fixed(), typed) == (2, 0.75, 0.5)


def test_full_text_stems_folds_and_takes_the_last_word_for_a_beginning(connection: sqlite3.Connection) -> None:
    engine = FullText(connection, SOME)
    assert engine.find("Modéls extracting feat", 10)[0] == "vit_base_patch16_224.mae"
    assert engine.find('resnet50 "dosovitskiy', 10) == ["resnet50.a1_in1k"]
    assert engine.find(" / ", 10) == []


def test_like_takes_every_word_as_it_is(connection: sqlite3.Connection) -> None:
    engine = Like(connection, SOME)
    assert engine.find("TIMM/resnet50 classification", 10) == ["resnet50.a1_in1k", "resnet50d.a1_in1k"]
    assert engine.find("% vit", 10) == ["100%_vit"]
    assert engine.find("vit model", 1) == ["100%_vit"]
    assert engine.find("resnet50 dosovitskiy", 10) == []
    assert engine.find(" ", 10) == []
