"""Search: what is found, and what comes first."""

from collections.abc import Iterator

import pytest

from tests.server.conftest import Home
from tests.server.finding import MODELS, few_models, found, person, walked
from tests.server.people import People, Person
from tests.server.samples import add_model
from wriftai_server.search.analysis import STOP_WORDS


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, database: Home) -> Iterator[People]:
    """Give people on a hub of their own, whose models are few."""
    with database(tmp_path_factory.mktemp("search") / "data") as folder, few_models(folder) as people:
        yield people


@pytest.fixture
def anyone(people: People) -> Person:
    return people.anyone


def found_users(searcher: Person, q: str) -> list[str]:
    return [user["username"] for user in searcher.client.users.search(q)]


@pytest.mark.parametrize(
    "q", ["timm/resnet", "TIMM/ResNet", " timm/resnet ", "https://models.example/timm/resnet/"]
)
def test_owner_and_name_come_first_then_names_with_that_prefix(anyone: Person, q: str) -> None:
    assert found(anyone, q)[:2] == ["timm/resnet", "timm/resnet50"]


@pytest.mark.parametrize("q", ["resnet", "RESNET", "ResNet"])
def test_exact_names_then_prefixes_then_words_then_descriptions(anyone: Person, q: str) -> None:
    matches = found(anyone, q)
    assert sorted(matches[:2]) == ["Bob/resnet", "timm/resnet"]
    assert matches[2:] == ["timm/resnet50", "Bob/ResNet-of-bob", "timm/tiny-resnet", "timm/vit"]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("layers residual", ["timm/resnet50"]),
        ("residual layers", ["timm/resnet50"]),
        ("network timm", ["timm/resnet", "timm/resnet50"]),
        ("tiny timm", ["timm/tiny-resnet"]),
        ("resnet killer", ["timm/vit"]),
        ("rarely nonsense", []),
        ("語", ["timm/bert"]),
        ("ümlauts", ["timm/bert"]),
        ("umlaut", ["timm/bert"]),
        ("Über-Netz", ["timm/vit"]),
        ("uber netz", ["timm/vit"]),
        ("ÄPFEL", ["timm/vit"]),
        ("a\u0308pfel", ["timm/vit"]),
        ("  fast \t small\n", ["timm/mobile.net_v4"]),
        ("fast\0small", ["timm/mobile.net_v4"]),
        ("fast\u3000small", ["timm/mobile.net_v4"]),
        ("no/such", []),
    ],
)
def test_words_are_found_in_any_order_in_owner_name_and_description(
    anyone: Person, q: str, expected: list[str]
) -> None:
    assert found(anyone, q) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("mobilenet", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("mobile net", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("mobile_net-v", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("netv4", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("resnet 50", ["timm/resnet50"]),
        ("resnet-50", ["timm/resnet50"]),
        ("resnet5", ["timm/resnet50"]),
        ("tinyresnet", ["timm/tiny-resnet"]),
        ("tinyres", ["timm/tiny-resnet"]),
        ("transform", ["timm/vit"]),
        ("transforme", ["timm/vit"]),
        ("killers", ["timm/vit"]),
        ("layer", ["timm/resnet50"]),
        ("resnte tiny", ["timm/tiny-resnet"]),
        ("tansformer", ["timm/vit"]),
        ("residual network laeyrs", ["timm/resnet50"]),
        ("renset50", ["timm/resnet50"]),
        ("visiontransformer", ["timm/vit"]),
        ("mobyle", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("fast small llama", ["timm/mobile.net_v4"]),
        ("sandler mobile", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("who made transformer", ["timm/vit"]),
        ("v4 mobilenet", ["timm/mobile.net_v4", "timm/mobile-net-v4"]),
        ("residual lay", ["timm/resnet50"]),
    ],
)
def test_subwords_compounds_prefixes_and_typos_are_found(anyone: Person, q: str, expected: list[str]) -> None:
    assert sorted(found(anyone, q)) == sorted(expected)


def test_names_that_begin_with_a_long_query_come_first(people: People, anyone: Person) -> None:
    """The index has sixteen letters and digits of a name; the name of the owner counts among the words of it."""
    bob = person(people, "Bob")
    names = [f"vit_large_patch16_22{end}" for end in ("4.bob", "4.big", "4.mae_b", "")]
    for name in names:
        add_model(bob, name, visibility="public")
    for q in ("vit_large_patch16_224.b", "Bob/vit_large_patch16_224.b"):
        assert found(anyone, q)[:2] == ["Bob/vit_large_patch16_224.big", "Bob/vit_large_patch16_224.bob"]
        pages = walked(anyone, q, 1)
        assert [model["name"] for page in pages for model in page] == [each[4:] for each in found(anyone, q)]
    assert found(anyone, "vit_large_patch16_224.b")[2:] == ["Bob/vit_large_patch16_224.mae_b"]
    for name in names:
        bob.client.models.delete("Bob", name)


def test_a_long_number_is_a_match(people: People, anyone: Person) -> None:
    bob = person(people, "Bob")
    add_model(bob, "painter", description="By arXiv:2010.11929.", visibility="public")
    assert found(anyone, "https://arxiv.org/abs/2010.11929") == ["Bob/painter"]
    bob.client.models.delete("Bob", "painter")


def test_of_stop_words_eight_count_where_there_are_no_others(people: People, anyone: Person) -> None:
    """To look for more of them costs more than a search may."""
    bob = person(people, "Bob")
    words = sorted(STOP_WORDS)
    add_model(bob, "prose", description=" ".join(words[:8]), visibility="public")
    assert found(anyone, " ".join(words)) == ["Bob/prose"]
    bob.client.models.delete("Bob", "prose")


def test_subwords_may_lie_apart_in_a_name_or_a_text(people: People, anyone: Person) -> None:
    bob, models = person(people, "Bob"), {"dvt_base_patch16": "", "finder": "Learned detection by a Faster-50."}
    for name, description in models.items():
        add_model(bob, name, description=description, visibility="public")
    for q in ("dvt16", "patch16 dvt", "base dvt16", "dvt16 base patch"):
        assert found(anyone, q) == ["Bob/dvt_base_patch16"]
    for q in ("faster50", "detection faster50", "faster50 detection", "learned detection faster50"):
        assert found(anyone, q) == ["Bob/finder"]
    for name in models:
        bob.client.models.delete("Bob", name)


@pytest.mark.parametrize("q", ["yolo v8", "yolo v8n", "v8 of-many", "yolov8 many", "yolov8n"])
def test_a_version_in_the_middle_of_a_word_is_a_word(people: People, anyone: Person, q: str) -> None:
    bob = person(people, "Bob")
    add_model(bob, "one-of-many-yolov8n", visibility="public")
    answer = found(anyone, q)
    bob.client.models.delete("Bob", "one-of-many-yolov8n")
    assert answer == ["Bob/one-of-many-yolov8n"]


@pytest.mark.parametrize("q", ["qwen v4 100", "with50"])
def test_numbers_and_common_words_alone_are_no_match(anyone: Person, q: str) -> None:
    assert found(anyone, q) == []


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "\\%", "*", "'", '"', "?", ":", "😀", "\u200d", "-" * 1000, "^", "@", "~"]
)
def test_signs_alone_find_nothing(anyone: Person, q: str) -> None:
    assert found(anyone, q) == []
    assert found_users(anyone, q) == []


def test_a_sign_in_front_of_a_word_does_not_count(anyone: Person) -> None:
    assert found(anyone, "#100") == found(anyone, "100") == ["timm/mobile.net_v4"]


@pytest.mark.parametrize(
    "q",
    [
        "100%",
        "1%0%0",
        "C:\\models\\",
        "net_v4 AND (",
        "+net -v4",
        "\x1bnet\x7f",
        "/",
        "//",
        "timm/",
        "/x",
        "a/b/c",
        "1" * 1000,
        "ab " * 333,
        "ieds iings",
        "語" * 1000,
        "\U0010ffff" * 100,
    ],
)
def test_whatever_is_asked_is_answered(people: People, anyone: Person, q: str) -> None:
    for asker in (anyone, person(people, "timm")):
        for path in ("/search/models", "/search/users"):
            assert asker.send("GET", path, params={"q": q}).status_code == 200


def test_an_owner_and_a_slash_find_what_the_owner_has(anyone: Person) -> None:
    assert sorted(found(anyone, "Bob/")) == ["Bob/ResNet-of-bob", "Bob/resnet"]
    assert found(anyone, "bob/resnet-o")[0] == "Bob/ResNet-of-bob"


@pytest.mark.parametrize("q", ["", " ", "\t\n", "\0", "\u3000"])
def test_without_a_word_everything_that_is_visible_is_found_by_name(anyone: Person, q: str) -> None:
    names = [match.partition("/")[2].lower() for match in found(anyone, q)]
    assert names == sorted(names)
    assert len(names) == len(MODELS) + 2


@pytest.mark.parametrize("q", ["!!!", "_", "/", "..", "-/-", "\\", "ada/!"])
def test_signs_alone_find_nothing_and_leave_the_index_as_it_is(people: People, anyone: Person, q: str) -> None:
    assert found(anyone, "residual")  # There is an index by now.
    index = (people.data_dir / "search" / "current").read_bytes()
    assert found(anyone, q) == []
    assert list(anyone.client.users.search(q)) == []
    assert (people.data_dir / "search" / "current").read_bytes() == index


def test_a_query_has_up_to_1000_characters(anyone: Person) -> None:
    assert found(anyone, "x" * 1000) == []
    assert found(anyone, "\\" * 1000) == []
    assert found(anyone, ("resnet50 " * 111).strip()) == ["timm/resnet50"]
    for path in ("/search/models", "/search/users"):
        reply = anyone.send("GET", path, params={"q": "é" * 1001})
        assert reply.status_code == 422
        assert reply.json()["detail"][0]["loc"] == ["query", "q"]


@pytest.mark.parametrize("path", ["/search/models", "/search/users"])
def test_a_query_must_be(anyone: Person, path: str) -> None:
    reply = anyone.send("GET", path)
    assert reply.status_code == 422
    assert reply.json()["detail"] == [
        {"loc": ["query", "q"], "msg": "This parameter is missing.", "type": "field_missing"}
    ]


def test_bytes_that_are_no_text_find_nothing(anyone: Person) -> None:
    reply = anyone.send("GET", "/search/models?q=%FF%FE")
    assert (reply.status_code, reply.json()["items"]) == (200, [])


def test_only_what_the_caller_may_see_is_found(people: People, anyone: Person) -> None:
    assert "timm/resnet-secret" in found(person(people, "timm"), "secret")
    assert found(person(people, "timm"), "timm/resnet-secret")[0] == "timm/resnet-secret"
    for other in (anyone, person(people, "Bob"), people.add(is_admin=True)):
        assert found(other, "secret") == []
        assert "timm/resnet-secret" not in found(other, "timm/resnet-secret")


def test_changes_are_found_at_once(people: People, anyone: Person) -> None:
    bob = person(people, "Bob")
    add_model(bob, "fresh", visibility="public")
    assert found(anyone, "fresh") == ["Bob/fresh"]
    bob.client.models.update("Bob", "fresh", {"name": "stale", "description": "Once freshly made."})
    assert found(anyone, "fresh") == ["Bob/stale"]
    bob.client.models.delete("Bob", "stale")
    assert found(anyone, "fresh") == []


def test_a_name_of_one_long_word_is_found_once(people: People, anyone: Person) -> None:
    bob, names = person(people, "Bob"), {f"x-{'a' * 80}-b", f"b-{'a' * 64}"}
    for name in names:
        add_model(bob, name, visibility="public")
    pages = walked(anyone, f"{'a' * 64} b", 1)
    assert sorted(model["name"] for page in pages for model in page) == sorted(names)
    for name in names:
        bob.client.models.delete("Bob", name)


def test_stop_words_are_not_among_those_that_count(people: People, anyone: Person) -> None:
    bob = person(people, "Bob")
    add_model(bob, "medseg", description="Segments medical images.", visibility="public")
    answer = found(anyone, "what is the best of the models for the segmentation of medical images")
    bob.client.models.delete("Bob", "medseg")
    assert answer == ["Bob/medseg"]


def test_a_word_that_is_in_a_name_twice_is_in_its_prefix_twice(people: People, anyone: Person) -> None:
    bob = person(people, "Bob")
    for name in ("echo-one", "echo-echo-one-more"):
        add_model(bob, name, visibility="public")
    assert found(anyone, "echo echo on") == ["Bob/echo-echo-one-more", "Bob/echo-one"]
    for name in ("echo-one", "echo-echo-one-more"):
        bob.client.models.delete("Bob", name)


VERSIONS = ("Qwen2.5-14B-Instruct", "Qwen2-1.5B-Instruct", "Llama-3.1-8B-Instruct", "Llama-1-3-8B-Instruct")


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("qwen2.5 instruct", "Qwen2.5-14B-Instruct"),
        ("qwen 2.5 instruct", "Qwen2.5-14B-Instruct"),
        ("instruct qwen2.5", "Qwen2.5-14B-Instruct"),
        ("instruct 2.5 qwen", "Qwen2.5-14B-Instruct"),
        ("2.5", "Qwen2.5-14B-Instruct"),
        ("qwen 1.5b inst", "Qwen2-1.5B-Instruct"),
        ("llama 3.1 instruct", "Llama-3.1-8B-Instruct"),
        ("llama 1-3 instruct", "Llama-1-3-8B-Instruct"),
        ("instruct llama 3-8b", "Llama-1-3-8B-Instruct"),
        ("llama 3.1_8b inst", "Llama-3.1-8B-Instruct"),
    ],
)
def test_what_stands_side_by_side_in_the_query_does_so_in_what_comes_first(
    people: People, anyone: Person, q: str, first: str
) -> None:
    bob = person(people, "Bob")
    for name in VERSIONS:
        add_model(bob, name, visibility="public")
    try:
        assert found(anyone, q)[0] == f"Bob/{first}"
        assert [model["name"] for page in walked(anyone, q, 1) for model in page] == [
            model.partition("/")[2] for model in found(anyone, q)
        ]
    finally:
        for name in VERSIONS:
            bob.client.models.delete("Bob", name)


def test_what_an_owner_is_called_in_two_parts_is_found_once(people: People, anyone: Person) -> None:
    owner, names = people.add("user-q"), {"one", "two", "three"}
    for name in names:
        add_model(owner, name, description="userq", visibility="public")
    pages = walked(anyone, "userq", 1)
    assert sorted(model["name"] for page in pages for model in page) == sorted(names)
    for name in names:
        owner.client.models.delete("user-q", name)


@pytest.mark.parametrize("q", ["हिन्दी", "मॉडल", "हिन्दी मॉडल", "ภาษาไทย", "עִבְרִית", "עברית"])
def test_words_are_found_whatever_is_written_above_and_below_letters(
    people: People, anyone: Person, q: str
) -> None:
    bob = person(people, "Bob")
    add_model(bob, "polyglot", description="हिन्दी का मॉडल, ภาษาไทย, עִבְרִית.", visibility="public")
    assert found(anyone, q) == ["Bob/polyglot"]
    bob.client.models.delete("Bob", "polyglot")


@pytest.mark.parametrize("q", ["ᏣᎳᎩ", "ꮳꮃꭹ", "\U00011110\U0001112c\U00011111", "ab🅰cd"])
def test_queries_are_tokenized_as_texts_are(people: People, anyone: Person, q: str) -> None:
    bob = person(people, "Bob")
    text = "ᏣᎳᎩ, \U00011110\U0001112c\U00011111, ab🅰cd."
    add_model(bob, "polyglot", description=text, visibility="public")
    answer = found(anyone, q)
    bob.client.models.delete("Bob", "polyglot")
    assert answer == ["Bob/polyglot"]


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("bob", ["Bob"]),
        ("resnet", ["resnet"]),
        ("RES", ["resnet"]),
        ("residual", ["resnet"]),
        ("ka", ["resnet"]),
        ("kaiming h", ["resnet"]),
        ("learning kaiming", ["resnet"]),
        ("100%", ["resnet"]),
        ("Über", ["resnet"]),
        ("research 100", ["resnet"]),
        ("kaiming residal", ["resnet"]),
        ("_", []),
        ("\0", ["Bob", "resnet", "timm"]),
        ("", ["Bob", "resnet", "timm"]),
    ],
)
def test_users_are_found_by_name_and_by_what_they_say(anyone: Person, q: str, expected: list[str]) -> None:
    assert [name for name in found_users(anyone, q) if not name.lower().startswith("user-")] == expected


def test_an_exact_username_comes_first(people: People, anyone: Person) -> None:
    for name in ("user-an-user-x", "user-xy", "User-X"):
        people.add(name)
    assert found_users(anyone, "user-x") == ["User-X", "user-xy", "user-an-user-x"]
    assert found_users(anyone, "USER-XY") == ["user-xy"]
