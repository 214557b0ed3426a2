"""All tables, imported so that the declarative root knows them: for migrations and for tests."""

from importlib import import_module

from outreach.db import Base

ROOMS_WITH_TABLES = (
    "outreach.tokens",
    "outreach.audit",
    "outreach.jobruns",
    "outreach.practice.models",
    "outreach.practice.right_models",
    "outreach.practice.limit_models",
    "outreach.practice.area_models",
    "outreach.practice.catalogue_models",
    "outreach.contacts.models",
    "outreach.contacts.consent",
    "outreach.contacts.timeline",
    "outreach.contacts.tasks",
    "outreach.contacts.standing",
    "outreach.contacts.group_indexes",
    "outreach.contacts.search_models",
    "outreach.contacts.lists.view_models",
    "outreach.contacts.imports",
    "outreach.contacts.record_models",
    "outreach.content.models",
    "outreach.content.look_models",
    "outreach.deliveries.models",
    "outreach.deliveries.ways.transport_models",
    "outreach.deliveries.guards.high_water_models",
    "outreach.deliveries.policy_models",
    "outreach.deliveries.caps.cap_models",
    "outreach.deliveries.returns.mailbox_models",
    "outreach.deliveries.paper.paper_models",
    "outreach.gifts.models",
    "outreach.gifts.payback_models",
    "outreach.campaigns.models",
    "outreach.newsletters.models",
    "outreach.newsletters.recurring.series_models",
    "outreach.cards.models",
    "outreach.cards.wishing.wish_models",
    "outreach.events.models",
    "outreach.events.public_models",
    "outreach.events.away_models",
    "outreach.events.notice_models",
    "outreach.stories.models",
    "outreach.stories.file_models",
    "outreach.enquiries.models",
    "outreach.referrals.models",
    "outreach.referrals.lift_models",
    "outreach.referrals.judging.status_models",
    "outreach.referrals.looking_back.back_test_models",
    "outreach.referrals.rhythms",
    "outreach.referrals.source_models",
    "outreach.referrals.duties.duty_models",
    "outreach.referrals.emr.emr_models",
    "outreach.referrals.payers.payer_models",
    "outreach.today.models",
)


def load_all() -> type[Base]:
    """The declarative root with every room's tables on it."""
    for name in ROOMS_WITH_TABLES:
        import_module(name)
    return Base
