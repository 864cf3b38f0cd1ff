"""What workers report, put together: once each, by one clock, and nothing that is missing goes unseen."""

from typing import Any

import pytest

from certify_checks.load.generator.distributed.merging import (
    Batch,
    Clock,
    Fared,
    NonsenseError,
    Share,
    Stage,
    part,
    summary,
    understood,
)
from certify_checks.load.generator.tally import Row


def batch(number: int, *starts: int) -> Batch:
    rows = [Row(at, 10, 0, "ok", f"u{at}", at, 0) for at in starts]
    return Batch(number, rows, [(at, 6, 5) for at in starts], [(at, 99, 0, "ok", f"u{at}") for at in starts])


def fared(batches: int, **more: Any) -> Fared:
    told = {
        "users": 5,
        "cpu_ppm": 100,
        "lag_p95_us": 1,
        "lag_max_us": 2,
        "polls": 3,
        "deaf": 0,
        "stages": [],
        "examples": {},
    }
    return Fared(batches, **(told | more))


def test_a_batch_that_is_sent_again_counts_once():
    share = Share(0, "here")
    assert share.take(batch(0, 100, 200))
    assert not share.take(batch(0, 100, 200))
    assert [row.start_us for row in share.rows()] == [100, 200]
    assert len(share.calibration) == len(share.finished) == 2


def test_a_share_is_complete_with_all_its_batches_and_its_end():
    share = Share(0, "here")
    share.take(batch(1, 2))
    assert not share.complete
    share.fared = fared(2)
    assert not share.complete
    share.take(batch(0, 1))
    assert share.complete


def test_times_are_of_the_master_s_clock():
    share = Share(3, "there")
    share.take(batch(0, 1000))
    share.clock.exchanged(100, 960, 120)
    assert (share.clock.offset_us, share.clock.uncertain_us) == (850, 10)
    assert next(iter(share.rows()))[0::5] == (150, 150)
    assert list(share.calibrated()) == [(150, 6, 5, 3)]
    assert list(share.ended()) == [(150, 99, 0, "ok", "u1000")]


def test_the_shortest_exchange_says_the_clock_best():
    clock = Clock()
    for sent, theirs, received in ((0, 5900, 2000), (10_000, 15_050, 10_100), (20_000, 26_000, 24_000)):
        clock.exchanged(sent, theirs, received)
    assert (clock.offset_us, clock.uncertain_us) == (5000, 50)


@pytest.mark.parametrize(
    "told",
    [None, {}, {"number": "0", "requests": [], "calibration": [], "finished": []}, {"number": 0, "requests": [[1]]}],
)
def test_what_is_no_batch_is_refused(told: object):
    with pytest.raises(NonsenseError):
        understood(told, Batch)


def test_the_worst_worker_stands_for_all_and_the_lost_one_is_told():
    first, second, lost = Share(0, "a"), Share(1, "b"), Share(2, "c")
    first.fared = fared(0, stages=[Stage(1000, 0, 10, 50)], examples={"0 http": "HTTP 500"})
    second.fared = fared(0, cpu_ppm=900, lag_max_us=7, stages=[Stage(2000, 0, 11, 60)], examples={"0 http": "later"})
    lost.lost = "gone"
    told = summary([first, second, lost])
    assert (told["cpu_ppm"], told["lag_max_us"], told["users"], told["polls"]) == (900, 7, 10, 6)
    assert told["stages"] == [{"rate": 3000, "begin_us": 0, "end_us": 11, "cpu_ppm": 60}]
    assert told["examples"] == {"0 http": "HTTP 500"}
    assert [worker["lost"] for worker in told["workers"]] == ["", "", "gone"]


def test_parts_make_the_whole():
    config = {
        "stages": [{"rate": 30.0, "seconds": 5}],
        "operations": [{"name": "import", "times": 4}, {"name": "list", "times": 0}],
        "concurrent": 10,
        "seed": 7,
        "users": 20,
    }
    parts = [part(config, number, 3) for number in range(3)]
    assert sum(one["stages"][0]["rate"] for one in parts) == pytest.approx(30)
    assert [one["operations"][0]["times"] for one in parts] == [4, 0, 0]
    assert len({one["seed"] for one in parts}) == 3
    assert sum(one["concurrent"] for one in parts) >= 10
    assert [(one["worker"], one["workers"]) for one in parts] == [(0, 3), (1, 3), (2, 3)]
