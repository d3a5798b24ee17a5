"""What the database refuses by itself: illegal moves of status, changes of the log, of content, and of grants."""

from django.core.management import call_command
from django.db import migrations

from runbooks.domain.states import RUN_MOVES, STEP_MOVES, VERSION_MOVES
from runbooks.models.triggers import frozen_columns_sql, insert_only_sql, install, kept_sql, moves_sql


def guard(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for table, column, moves in [
        ("runbooks_run", "status", RUN_MOVES),
        ("runbooks_steprun", "status", STEP_MOVES),
        ("runbooks_version", "state", VERSION_MOVES),
    ]:
        install(schema_editor, moves_sql(vendor=vendor, table=table, column=column, moves=moves))
    for table in ("runbooks_auditevent", "runbooks_auditleaf", "runbooks_review"):
        install(schema_editor, insert_only_sql(vendor=vendor, table=table))
    for table in ("runbooks_grant", "runbooks_membership", "runbooks_version", "runbooks_run"):
        install(schema_editor, kept_sql(vendor=vendor, table=table))
    for table, columns in [
        ("runbooks_version", ["manifest", "hash", "number", "runbook_id", "parent_id", "author_id"]),
        ("runbooks_run", ["plan", "plan_hash", "parameters", "version_id", "requested_by_id"]),
        ("runbooks_grant", ["rights", "user_id", "group_id", "installation_id", "project_id", "runbook_id"]),
    ]:
        install(schema_editor, frozen_columns_sql(vendor=vendor, table=table, columns=columns))


def make_cache_table(apps, schema_editor):
    call_command("createcachetable", "runbooks_cache", database=schema_editor.connection.alias, verbosity=0)


def make_installation(apps, schema_editor):
    apps.get_model("runbooks", "Installation").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0001_initial")]
    operations = [
        migrations.RunPython(guard, migrations.RunPython.noop),
        migrations.RunPython(make_cache_table, migrations.RunPython.noop),
        migrations.RunPython(make_installation, migrations.RunPython.noop),
    ]
