"""What was given for secret parameters is destroyed by the database itself, with the write that ends the run."""

from django.db import migrations

from runbooks.domain.states import RUN_FINAL
from runbooks.models.triggers import follow_up_sql, install


def guard(apps, schema_editor):
    final = ", ".join(repr(str(status)) for status in sorted(RUN_FINAL))
    install(
        schema_editor,
        follow_up_sql(
            vendor=schema_editor.connection.vendor,
            table="runbooks_run",
            name="runbooks_run_ends_with_its_secrets",
            event="UPDATE OF status",
            when=f"NEW.status IN ({final})",
            statement="DELETE FROM runbooks_runsecret WHERE run_id = NEW.id",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0008_workflow")]
    operations = [migrations.RunPython(guard, migrations.RunPython.noop)]
