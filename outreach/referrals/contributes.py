"""What this room offers to the rooms below it: facts for groups and kinds on the timeline. All rest on referrals."""

from outreach.contacts.timeline import TouchKind
from outreach.referrals.group_facts import REFERRAL_FACTS
from outreach.referrals.judging.status_facts import STATUS_FACTS

GROUP_FACTS = (*REFERRAL_FACTS, *STATUS_FACTS)
TIMELINE_KINDS = (
    TouchKind("referred", "Referral", "user-plus", from_yield=True),
    TouchKind("referred-to", "We referred", "user-plus", from_yield=True),
    TouchKind("recommended", "Recommended us", "user-plus", from_yield=True),
    TouchKind("report-sent", "Report sent", "file-text", from_yield=True),
)
