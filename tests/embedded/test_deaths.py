"""How often a part may die before it is given up."""

from certify_stack.embedded.part import Deaths


def test_the_first_return_is_at_once_and_the_fifth_death_in_half_a_minute_is_the_last():
    deaths = Deaths()
    assert [deaths.pause_after(now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [0.0, 0.1, 0.2, 0.4, None]


def test_old_deaths_are_forgotten():
    deaths = Deaths()
    assert [deaths.pause_after(10.0 * number) for number in range(20)] == [0.0, 0.1, 0.2, *[0.4] * 17]


def test_a_part_that_dies_rarely_always_returns_at_once():
    deaths = Deaths()
    assert {deaths.pause_after(31.0 * number) for number in range(10)} == {0.0}
