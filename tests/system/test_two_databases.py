"""A hub on SQLite and one on PostgreSQL give the same answers, whatever they are asked.

`TWO_DATABASES_HISTORIES` says how many histories are tried; they differ from run to run if there are more than
usual.
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.databases import Postgres, kept_in
from tests.system.twohubs import Call, Side, Step, Turn, Work

USUAL = 8
HISTORIES = int(os.environ.get("TWO_DATABASES_HISTORIES", USUAL))

CALLER = st.sampled_from([0] * 12 + [1] * 5 + [2, 3])  # The last is anyone.
OWNER = st.sampled_from(["{u0}"] * 10 + ["{u1}"] * 4 + ["{u2}", "nobody"])
GOOD_NAMES = ("alpha", "Alpha", "beta", "alpha-beta", "beta_2.1", "gamma", "GAMMA-x")
NAME = st.sampled_from([*GOOD_NAMES] + ["alpha"] * 6)
NUMBER = st.integers(0, 20)
VERSION = NUMBER.map("{{v{}}}".format)
PREDICTION = NUMBER.map("{{p{}}}".format)
TEXT = st.one_of(st.text(max_size=12), st.sampled_from(["An Alpha.", "100%_", "Ünïcode \U0001f680", "a\0b"]))
KEY = st.sampled_from([None, None, "k1", "k2", "k3"])
DIGEST = st.sampled_from([f"sha256:{number:064x}" for number in range(3)])
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), TEXT, st.lists(TEXT, max_size=2)
)


def maybe(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw an object with any of some fields."""
    return st.fixed_dictionaries({}, optional=fields)


SOME_FIELDS = {
    "description": st.none() | TEXT,
    "visibility": st.sampled_from(["public"] * 4 + ["private"] * 3 + ["secret"]),
    "source_url": st.sampled_from([None, None, "https://example.org/x", "https://example.org/x", "no url"]),
}
MODEL_BODY = st.fixed_dictionaries(
    {
        "name": st.sampled_from([*GOOD_NAMES, *GOOD_NAMES, "no name!"]),
        "hardware_identifier": st.sampled_from(["cpu"] * 9 + ["h100"]),
    },
    optional=SOME_FIELDS,
)
FIRST_MODEL = {"name": "alpha", "hardware_identifier": "cpu", "visibility": "public"}
SECOND_MODEL = {"name": "beta", "hardware_identifier": "cpu"}
FIRST_VERSION = {
    "release_notes": "First.",
    "schemas": {"prediction": {"input": {}, "output": {}}},
    "container_image_digest": f"sha256:{0:064x}",
}
MODEL_CHANGES = maybe(
    name=st.sampled_from(GOOD_NAMES), hardware_identifier=st.sampled_from(["cpu", "h100"]), **SOME_FIELDS
)
VERSION_BODY = st.fixed_dictionaries(
    {
        "release_notes": st.sampled_from(["First.", "Not pushed.", "Ünïcode"]),
        "schemas": st.sampled_from(
            [
                {"prediction": {"input": each, "output": {}}}
                for each in ({}, {}, {}, {"type": "integer"}, {"type": 3})
            ]
        ),
        "container_image_digest": DIGEST,
    }
)
URL = st.sampled_from(["https://203.0.113.1/", "https://203.0.113.1/", "https://203.0.113.1/", "http://[::1]/"])
PREDICTION_BODY = st.fixed_dictionaries({"input": ANYTHING}, optional={"webhook_url": URL})
USER_CHANGES = maybe(
    username=st.sampled_from(["{u0}", "{u1}", "{u0}-x", "{u0}-X", "no name!"]), bio=st.none() | TEXT, name=TEXT
)
BAD_BODY = st.sampled_from([b"", b"{", b"[]", b"null", b'{"name": 1}', b'{"name": "a", "name": "b"}', b"\xff"])

SIZE = st.sampled_from(["1", "2", "3", "100"] * 3 + ["0", "x"])
PAGING = maybe(page_size=SIZE, cursor=st.sampled_from(["", "bm8"]))
MODEL_PAGING = maybe(
    page_size=SIZE,
    sort_by=st.sampled_from(["created_at", "prediction_count"] * 3 + ["name"]),
    sort_direction=st.sampled_from(["asc", "desc"]),
)
QUERY = st.fixed_dictionaries(
    {"q": st.builds("{}/{}".format, OWNER, NAME) | OWNER | TEXT}, optional={"page_size": SIZE}
)

NOTHING: st.SearchStrategy[Any] = st.none()
NO_PARAMS: st.SearchStrategy[dict[str, str]] = st.just({})
OF_MODEL = st.builds("/models/{}/{}".format, OWNER, NAME)
OF_NUMBER = st.builds("/models/{}/{}/versions/{}".format, OWNER, NAME, st.integers(0, 4))
OF_VERSION = (VERSION | NUMBER.map("{{m{}}}".format)).map("/versions/{}".format) | OF_NUMBER


def calls(
    method: str,
    path: st.SearchStrategy[str] | str,
    *,
    body: st.SearchStrategy[Any] = NOTHING,
    params: st.SearchStrategy[dict[str, str]] = NO_PARAMS,
    key: st.SearchStrategy[str | None] = NOTHING,
) -> st.SearchStrategy[Step]:
    """Draw a request of any caller."""
    return st.builds(
        Call,
        CALLER,
        st.just(method),
        st.just(path) if isinstance(path, str) else path,
        params.map(lambda values: tuple(values.items())),
        body,
        key,
    )


def often(step: st.SearchStrategy[Step], times: int) -> list[st.SearchStrategy[Step]]:
    return [step] * times


STEPS: st.SearchStrategy[Step] = st.one_of(
    *often(calls("POST", "/models", body=MODEL_BODY, key=KEY), 4),
    *often(calls("PATCH", OF_MODEL, body=MODEL_CHANGES), 2),
    *often(calls("POST", OF_MODEL.map("{}/versions".format), body=VERSION_BODY, key=KEY), 3),
    *often(calls("POST", OF_MODEL.map("{}/predictions".format), body=PREDICTION_BODY, key=KEY), 3),
    *often(calls("POST", VERSION.map("/versions/{}/predictions".format), body=PREDICTION_BODY, key=KEY), 2),
    calls(
        "POST",
        "/predictions",
        body=st.builds(lambda path, value: {"model": path[8:], "input": value}, OF_MODEL, ANYTHING),
    ),
    calls("POST", PREDICTION.map("/predictions/{}/cancel".format)),
    calls("DELETE", OF_MODEL),
    calls("DELETE", OF_VERSION),
    calls("PATCH", "/user", body=USER_CHANGES),
    calls("POST", st.sampled_from(["/models", "/predictions"]), body=BAD_BODY),
    calls("PATCH", st.one_of(OF_MODEL, st.just("/user")), body=BAD_BODY),
    calls(
        "GET",
        st.one_of(OF_MODEL, OF_VERSION, PREDICTION.map("/predictions/{}".format), OWNER.map("/users/{}".format)),
    ),
    calls("GET", st.sampled_from(["/user", "/hardware", "/nowhere"])),
    *often(
        calls(
            "GET",
            st.sampled_from(["/models", "/user/models", "/models/{u0}", "/models/{u1}"]),
            params=MODEL_PAGING,
        ),
        3,
    ),
    calls("GET", st.one_of(OF_MODEL.map("{}/versions".format), st.just("/users")), params=PAGING),
    calls(
        "GET",
        "/predictions",
        params=maybe(page_size=SIZE, statuses=st.sampled_from(["pending", "failed", "started", "x"])),
    ),
    calls("GET", st.sampled_from(["/search/models", "/search/users"]), params=QUERY),
    *often(st.builds(Turn, st.integers(0, 30), st.booleans(), st.integers(1, 3)), 2),
    *often(
        st.builds(
            Work,
            st.sampled_from(
                ["claim", "claim", "claim and disappear", "say", "finish", "finish", "fail", "release", "expire"]
            ),
            st.integers(0, 10),
        ),
        4,
    ),
)


BEGINNING: list[Step] = [
    *(Call(caller, "POST", "/models", body=model) for caller in (0, 1) for model in (FIRST_MODEL, SECOND_MODEL)),
    *(Call(caller, "POST", f"/models/{{u{caller}}}/alpha/versions", body=FIRST_VERSION) for caller in (0, 0, 1)),
]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[tuple[Side, Side]]:
    folder = tmp_path_factory.mktemp("two")
    with postgres.database() as address, kept_in(address, folder / "postgres") as other:
        sides = Side(folder / "sqlite"), Side(other)
        yield sides
        for side in sides:
            side.close()


@settings(
    max_examples=HISTORIES,
    derandomize=HISTORIES == USUAL,
    database=None,
    deadline=None,
    phases=[Phase.generate, *[Phase.shrink] * (HISTORIES != USUAL)],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(steps=st.lists(STEPS, min_size=30, max_size=60))
def test_both_databases_answer_alike(sides: tuple[Side, Side], steps: list[Step]) -> None:
    for side in sides:
        side.begin()
    for step in BEGINNING + steps:
        first, second = (side.take(step) for side in sides)
        assert first == second, step
