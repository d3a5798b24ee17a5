"""Secrets and their values, grants on them, and what the database refuses to do to them by itself."""

import django.db.models.deletion
import django.db.models.functions.datetime
import runbooks.models.ids
from django.conf import settings
from django.db import migrations, models

from runbooks.models.triggers import drop_sql, frozen_columns_sql, insert_only_sql, install, kept_sql, only_emptied_sql

GRANT = [
    "rights", "limits", "user_id", "group_id", "installation_id", "project_id", "runbook_id", "node_id", "secret_id",
]  # fmt: skip
FROZEN = {
    "runbooks_grant": GRANT,
    "runbooks_secret": ["project_id", "slug"],
    "runbooks_secretvalue": ["secret_id", "number", "set_by_id", "created_at"],
    "runbooks_runsecret": ["run_id", "parameter", "content"],
}


def guard(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for name in ("no_delete", "no_truncate", "content_is_frozen"):
        install(schema_editor, drop_sql(vendor=vendor, table="runbooks_grant", name=f"runbooks_grant_{name}"))
    for table in ("runbooks_grant", "runbooks_secret", "runbooks_secretvalue"):
        install(schema_editor, kept_sql(vendor=vendor, table=table))
    for table, columns in FROZEN.items():
        install(schema_editor, frozen_columns_sql(vendor=vendor, table=table, columns=columns))
    install(schema_editor, only_emptied_sql(vendor=vendor, table="runbooks_secretvalue", column="content"))
    install(schema_editor, insert_only_sql(vendor=vendor, table="runbooks_secretreference"))



class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('runbooks', '0004_nodes'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunSecret',
            fields=[
                ('key_id', models.CharField(help_text='Of the master key that wraps the data key.', max_length=16)),
                ('wrapped_key', models.BinaryField()),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('parameter', models.CharField(max_length=64)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Secret',
            fields=[
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=64)),
                ('title', models.CharField(max_length=200)),
                ('description', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('rotated_at', models.DateTimeField(help_text='When the value was set last.')),
                ('last_used_at', models.DateTimeField(help_text='To the minute: when a step last got it.', null=True)),
                ('archived_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'permissions': [('view', 'See runbooks and runs'), ('run', 'Run the published version'), ('see_output', 'Read the output of runs'), ('edit', 'Propose versions'), ('review', 'Review and publish versions, run unpublished ones'), ('approve', 'Approve runs'), ('use', 'Have runs use nodes and secrets'), ('grant', 'Hand out the rights one holds'), ('audit', 'Read the audit log, and everything it tells of'), ('administer', 'Manage people, projects and the installation')],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretGroupRight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretReference',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.CharField(help_text='The step and the variable, as the plan names them.', max_length=200)),
                ('path', models.CharField(max_length=130)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretUserRight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'abstract': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SecretValue',
            fields=[
                ('key_id', models.CharField(help_text='Of the master key that wraps the data key.', max_length=16)),
                ('wrapped_key', models.BinaryField()),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='grant',
            name='a_grant_has_one_object',
        ),
        migrations.AddField(
            model_name='runsecret',
            name='run',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='secret_values', to='runbooks.run'),
        ),
        migrations.AddField(
            model_name='secret',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='secrets', to='runbooks.project'),
        ),
        migrations.AddField(
            model_name='grant',
            name='secret',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='grants', to='runbooks.secret'),
        ),
        migrations.AddConstraint(
            model_name='grant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('installation__isnull', False), ('node__isnull', True), ('project__isnull', True), ('runbook__isnull', True), ('secret__isnull', True)), models.Q(('installation__isnull', True), ('node__isnull', True), ('project__isnull', False), ('runbook__isnull', True), ('secret__isnull', True)), models.Q(('installation__isnull', True), ('node__isnull', True), ('project__isnull', True), ('runbook__isnull', False), ('secret__isnull', True)), models.Q(('installation__isnull', True), ('node__isnull', False), ('project__isnull', True), ('runbook__isnull', True), ('secret__isnull', True)), models.Q(('installation__isnull', True), ('node__isnull', True), ('project__isnull', True), ('runbook__isnull', True), ('secret__isnull', False)), _connector='OR'), name='a_grant_has_one_object'),
        ),
        migrations.AddField(
            model_name='secretgroupright',
            name='content_object',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='runbooks.secret'),
        ),
        migrations.AddField(
            model_name='secretgroupright',
            name='grant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runbooks.grant'),
        ),
        migrations.AddField(
            model_name='secretgroupright',
            name='group',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='runbooks.group'),
        ),
        migrations.AddField(
            model_name='secretgroupright',
            name='permission',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission'),
        ),
        migrations.AddField(
            model_name='secretreference',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='secret_references', to='runbooks.version'),
        ),
        migrations.AddField(
            model_name='secretuserright',
            name='content_object',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='runbooks.secret'),
        ),
        migrations.AddField(
            model_name='secretuserright',
            name='grant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runbooks.grant'),
        ),
        migrations.AddField(
            model_name='secretuserright',
            name='permission',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='auth.permission'),
        ),
        migrations.AddField(
            model_name='secretuserright',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='secretvalue',
            name='secret',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='values', to='runbooks.secret'),
        ),
        migrations.AddField(
            model_name='secretvalue',
            name='set_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='runsecret',
            index=models.Index(fields=['key_id'], name='run_secret_by_key'),
        ),
        migrations.AddConstraint(
            model_name='runsecret',
            constraint=models.UniqueConstraint(fields=('run', 'parameter'), name='one_value_per_secret_parameter'),
        ),
        migrations.AddConstraint(
            model_name='secret',
            constraint=models.UniqueConstraint(fields=('project', 'slug'), name='secret_slugs_are_never_reused'),
        ),
        migrations.AlterUniqueTogether(
            name='secretgroupright',
            unique_together={('group', 'permission', 'content_object', 'grant')},
        ),
        migrations.AddIndex(
            model_name='secretreference',
            index=models.Index(fields=['path'], name='secret_reference_by_path'),
        ),
        migrations.AddConstraint(
            model_name='secretreference',
            constraint=models.UniqueConstraint(fields=('version', 'place'), name='one_secret_per_place'),
        ),
        migrations.AlterUniqueTogether(
            name='secretuserright',
            unique_together={('user', 'permission', 'content_object', 'grant')},
        ),
        migrations.AddIndex(
            model_name='secretvalue',
            index=models.Index(condition=models.Q(('key_id', ''), _negated=True), fields=['key_id'], name='secret_value_by_key'),
        ),
        migrations.AddConstraint(
            model_name='secretvalue',
            constraint=models.UniqueConstraint(fields=('secret', 'number'), name='secret_values_are_numbered'),
        ),
        migrations.AddConstraint(
            model_name='secretvalue',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('key_id', ''), _negated=True), models.Q(('wrapped_key', b''), _negated=True), models.Q(('content', b''), _negated=True)), models.Q(('content', b''), ('key_id', ''), ('wrapped_key', b'')), _connector='OR'), name='secret_values_are_whole_or_gone'),
        ),
        migrations.RunPython(guard, migrations.RunPython.noop),
    ]
