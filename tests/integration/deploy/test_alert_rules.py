"""Every figure that an alert rule names is one that the services show."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from followup_embedded.house import Embedded
from followup_runtime.settings import Settings
from followup_testkit.databases import PostgresForTests
from followup_testkit.waiting import until

FOLDER = Path(__file__).parents[3] / "deploy" / "prometheus"
RULES = {
    rule["alert"]: rule
    for group in yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
}
PLAYED = [
    case
    for played in yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    for case in played["alert_rule_test"]
]
WORDS = {"and", "by", "increase", "max", "rate", "sum", "time"}
SCRAPED = {"job", "instance"}  # what Prometheus adds to each sample
SELECTOR = re.compile(r"\b((?:followup|rabbitmq)_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def selectors(rule: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Each metric of an expression with the label values it asks for."""
    for name, matchers in SELECTOR.findall(RULES[rule]["expr"]):
        asked = {}
        for label, operator, value in MATCHER.findall(matchers):
            asked[label] = value.split("|") if operator == "=~" else [value]
        yield name, asked


@pytest.fixture(scope="module")
def shown(postgres_server) -> dict[str, list[dict[str, str]]]:
    """Sample → its label sets, as all services show them before anything happened."""
    found: dict[str, list[dict[str, str]]] = {}
    for family in text_string_to_metric_families(asyncio.run(_exposition(postgres_server))):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


async def _exposition(postgres_server: PostgresForTests) -> str:
    """What /metrics shows as soon as every figure has its labels."""
    url = await postgres_server.fresh()
    looked = ("timers_overdue{", "dead_letters{", "queue_messages{", "loop_due_timestamp_seconds{")
    async with Embedded(Settings(database_url=url)) as house, house.running():

        async def metrics() -> str:
            transport = httpx.ASGITransport(app=house.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
                text = (await client.get("/metrics")).text
            return text if all(each in text for each in looked) else ""

        text: str = await until(metrics)
    await postgres_server.drop(url)
    return text


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_asks_for_figures_that_are_shown(rule, shown):
    """From the start, with each label value it names: a first event is a rise from 0."""
    for name, asked in selectors(rule):
        if name == "up":
            continue
        assert name in shown
        for label, values in asked.items():
            assert set(values) <= {labels[label] for labels in shown[name]}
        for grouped in re.findall(r"by \(([^)]*)\)", RULES[rule]["expr"]):
            labels = {label.strip() for label in grouped.split(",")}
            assert labels - SCRAPED <= set(shown[name][0])


@pytest.mark.parametrize("rule", RULES)
def test_no_figure_of_a_rule_is_overlooked_here(rule):
    """Whatever is no metric of ours is a word of the language."""
    text = re.sub(r'\{[^}]*\}|\[[^]]*\]|by \([^)]*\)|"[^"]*"', " ", RULES[rule]["expr"])
    names = set(re.findall(r"[a-zA-Z_]\w*", text))
    assert names - WORDS <= {name for name, _ in selectors(rule)}


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_says_how_urgent_it_is_and_what_is_seen(rule):
    """A severity an operator can route by, and a sentence."""
    assert RULES[rule]["labels"]["severity"] in {"page", "ticket"}
    assert len(RULES[rule]["annotations"]["summary"]) > 20


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_played_until_it_fires(rule):
    """`promtool test rules` has a case of it, with its urgency and its words filled in."""
    fired = [each for case in PLAYED if case["alertname"] == rule for each in case["exp_alerts"]]
    assert fired
    words = re.split(r"\{\{[^}]*\}\}", RULES[rule]["annotations"]["summary"])
    for each in fired:
        assert each["exp_labels"]["severity"] == RULES[rule]["labels"]["severity"]
        assert all(part in each["exp_annotations"]["summary"] for part in words)


def test_no_case_is_of_a_rule_there_is_not():
    """A rule that was renamed takes its cases along."""
    assert {case["alertname"] for case in PLAYED} == set(RULES)


def test_services_are_asked_for_by_the_names_they_are_scraped_by():
    """`up` knows jobs by their names in the scrape configuration."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    jobs = {scrape["job_name"] for scrape in config["scrape_configs"]}
    ((_, asked),) = selectors("FollowupServiceDown")
    assert set(asked["job"]) <= jobs


def test_labels_are_few(shown):
    """Never a tenant, a person, an address or an account: closed sets alone."""
    names = {label for sets in shown.values() for labels in sets for label in labels}
    assert names <= {
        *("answer", "channel", "consumer", "fate", "intent", "kind", "lane", "le", "loop"),
        *("method", "provider", "queue", "reason", "route", "state", "status", "via", "waits"),
    }
