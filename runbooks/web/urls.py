"""The pages. Every route here has to be in tests/test_permission_matrix.py."""

from django.urls import URLPattern, path

from runbooks.web.views import (
    access,
    admin,
    approvals,
    audit,
    catalog,
    deliveries,
    editor,
    group,
    groups,
    guardrails,
    integrity,
    me,
    new_grant,
    node,
    nodes,
    notifications,
    palette,
    people,
    person,
    projects,
    reviews,
    run,
    run_form,
    runbook,
    runs,
    secrets,
    version,
    version_diff,
)

BOOK = "runbooks/<slug:project>/<slug:slug>"
VERSION = f"{BOOK}/versions/<int:number>"
RUN = "runs/<str:run_id>"
KEY = "nodes/<str:node_id>/keys/<str:key_id>"

# For runners: find, start, watch.
RUNNERS: list[URLPattern] = [
    path("", catalog.catalog, name="catalog"),
    path(BOOK, runbook.runbook, name="runbook"),
    path(f"{BOOK}/run", run_form.run_form, name="run_form"),
    path(f"{BOOK}/run/preview", run_form.run_preview, name="run_preview"),
    path("runs", runs.runs, name="runs"),
    path(RUN, run.run, name="run"),
    path(f"{RUN}/cancel", run.run_cancel, name="run_cancel"),
    path(f"{RUN}/resume", run.run_resume, name="run_resume"),
    path(f"{RUN}/notes", run.run_note, name="run_note"),
    path(f"{RUN}/steps/<str:step>/complete", run.run_step_complete, name="run_step_complete"),
    path(f"{RUN}/approval", approvals.run_approval, name="run_approval"),
    path(f"{RUN}/rerun", run.run_rerun, name="run_rerun"),
    path("palette", palette.palette, name="palette"),
]

# For authors and owners: editor, version, diff and what is done with them.
AUTHORS = [
    path("projects", projects.projects, name="projects"),
    path("projects/<slug:project>/new", editor.new_runbook, name="new_runbook"),
    path(f"{BOOK}/edit", editor.editor, name="editor"),
    path(VERSION, version.version, name="version"),
    path(f"{VERSION}/submit", version.version_submit, name="version_submit"),
    path(f"{VERSION}/review", version.version_review, name="version_review"),
    path(f"{VERSION}/publish", version.version_publish, name="version_publish"),
    path(f"{VERSION}/withdraw", version.version_withdraw, name="version_withdraw"),
    path(f"{BOOK}/versions/<int:a>/diff/<int:b>", version_diff.version_diff, name="version_diff"),
    path("reviews", reviews.reviews, name="reviews"),
    path("approvals", approvals.approvals, name="approvals"),
    path("approvals/past", approvals.past_approvals, name="past_approvals"),
    path("approvals/delegations", approvals.new_delegation, name="new_delegation"),
    path("approvals/delegations/<str:delegation_id>/end", approvals.end_delegation, name="end_delegation"),
]

# For owners, auditors and administrators: access, audit, admin, me.
KEEPERS = [
    path("nodes", nodes.nodes, name="nodes"),
    path("nodes/new", nodes.new_node, name="new_node"),
    path("nodes/import", nodes.import_nodes, name="import_nodes"),
    path("nodes/<str:node_id>", node.node, name="node"),
    path("nodes/<str:node_id>/archive", node.archive_node, name="archive_node"),
    path("nodes/<str:node_id>/keys/look", node.look_at_host_key, name="look_at_host_key"),
    path(KEY + "/accept", node.decide_host_key, {"verdict": "accept"}, name="accept_host_key"),
    path(KEY + "/reject", node.decide_host_key, {"verdict": "reject"}, name="reject_host_key"),
    path("nodes/<str:node_id>/maintenance", node.maintain_node, name="maintain_node"),
    path("guardrails", guardrails.guardrails, name="guardrails"),
    path("guardrails/freezes/new", guardrails.new_freeze, name="new_freeze"),
    path("guardrails/freezes/<str:freeze_id>/lift", guardrails.lift_freeze, name="lift_freeze"),
    path("guardrails/switch", guardrails.switch_place, name="switch_place"),
    path("guardrails/reviews/<str:review_id>/close", guardrails.close_review, name="close_review"),
    path("secrets", secrets.secrets, name="secrets"),
    path("secrets/new", secrets.new_secret, name="new_secret"),
    path("secrets/<slug:project>/<slug:slug>", secrets.secret, name="secret"),
    path("secrets/<slug:project>/<slug:slug>/archive", secrets.archive_secret, name="archive_secret"),
    path("access", access.access, name="access"),
    path("access/new", new_grant.new_grant, name="new_grant"),
    path("access/<str:grant_id>/change", new_grant.change_grant, name="change_grant"),
    path("access/<str:grant_id>/revoke", access.revoke_grant, name="revoke_grant"),
    path("audit", audit.audit, name="audit"),
    path("audit/integrity", integrity.integrity, name="integrity"),
    path("audit/<int:seq>", audit.audit_event, name="audit_event"),
    path("admin", admin.admin, name="admin"),
    path("admin/kill-switch", admin.kill_switch, name="kill_switch"),
    path("admin/people", people.people, name="people"),
    path("admin/new-person", people.new_person, name="new_person"),
    path("admin/new-service-account", people.new_service_account, name="new_service_account"),
    path("admin/people/<str:name>", person.person, name="person"),
    path("admin/people/<str:name>/switch", person.switch_account, name="switch_account"),
    path("admin/groups", groups.groups, name="groups"),
    path("admin/groups/<slug:slug>", group.group, name="group"),
    path("admin/groups/<slug:slug>/members/<str:name>/end", group.group_member_end, name="group_member_end"),
    path("admin/deliveries", deliveries.deliveries, name="deliveries"),
    path("admin/deliveries/<str:delivery_id>", deliveries.delivery, name="delivery"),
    path("admin/deliveries/<str:delivery_id>/replay", deliveries.replay_delivery, name="replay_delivery"),
    path("notifications", notifications.endpoints, name="endpoints"),
    path("notifications/new", notifications.new_endpoint, name="new_endpoint"),
    path("notifications/<str:endpoint_id>", notifications.endpoint, name="endpoint"),
    path("notifications/<str:endpoint_id>/test", notifications.try_it, name="try_endpoint"),
    path("notifications/<str:endpoint_id>/archive", notifications.archive, name="archive_endpoint"),
    path("me", me.me, name="me"),
    path("me/notifications", notifications.choose_mine, name="choose_notifications"),
    path("me/tokens", me.issue_token, name="issue_token"),
    path("me/tokens/<str:token_id>/revoke", me.revoke_my_token, name="revoke_token"),
]

urlpatterns = [*RUNNERS, *AUTHORS, *KEEPERS]
