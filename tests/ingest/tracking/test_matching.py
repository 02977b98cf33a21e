"""The assignment is the cheapest flow, and cells cost little and matter to nobody far away."""

from datetime import timedelta
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from ingest.tracking.matching import assignment, best_links
from ingest.tracking.settings import DAY, Settings

COST = st.integers(-40, 40).map(lambda tenths: tenths / 10)
LINKS = st.integers(2, 7).flatmap(
    lambda n: st.dictionaries(
        st.tuples(st.integers(0, n - 2), st.integers(1, n - 1)).filter(lambda pair: pair[0] < pair[1]),
        COST,
        max_size=12,
    ).map(lambda links: (n, links))
)


def cheapest_flow(n, enter, leave, observe, links):
    """The cost of the cheapest flow, any number of units, by a linear program over its edges.

    Source -> u_i (enter), u_i -> v_i (observe), v_i -> sink (leave), v_i -> u_j (links); capacities 1.
    """
    pairs = list(links)
    costs = [*enter, *([observe] * n), *leave, *links.values()]
    conserved = np.zeros((2 * n, len(costs)))
    for i in range(n):
        conserved[i, i], conserved[i, n + i] = 1, -1  # what enters u_i is observed
        conserved[n + i, n + i], conserved[n + i, 2 * n + i] = 1, -1  # what is observed leaves v_i
    for k, (i, j) in enumerate(pairs):
        conserved[n + i, 3 * n + k], conserved[j, 3 * n + k] = -1, 1
    found = linprog(costs, A_eq=conserved, b_eq=np.zeros(2 * n), bounds=(0, 1), method="highs")
    assert found.success
    return found.fun


@given(LINKS, st.lists(COST.map(abs), min_size=14, max_size=14), st.integers(81, 120))
def test_the_assignment_costs_what_the_cheapest_flow_costs(drawn, terminal, sure):
    n, links = drawn
    enter, leave, observe = terminal[:n], terminal[7 : 7 + n], -sure / 10
    assert all(a + b + observe < 0 for a, b in product(enter, leave))  # so every report is worth a track
    pairs = np.array(list(links), dtype=np.intp).reshape(-1, 2)
    gain = np.array([leave[i] + enter[j] - cost for (i, j), cost in links.items()])
    useful = np.flatnonzero(gain > 0)
    chosen = useful[assignment(pairs[useful, 0], pairs[useful, 1], gain[useful])]
    alone = sum(enter) + sum(leave) + n * observe
    assert alone - gain[chosen].sum() == pytest.approx(cheapest_flow(n, enter, leave, observe, links))


@given(LINKS)
def test_no_report_has_two_successors_or_two_predecessors(drawn):
    _, links = drawn
    pairs = np.array([pair for pair, gain in links.items() if gain > 0], dtype=np.intp).reshape(-1, 2)
    chosen = assignment(pairs[:, 0], pairs[:, 1], np.array([gain for gain in links.values() if gain > 0]))
    assert len(set(pairs[chosen, 0])) == len(set(pairs[chosen, 1])) == chosen.size


def test_a_better_link_gives_way_where_both_together_gain_more():
    first, second, gain = np.array([0, 0, 1]), np.array([2, 3, 2]), np.array([3.0, 2.5, 2.0])
    assert assignment(first, second, gain).tolist() == [1, 2]


def test_nothing_to_link_is_no_link():
    nothing = np.empty(0, dtype=np.intp)
    assert assignment(nothing, nothing, np.empty(0)).size == 0
    assert best_links(nothing, nothing, np.empty(0), np.empty(0), Settings()).size == 0


def random_scene(seed, days=24):
    """Reports every four hours, links between them with gains, both drawn; a scene that couples far."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, days * 6, 5 * days)) * DAY / 6
    first, second = np.triu_indices(time.size, 1)
    near = (time[second] > time[first]) & (time[second] - time[first] <= DAY) & (rng.random(first.size) < 0.5)
    first, second = first[near], second[near]
    return first, second, rng.normal(0.5, 1.0, first.size), time


@pytest.mark.parametrize("seed", range(5))
def test_cells_lose_little_of_the_gain(seed):
    first, second, gain, time = random_scene(seed)
    useful = np.flatnonzero(gain > 0)
    whole = gain[useful[assignment(first[useful], second[useful], gain[useful])]].sum()
    chosen = best_links(first, second, gain, time, Settings())
    assert 0.98 * whole <= gain[chosen].sum() <= whole + 1e-9
    assert len(set(first[chosen])) == len(set(second[chosen])) == np.count_nonzero(chosen)


@given(st.integers(0, 50), st.integers(4, 20))
def test_what_is_far_away_does_not_matter(seed, day):
    first, second, gain, time = random_scene(seed)
    settings = Settings()
    reach = (2 * settings.cell + settings.context).total_seconds()
    inside = (time[first] >= day * DAY) & (time[first] < (day + 1) * DAY)
    near = np.abs(time[first] - (day + 0.5) * DAY) <= reach + DAY / 2
    everywhere = best_links(first, second, gain, time, settings)
    nearby = best_links(first[near], second[near], gain[near], time, settings)
    assert everywhere[inside].tolist() == nearby[inside[near]].tolist()


@pytest.mark.parametrize(
    "wrong",
    [{"frame": timedelta(0)}, {"gap": timedelta(days=3)}, {"skips": -1}, {"context": timedelta(days=-1)}],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Settings(**wrong)
