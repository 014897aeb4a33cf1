"""Calls about tasks, and the agenda: who needs follow-up."""

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from followup_client.call import JSON, Call, Given, Id, Page, Seen, at, json_body, model


class Task(Seen):
    """Something for a person to do; closed with one of `outcomes`, if it names any."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None = None
    kind: str
    title: str | None = None
    reason: str
    step: str | None = None
    assignee: str | None = None
    outcomes: tuple[str, ...] = ()
    state: str
    due_at: datetime
    remind_at: datetime | None = None
    reminded_at: datetime | None = None
    created_at: datetime
    completed_at: datetime | None = None
    outcome: str | None = None
    note: str | None = None


class NewTask(Given):
    """A task somebody sets about a lead."""

    lead_id: UUID
    kind: str = "follow_up"
    title: str
    due_at: AwareDatetime
    remind_at: AwareDatetime | None = None
    assignee: str | None = None


class Completion(Given):
    """What came of a task; `note` is for people, `then` what its sequence does about it."""

    outcome: str = "done"
    note: str | None = None
    then: Literal["resume", "halt"] | None = None


class Snooze(Given):
    """Until when a task is put off, and when to be reminded of it."""

    until: AwareDatetime
    remind_at: AwareDatetime | None = None


class Assignment(Given):
    """Who is to do a task; None is nobody in particular."""

    assignee: str | None


class TaskFilter(Given):
    """Which tasks are asked for; `due_until` is exclusive."""

    state: Literal["open", "done", "withdrawn"] = "open"
    kind: str | None = None
    lead_id: UUID | None = None
    assignee: str | None = None
    due_from: AwareDatetime | None = None
    due_until: AwareDatetime | None = None
    limit: int = 50


class Contact(Seen):
    """A contact that was, or that is planned."""

    at: datetime | None = None
    channel: str
    sequence: str
    step: str
    content: str


class Response(Seen):
    """What a person answered last."""

    at: datetime
    channel: str
    intent: str


class Deal(Seen):
    """Where the sale stands, and what it is worth."""

    stage: str | None = None
    value: Decimal | None = None
    currency: str | None = None


class BestChannel(Seen):
    """The channel somebody answers best, and the figures."""

    channel: str
    why: str


class AgendaLead(Seen):
    """What one needs to know of a lead before writing or calling."""

    id: UUID
    person_id: UUID
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    source: str
    state: str
    deal: Deal
    last_contact: Contact | None = None
    response: Response | None = None
    next_touch: Contact | None = None
    best_channel: BestChannel | None = None


class PlannedTouch(Seen):
    """A touch that will go by itself."""

    id: UUID
    enrollment_id: UUID
    sequence: str
    version: int
    step: str
    channel: str
    content: str


class AgendaItem(Seen):
    """A task for a person, or a touch that is planned."""

    type: Literal["task", "touch"]
    due: str
    due_at: datetime
    overdue: bool
    task: Task | None = None
    touch: PlannedTouch | None = None
    lead: AgendaLead


class Counts(Seen):
    """Open tasks that are overdue, due in the rest of today, and in the rest of the week."""

    overdue: int
    today: int
    week: int


class AgendaPage(Page[AgendaItem]):
    """A page of the agenda by due time, on the clock of `zone`."""

    now: datetime
    zone: str
    until: datetime
    counts: Counts


class AgendaFilter(Given):
    """What is asked of the agenda: what is due until now, today, this week, or `until`."""

    due: Literal["overdue", "today", "week"] = "week"
    until: AwareDatetime | None = None
    zone: str | None = None
    show: Literal["all", "tasks", "touches"] = "all"
    assignee: str | None = None
    limit: int = 50


def find(wanted: TaskFilter | None = None) -> Call[Page[Task]]:
    """Tasks by due time, the open ones unless `wanted` says others."""
    params = (wanted or TaskFilter()).model_dump(mode="json", exclude_none=True)
    return Call("scheduler", "GET", at("tasks"), model(Page[Task]), params=params)


def add(task: NewTask) -> Call[Task]:
    """Set a task. Not tried again once there may be one: there would be two."""
    return Call("scheduler", "POST", at("tasks"), model(Task), headers=JSON, body=json_body(task))


def get(task_id: Id) -> Call[Task]:
    """One task."""
    return Call("scheduler", "GET", at("tasks", task_id), model(Task))


def complete(task_id: Id, done: Completion | None = None) -> Call[Task]:
    """Close a task; its sequence hears the outcome."""
    return _to(task_id, "complete", done or Completion())


def snooze(task_id: Id, wanted: Snooze) -> Call[Task]:
    """Have a task be due later."""
    return _to(task_id, "snooze", wanted)


def assign(task_id: Id, wanted: Assignment) -> Call[Task]:
    """Give a task to somebody."""
    return _to(task_id, "assign", wanted)


def agenda(wanted: AgendaFilter | None = None) -> Call[AgendaPage]:
    """Who needs follow-up, what is overdue first."""
    params = (wanted or AgendaFilter()).model_dump(mode="json", exclude_none=True)
    return Call("scheduler", "GET", at("agenda"), model(AgendaPage), params=params)


def _to(task_id: Id, what: str, body: Given) -> Call[Task]:
    path, content = at("tasks", task_id, what), json_body(body)
    return Call("scheduler", "POST", path, model(Task), headers=JSON, body=content, again=True)
