"""examples/embed.py: another application with Followup in it."""

import ast
import importlib.util
from pathlib import Path

import httpx

EXAMPLE = Path(__file__).parents[3] / "examples/embed.py"
KEY = "key-of-the-mounted-test"
LEAD = {
    "name": "Robin Example",
    "phone": "+12125550100",
    "email": "robin@example.com",
    "source": "web_form",
    "country": "US",
    "consent": "yes",
}


def lines_of_code(source: str) -> int:
    """Lines that are neither empty nor prose."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            prose |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), start=1)
    return sum(bool(line.strip()) and number not in prose for number, line in lines)


async def test_a_product_with_followup_in_it(database_url, folder, monkeypatch) -> None:
    """Its own routes and Followup's are served by one application, in under twenty lines."""
    monkeypatch.setenv("FOLLOWUP_DATABASE_URL", database_url)
    monkeypatch.setenv("FOLLOWUP_DATA_DIR", str(folder))
    monkeypatch.setenv("FOLLOWUP_BOOTSTRAP_KEY", KEY)
    monkeypatch.setenv("FOLLOWUP_PUBLIC_URL", "https://product.example.com/followup")
    assert lines_of_code(EXAMPLE.read_text()) < 20
    spec = importlib.util.spec_from_file_location("embed", EXAMPLE)
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        example.app.router.lifespan_context(example.app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(example.app), base_url="http://product", headers=headers
        ) as client,
    ):
        home = (await client.get("/")).json()
        assert (await client.get(home["followup"])).status_code == 200
        described = (await client.get("/followup/openapi.json")).json()
        assert described["servers"] == [{"url": "/followup"}]
        posted = await client.post("/followup/v1/leads", json=LEAD)
        assert posted.status_code == 201, posted.text
        found = await client.get(f"/followup/v1/leads/{posted.json()['lead_id']}")
        assert found.json()["person"]["phones"][0]["address"] == LEAD["phone"]
        source = {"kind": "form", "name": "of the product"}
        made = (await client.post("/followup/v1/sources", json=source)).json()
        assert made["url"].startswith("https://product.example.com/followup/v1/sources/form/")
        assert (await client.get("/followup/v1/accounts")).json()["items"]
