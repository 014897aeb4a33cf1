"""What accounts have left of their day, where a touch may go by more than one of them."""

from collections import defaultdict
from uuid import UUID

from followup_database import Transaction
from followup_directory import Account
from followup_dispatcher import rates
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.answers import command_of
from followup_dispatcher.core.slots import left_of
from followup_dispatcher.picture import Picture


async def left_today(tx: Transaction, picture: Picture, accounts: Accounts) -> dict[UUID, int]:
    """Account → units left today, of those of the batch that have a budget and a neighbour.

    Read without a lock: whoever is last to take is told so by the reservation.
    """
    budgets = {
        account.id: (account.tenant_id, found)
        for account in _with_neighbours(picture)
        if (found := accounts.budgets(account, now=tx.now))
    }
    owners = {budget.key: tenant_id for tenant_id, found in budgets.values() for budget in found}
    pages = await rates.read(tx, owners)
    return {
        account_id: min(left_of(each, pages.get(each.key), now=tx.now) for each in found)
        for account_id, (_, found) in budgets.items()
    }


def _with_neighbours(picture: Picture) -> list[Account]:
    lines: dict[tuple[UUID, str], list[Account]] = defaultdict(list)
    for tenant_id, channel in {(m.tenant_id, command_of(m).channel) for m in picture.open}:
        lines[tenant_id, channel] += [
            account
            for account in picture.accounts.get(tenant_id, ())
            if account.channel == channel and account.state == "active"
        ]
    return [account for line in lines.values() if len(line) > 1 for account in line]
