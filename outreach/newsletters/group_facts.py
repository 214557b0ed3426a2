"""What a group can ask about newsletters. An issue may go to a group that rests on yield: so this carries the mark."""

from outreach.contacts.group_asking import linked_fact, named_rows
from outreach.newsletters.models import Issue, IssueRecipient

NEWSLETTER_FACTS = (
    linked_fact(
        "got-newsletter",
        "Was sent the newsletter",
        IssueRecipient.contact_id,
        IssueRecipient.issue_id,
        named_rows(Issue.id, Issue.title, Issue.deleted_at.is_(None), Issue.status.in_(("sending", "sent"))),
        IssueRecipient.planned_at.is_not(None),
        IssueRecipient.left_out == "",
        from_yield=True,
    ),
)
