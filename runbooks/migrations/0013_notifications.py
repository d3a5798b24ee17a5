"""Endpoints, rules, choices; a message needs no run any more, and tells what it is about."""

import django.db.models.deletion
import django.db.models.functions.datetime
import runbooks.models.ids
from django.conf import settings
from django.db import migrations, models
from django.db.models import Max, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat


def tell_what_was_told(apps, schema_editor):
    """Until now every message told of the end of a run."""
    Delivery, Run = apps.get_model("runbooks", "Delivery"), apps.get_model("runbooks", "Run")
    book = Run.objects.filter(pk=OuterRef("run"))
    Delivery.objects.update(
        occasion=Concat(Value("run:"), Cast("run_id", models.CharField(max_length=64))),
        runbook=Subquery(book.values("runbook")[:1]),
        project=Subquery(book.values("runbook__project")[:1]),
    )


def begin_reading_now(apps, schema_editor):
    """What happened before this is not told of."""
    last = apps.get_model("runbooks", "AuditLeaf").objects.aggregate(last=Max("seq"))["last"]
    apps.get_model("runbooks", "NoticeCursor").objects.create(pk=1, seq=-1 if last is None else last)


class Migration(migrations.Migration):

    dependencies = [
        ('runbooks', '0012_key_looks'),
    ]

    operations = [
        migrations.CreateModel(
            name='DeliveryAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('code', models.PositiveIntegerField(help_text='The status of the answer, where there is one.', null=True)),
                ('error', models.TextField(blank=True, help_text='Empty: it was taken.')),
                ('said', models.TextField(blank=True, help_text='The beginning of the answer.')),
            ],
            options={
                'ordering': ['pk'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Endpoint',
            fields=[
                ('id', models.UUIDField(default=runbooks.models.ids.new_id, editable=False, primary_key=True, serialize=False)),
                ('slug', models.SlugField(max_length=64)),
                ('title', models.CharField(max_length=200)),
                ('kind', models.CharField(max_length=10)),
                ('address', models.CharField(help_text='For people to see: without what of it is secret.', max_length=2000)),
                ('events', models.JSONField(default=list, help_text='Names of the events that it is told of.')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('archived_at', models.DateTimeField(null=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='NoticeCursor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seq', models.BigIntegerField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='NotificationChoice',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='notification_choice', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('pace', models.CharField(max_length=10)),
                ('requested', models.CharField(help_text='Of runs that they asked for, which ends they want to hear.', max_length=10)),
                ('by_email', models.BooleanField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='NotifyRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('to', models.CharField(max_length=100)),
                ('events', models.JSONField()),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='delivery',
            name='one_message_per_use',
        ),
        migrations.AddField(
            model_name='delivery',
            name='digest',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='runbooks.delivery'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='event',
            field=models.CharField(default='finished', max_length=40),
        ),
        migrations.AddField(
            model_name='delivery',
            name='facts',
            field=models.JSONField(default=dict, help_text='The same for programs.'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='held_until',
            field=models.DateTimeField(help_text='When it goes with others into one message.', null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='link',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='delivery',
            name='occasion',
            field=models.CharField(default='', help_text='What it tells of: nobody is told of one occasion twice.', max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='delivery',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runbooks.project'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='runbook',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='runbooks.runbook'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='attempts',
            field=models.PositiveIntegerField(default=0, help_text='Since it was written, or sent again by somebody.'),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='recipient',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='run',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='runbooks.run'),
        ),
        migrations.AddField(
            model_name='deliveryattempt',
            name='delivery',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='runbooks.delivery'),
        ),
        migrations.CreateModel(
            name='EndpointSecret',
            fields=[
                ('key_id', models.CharField(help_text='Of the master key that wraps the data key.', max_length=16)),
                ('wrapped_key', models.BinaryField()),
                ('content', models.BinaryField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('endpoint', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='secret', serialize=False, to='runbooks.endpoint')),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='endpoint',
            name='created_by',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='endpoints', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='project',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='endpoints', to='runbooks.project'),
        ),
        migrations.AddField(
            model_name='endpoint',
            name='runbook',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='endpoints', to='runbooks.runbook'),
        ),
        migrations.AddField(
            model_name='delivery',
            name='endpoint',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='runbooks.endpoint'),
        ),
        migrations.RunPython(tell_what_was_told, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(condition=models.Q(('held_until__isnull', False)), fields=['held_until'], name='deliveries_held'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('endpoint', None)), fields=('occasion', 'recipient', 'channel'), name='one_message_per_person'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(fields=('occasion', 'endpoint'), name='one_message_per_endpoint'),
        ),
        migrations.AddConstraint(
            model_name='delivery',
            constraint=models.UniqueConstraint(condition=models.Q(('endpoint', None), ('recipient', None)), fields=('occasion', 'address'), name='one_message_per_nobody'),
        ),
        migrations.AddField(
            model_name='notificationchoice',
            name='endpoints',
            field=models.ManyToManyField(related_name='+', to='runbooks.endpoint'),
        ),
        migrations.AddField(
            model_name='notifyrule',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notify_rules', to='runbooks.version'),
        ),
        migrations.AddIndex(
            model_name='endpointsecret',
            index=models.Index(fields=['key_id'], name='endpoint_secret_by_key'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('project', None), ('runbook', None)), models.Q(('person', None), ('project', None)), models.Q(('person', None), ('runbook', None)), _connector='OR'), name='endpoints_are_of_one_place'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(condition=models.Q(('person', None), ('project', None), ('runbook', None)), fields=('slug',), name='endpoint_slugs_of_the_installation'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(fields=('project', 'slug'), name='endpoint_slugs_of_a_project'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(fields=('runbook', 'slug'), name='endpoint_slugs_of_a_runbook'),
        ),
        migrations.AddConstraint(
            model_name='endpoint',
            constraint=models.UniqueConstraint(fields=('person', 'slug'), name='endpoint_slugs_of_a_person'),
        ),
        migrations.AddConstraint(
            model_name='notifyrule',
            constraint=models.UniqueConstraint(fields=('version', 'number'), name='notify_rules_are_numbered'),
        ),
        migrations.RunPython(begin_reading_now, migrations.RunPython.noop),
    ]
