"""Runs of other runbooks, as steps."""

import django.db.models.deletion
from django.db import migrations, models

from runbooks.models.triggers import dropped_sql, frozen_columns_sql, install

FROZEN_OF_RUN = [
    "plan", "plan_hash", "parameters", "version_id", "requested_by_id", "resumed_from_id", "concurrency_key",
    "parent_id", "parent_step_id",
]  # fmt: skip


def guard(apps, schema_editor):
    """What a run is a part of never changes."""
    vendor, table = schema_editor.connection.vendor, "runbooks_run"
    install(schema_editor, dropped_sql(vendor=vendor, table=table, names=[f"{table}_content_is_frozen"]))
    install(schema_editor, frozen_columns_sql(vendor=vendor, table=table, columns=FROZEN_OF_RUN))


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0013_notifications")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="parent",
            field=models.ForeignKey(
                db_index=False,
                help_text="Of which it is a step.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="children",
                to="runbooks.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="parent_step",
            field=models.ForeignKey(
                db_index=False,
                help_text="That waits for it.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="child_runs",
                to="runbooks.steprun",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("parent_step__isnull", False)),
                fields=("parent_step",),
                name="a_step_runs_one_other_runbook_once",
            ),
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
