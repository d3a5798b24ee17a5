"""A hint needs no row of its own, since what it hints at is stored; the database queues audit events by itself."""

from django.db import migrations

from runbooks.models.triggers import follow_up_sql, install


def queue_events(apps, schema_editor):
    statement = "INSERT INTO runbooks_auditpending (event_id) VALUES (NEW.id)"
    install(
        schema_editor,
        follow_up_sql(
            vendor=schema_editor.connection.vendor,
            table="runbooks_auditevent",
            name="runbooks_auditevent_is_queued",
            statement=statement,
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("runbooks", "0002_guards")]
    operations = [
        migrations.DeleteModel("OutboxMessage"),
        migrations.RunPython(queue_events, migrations.RunPython.noop),
    ]
