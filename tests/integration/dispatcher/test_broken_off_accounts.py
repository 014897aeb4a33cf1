from followup_dispatcher.accounts import STALE_AFTER, Route
from followup_dispatcher.core.breaker import LIMIT, PAUSES
from followup_dispatcher.watch import Watch
from followup_runtime.metrics import Metrics

VENDOR = ("scripted", "sms")


async def test_an_account_that_is_shut_is_shown_until_it_answers_or_nobody_wants_it(
    dispatching, ticking
):
    """By vendor and channel; long after its pause, without a call, it may have been stopped."""
    accounts, account = dispatching.accounts, dispatching.account
    metrics = Metrics()
    watch = Watch(dispatching.database, metrics, accounts=accounts, vendors={VENDOR: None})

    async def shown() -> float | None:
        await watch.run_once()
        labels = dict(zip(("provider", "channel"), VENDOR, strict=True))
        return metrics.registry.get_sample_value("followup_provider_breakers_open", labels)

    assert isinstance(accounts.route([account], "sms"), Route)
    assert await shown() == 0
    for _ in range(LIMIT):
        accounts.failed(account.id, "silent", turn=0)
    assert await shown() == 1
    ticking.now += PAUSES[0] + STALE_AFTER - 1
    assert await shown() == 1
    ticking.now += 1
    assert await shown() == 0

    trial = accounts.begin(account.id)
    accounts.failed(account.id, "silent", turn=trial)
    assert await shown() == 1
    ticking.now += PAUSES[1]
    accounts.succeeded(account.id, turn=accounts.begin(account.id))
    assert await shown() == 0
