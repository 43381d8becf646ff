"""Values that rows are made of."""

import time
import uuid

from wriftai_server.database.values import new_id, popularity


def test_ids_are_in_order_of_time() -> None:
    before = time.time_ns() // 1_000_000
    ids = []
    for _ in range(20):
        ids.append(uuid.UUID(new_id()))
        time.sleep(0.002)
    after = time.time_ns() // 1_000_000

    assert ids == sorted(ids)
    assert all((each.version, each.variant) == (7, uuid.RFC_4122) for each in ids)
    assert all(before <= each.int >> 80 <= after for each in ids)


def test_ids_of_one_moment_differ() -> None:
    assert len({new_id() for _ in range(10_000)}) == 10_000


def test_popularity_tells_small_counts_apart_and_never_turns_around() -> None:
    ranks = [popularity(count) for count in range(5000)]
    assert ranks[:17] == list(range(17))
    assert ranks == sorted(ranks)
    assert popularity(1040) == popularity(1087) < popularity(1160)
    assert popularity(2**63 - 1) < 512
