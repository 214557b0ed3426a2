"""Indexes on contacts for what groups and lists ask about most, beside those of `models`.

They stand here so that `models` says what a contact is, and this page what is asked of a million of them.
"""

from sqlalchemy import Index, func, text

from outreach.contacts.models import Contact, ContactPayer
from outreach.contacts.standing import Standing

INDEXES = (
    Index("ix_contact_specialty", Contact.specialty, Contact.id),
    Index("ix_contact_lower_city", func.lower(Contact.city)),
    Index("ix_contact_added_on", Contact.added_on, Contact.id),
    Index(
        "ix_contact_owner_id",
        Contact.owner_id,
        Contact.id,
        sqlite_where=text("owner_id IS NOT NULL"),
        postgresql_where=text("owner_id IS NOT NULL"),
    ),
    Index("ix_contact_payer_payer_id", ContactPayer.payer_id, ContactPayer.contact_id),
    Index("ix_standing_tier", Standing.tier, Standing.contact_id),
)
