from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.plan import (
    MOODS,
    REPLICAS,
    SERVICES,
    SLOW_SECONDS,
    TO_PROCESSES,
    TO_SERVERS,
    TRACKS,
    plan,
)

seeds = st.integers(min_value=0, max_value=1_000_000)
lengths = st.floats(min_value=1, max_value=900)


@settings(deadline=None, max_examples=50)
@given(seeds, lengths)
def test_a_seed_gives_the_same_plan_each_time(seed, seconds) -> None:
    """What was found with a seed can be looked for again."""
    assert plan(seed, seconds) == plan(seed, seconds)


@settings(deadline=None, max_examples=50)
@given(seeds, lengths)
def test_every_track_is_in_order_and_within_its_time(seed, seconds) -> None:
    """Nothing is planned for after the end, nothing before what it follows."""
    for track in plan(seed, seconds).values():
        moments = [injury.at for injury in track]
        assert moments == sorted(moments)
        assert all(0 <= at < seconds or at == 0 for at in moments)


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_ten_minutes_hold_every_kind_of_injury(seed) -> None:
    """A kind comes again only after every other one of its track has come."""
    tracks = plan(seed, 600)
    assert {i.kind for i in tracks["processes"]} == set(TO_PROCESSES)
    assert {i.kind for i in tracks["servers"]} == set(TO_SERVERS)
    assert {i.kind for i in tracks["moods"]} == set(MOODS)
    first = [injury.kind for injury in tracks["servers"]][: len(TO_SERVERS)]
    assert sorted(first) == sorted(TO_SERVERS)


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_two_minutes_hold_every_mood_and_many_injuries_of_servers(seed) -> None:
    """No kind comes twice before another has come once."""
    tracks = plan(seed, 120)
    servers = [injury.kind for injury in tracks["servers"]][: len(TO_SERVERS)]
    assert len(set(servers)) == len(servers) > 3
    assert {i.kind for i in tracks["moods"]} == set(MOODS)


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_kills_come_every_few_seconds_and_spare_nobody(seed) -> None:
    """Some 250 in ten minutes, of every process there is."""
    kills = plan(seed, 600)["kills"]
    assert 150 < len(kills) < 350
    assert {kill.target for kill in kills} == set(REPLICAS)


@settings(deadline=None, max_examples=50)
@given(seeds)
def test_kills_come_as_often_as_asked(seed) -> None:
    """Some 600 in ten minutes at one a second; the other tracks are there all the same."""
    tracks = plan(seed, 600, kill_every=1.0)
    assert 450 < len(tracks["kills"]) < 750
    assert tuple(tracks) == TRACKS


@settings(deadline=None, max_examples=50)
@given(seeds, lengths)
def test_targets_exist_and_freezes_end(seed, seconds) -> None:
    """A frozen process thaws before its peers give it up for dead."""
    for injury in plan(seed, seconds)["processes"]:
        if injury.kind == "freeze":
            assert injury.target in REPLICAS
            assert 0 < injury.seconds <= 6
        else:
            assert injury.target in SERVICES


@settings(deadline=None, max_examples=50)
@given(seeds, lengths)
def test_the_provider_is_slow_for_a_minute_once(seed, seconds) -> None:
    """Or for the whole of a run that is shorter."""
    (slow,) = plan(seed, seconds)["slow"]
    assert slow.seconds == min(SLOW_SECONDS, seconds)
    assert slow.at + slow.seconds <= seconds + 1e-6
