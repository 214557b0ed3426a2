"""What this room offers to the rooms below it; `runtime` composes it."""

from outreach.contacts.timeline import TouchKind

TIMELINE_KINDS = (
    TouchKind("emailed", "Email", "mail"),
    TouchKind("not-sent", "Not sent", "mail"),
    TouchKind("clicked", "Clicked", "external-link"),
    TouchKind("replied", "Replied", "message"),
    TouchKind("bounced", "Came back", "alert-triangle"),
    TouchKind("complained", "Reported as spam", "alert-triangle"),
)
