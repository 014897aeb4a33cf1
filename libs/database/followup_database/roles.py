"""The two database roles every connection works under.

`followup_api` serves whatever a key can reach: row-level security is forced on it
and a transaction sees one tenant, the one it was opened for. `followup_worker` runs
batches that span tenants. The login role is neither; it only owns the schemas and
may become both.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a connection may see."""

    API = "followup_api"
    WORKER = "followup_worker"


# Roles belong to the whole server, not to one database, so two migrations may race.
CREATE_ROLES = """
DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['followup_api', 'followup_worker'] LOOP
    BEGIN
      -- Who finds them there needs no right to make roles.
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', name);
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
    IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
      EXECUTE format('GRANT %I TO %I', name, current_user);
    END IF;
  END LOOP;
END $$;
"""


def grant_schema(schema: str) -> str:
    """Let both roles name the objects of a schema."""
    return f"GRANT USAGE ON SCHEMA {schema} TO {Role.API}, {Role.WORKER}"


def protect(
    schema: str,
    table: str,
    *,
    api: str = "SELECT, INSERT, UPDATE, DELETE",
    worker: str = "SELECT, INSERT, UPDATE, DELETE",
) -> list[str]:
    """Statements that put a table with a `tenant_id` under row-level security.

    `followup_api` reaches rows of the tenant its transaction was opened for and no
    others, without one none at all; `followup_worker` reaches every row. `api` and
    `worker` are the privileges; "" withholds the table altogether.
    """
    name = f"{schema}.{table}"
    tenant = "tenant_id = NULLIF(current_setting('followup.tenant', true), '')::uuid"
    statements = [
        f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY one_tenant ON {name} TO {Role.API} USING ({tenant}) WITH CHECK ({tenant})",
        f"CREATE POLICY all_tenants ON {name} TO {Role.WORKER} USING (true) WITH CHECK (true)",
    ]
    if api:
        statements.append(f"GRANT {api} ON {name} TO {Role.API}")
    if worker:
        statements.append(f"GRANT {worker} ON {name} TO {Role.WORKER}")
    return statements
