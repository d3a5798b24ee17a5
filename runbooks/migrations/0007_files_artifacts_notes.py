"""Files that runs are given, files that they leave, notes about them: none of it ever changes."""

import django.db.models.deletion
import django.db.models.functions.datetime
import runbooks.models.ids
from django.conf import settings
from django.db import migrations, models

from runbooks.models.triggers import insert_only_sql, install

INSERT_ONLY = ("runbooks_filecontent", "runbooks_runfile", "runbooks_artifact", "runbooks_note")


def guard(apps, schema_editor):
    for table in INSERT_ONLY:
        install(schema_editor, insert_only_sql(vendor=schema_editor.connection.vendor, table=table))


class Migration(migrations.Migration):

    dependencies = [
        ('runbooks', '0006_sealed_output'),
    ]

    operations = [
        migrations.CreateModel(
            name='FileContent',
            fields=[
                ('sha256', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('data', models.BinaryField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Artifact',
            fields=[
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('name', models.TextField(help_text='Path below the folder, as the script gave it; what is no text is escaped.')),
                ('size', models.BigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('key', models.CharField(help_text='In the storage.', max_length=200, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='artifacts', to='runbooks.run')),
                ('step_run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='artifacts', to='runbooks.steprun')),
            ],
            options={
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='runbooks.run')),
            ],
            options={
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='RunFile',
            fields=[
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('parameter', models.CharField(max_length=64)),
                ('content', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runbooks.filecontent')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='files', to='runbooks.run')),
            ],
            options={
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('run', 'parameter'), name='one_file_per_parameter')],
            },
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
