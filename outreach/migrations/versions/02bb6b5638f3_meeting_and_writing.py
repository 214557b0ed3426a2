"""Meeting and writing

Revision: 02bb6b5638f3, after 3c38d1b58b1b
"""

import sqlalchemy as sa
from alembic import op


revision = '02bb6b5638f3'
down_revision = '3c38d1b58b1b'
branch_labels = None
depends_on = None

KEYS = [
    ('card_run', 'paper_message_id', "fk_card_run_paper_message_id REFERENCES message (id)"),
    ('event', 'backup_presenter_id', "fk_event_backup_presenter_id REFERENCES person (id)"),
]


def upgrade() -> None:
    op.create_table('mail_limit',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('gap_days', sa.Integer(), nullable=False),
    sa.Column('per_quarter', sa.Integer(), nullable=False),
    sa.Column('with_touches', sa.Boolean(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('gap_days BETWEEN 0 AND 90', name=op.f('ck_mail_limit_gap_days')),
    sa.CheckConstraint('id = 1', name=op.f('ck_mail_limit_single')),
    sa.CheckConstraint('per_quarter BETWEEN 1 AND 30', name=op.f('ck_mail_limit_per_quarter')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_mail_limit_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_limit'))
    )
    op.create_table('newsletter_series',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('rhythm', sa.String(length=40), nullable=False),
    sa.Column('day', sa.Integer(), nullable=False),
    sa.Column('lead_days', sa.Integer(), nullable=False),
    sa.Column('begins_with', sa.String(length=40), nullable=False),
    sa.Column('layout', sa.String(length=40), nullable=False),
    sa.Column('group_ids', sa.JSON(), nullable=False),
    sa.Column('in_archive', sa.Boolean(), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=True),
    sa.Column('next_on', sa.Date(), nullable=False),
    sa.Column('paused_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), server_default='1', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("begins_with IN ('last', 'layout')", name=op.f('ck_newsletter_series_begins_with')),
    sa.CheckConstraint("rhythm IN ('monthly', 'every-second-month', 'quarterly')", name=op.f('ck_newsletter_series_rhythm')),
    sa.CheckConstraint('day BETWEEN 1 AND 28', name=op.f('ck_newsletter_series_day')),
    sa.CheckConstraint('lead_days BETWEEN 1 AND 28', name=op.f('ck_newsletter_series_lead_days')),
    sa.ForeignKeyConstraint(['owner_id'], ['person.id'], name=op.f('fk_newsletter_series_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_newsletter_series'))
    )
    op.create_table('service_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('what', sa.String(length=40), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("what IN ('added', 'changed', 'retired', 'back')", name=op.f('ck_service_change_what')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_service_change_by_id')),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_service_change_service_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_change'))
    )
    op.create_index('ix_service_change_service_id', 'service_change', ['service_id'], unique=False)
    op.create_index('ix_service_change_told_at', 'service_change', ['told_at'], unique=False)

    op.create_table('service_outcome',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=False),
    sa.Column('finding', sa.String(length=500), nullable=False),
    sa.Column('source', sa.String(length=500), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('entered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('entered_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint('people >= 11', name=op.f('ck_service_outcome_people')),
    sa.CheckConstraint('until_on >= from_on', name=op.f('ck_service_outcome_period')),
    sa.ForeignKeyConstraint(['entered_by_id'], ['person.id'], name=op.f('fk_service_outcome_entered_by_id')),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_service_outcome_service_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_service_outcome'))
    )
    op.create_index('ix_service_outcome_service_id', 'service_outcome', ['service_id'], unique=False)

    op.create_table('import_made_place',
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('first_id', sa.Integer(), nullable=False),
    sa.Column('last_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['import_run.id'], name=op.f('fk_import_made_place_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', 'first_id', name=op.f('pk_import_made_place'))
    )
    op.create_table('card_wish',
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('way', sa.String(length=40), nullable=False),
    sa.Column('not_on', sa.JSON(), nullable=False),
    sa.Column('since_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("way IN ('either', 'email', 'print', 'none')", name=op.f('ck_card_wish_way')),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_card_wish_by_id')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_card_wish_contact_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('contact_id', name=op.f('pk_card_wish'))
    )
    op.create_table('event_page',
    sa.Column('event_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('code', sa.String(length=24), nullable=False),
    sa.Column('words', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by_id', sa.Integer(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_event_page_event_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['opened_by_id'], ['person.id'], name=op.f('fk_event_page_opened_by_id')),
    sa.PrimaryKeyConstraint('event_id', name=op.f('pk_event_page')),
    sa.UniqueConstraint('code', name=op.f('uq_event_page_code'))
    )
    op.create_table('event_signup',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('party', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('form_key', sa.String(length=40), nullable=False),
    sa.Column('came', sa.Boolean(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("phone != '' OR email != ''", name=op.f('ck_event_signup_reachable')),
    sa.CheckConstraint("state IN ('coming', 'waiting', 'cancelled')", name=op.f('ck_event_signup_state')),
    sa.CheckConstraint('party > 0', name=op.f('ck_event_signup_party')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_event_signup_event_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_signup')),
    sa.UniqueConstraint('form_key', name=op.f('uq_event_signup_form_key'))
    )
    op.create_index('ix_event_signup_event_id', 'event_signup', ['event_id', 'state', 'id'], unique=False)

    op.create_table('friend_card',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=True),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('code', sa.String(length=12), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("contact_id IS NOT NULL OR title != ''", name=op.f('ck_friend_card_whose')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_friend_card_contact_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['made_by_id'], ['person.id'], name=op.f('fk_friend_card_made_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_friend_card')),
    sa.UniqueConstraint('code', name=op.f('uq_friend_card_code')),
    sa.UniqueConstraint('contact_id', name=op.f('uq_friend_card_contact_id'))
    )
    op.create_table('enquiry',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('card_id', sa.Integer(), nullable=True),
    sa.Column('advocate_id', sa.Integer(), nullable=True),
    sa.Column('way', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('best_time', sa.String(length=40), nullable=False),
    sa.Column('service_id', sa.Integer(), nullable=True),
    sa.Column('form_key', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=40), nullable=False),
    sa.Column('outcome', sa.String(length=20), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reached_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_enquiry_closed')),
    sa.CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name=op.f('ck_enquiry_closed_how')),
    sa.CheckConstraint("outcome IS NULL OR outcome IN ('booked', 'not-now', 'not-reached', 'not-a-fit', 'mistake')", name=op.f('ck_enquiry_outcome')),
    sa.CheckConstraint("phone != '' OR email != ''", name=op.f('ck_enquiry_reachable')),
    sa.CheckConstraint("state IN ('new', 'reached', 'closed')", name=op.f('ck_enquiry_state')),
    sa.ForeignKeyConstraint(['advocate_id'], ['contact.id'], name=op.f('fk_enquiry_advocate_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['card_id'], ['friend_card.id'], name=op.f('fk_enquiry_card_id'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['closed_by_id'], ['person.id'], name=op.f('fk_enquiry_closed_by_id')),
    sa.ForeignKeyConstraint(['service_id'], ['service.id'], name=op.f('fk_enquiry_service_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_enquiry')),
    sa.UniqueConstraint('form_key', name=op.f('uq_enquiry_form_key'))
    )
    op.create_index('ix_enquiry_advocate_id', 'enquiry', ['advocate_id'], unique=False)
    op.create_index('ix_enquiry_card_id', 'enquiry', ['card_id'], unique=False)
    op.create_index('ix_enquiry_closed_at', 'enquiry', ['closed_at'], unique=False)
    op.create_index('ix_enquiry_open', 'enquiry', ['at', 'id'], unique=False, sqlite_where=sa.text("state != 'closed'"), postgresql_where=sa.text("state != 'closed'"))

    op.create_table('friend_use',
    sa.Column('card_id', sa.Integer(), nullable=False),
    sa.Column('on', sa.Date(), nullable=False),
    sa.Column('way', sa.String(length=40), nullable=False),
    sa.Column('opened', sa.Integer(), nullable=False),
    sa.Column('by_machine', sa.Integer(), nullable=False),
    sa.CheckConstraint("way IN ('link', 'paper')", name=op.f('ck_friend_use_way')),
    sa.ForeignKeyConstraint(['card_id'], ['friend_card.id'], name=op.f('fk_friend_use_card_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('card_id', 'on', 'way', name=op.f('pk_friend_use'))
    )
    op.create_table('email_look',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('logo_id', sa.Integer(), nullable=True),
    sa.Column('logo_width', sa.Integer(), nullable=False),
    sa.Column('sign_off', sa.String(length=500), nullable=False),
    sa.Column('signer_id', sa.Integer(), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_email_look_one_row')),
    sa.CheckConstraint('logo_width BETWEEN 40 AND 300', name=op.f('ck_email_look_logo_width')),
    sa.ForeignKeyConstraint(['logo_id'], ['asset.id'], name=op.f('fk_email_look_logo_id')),
    sa.ForeignKeyConstraint(['signer_id'], ['person.id'], name=op.f('fk_email_look_signer_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_email_look'))
    )
    with op.batch_alter_table('asset', schema=None) as batch_op:
        batch_op.add_column(sa.Column('fingerprint', sa.String(length=16), server_default='', nullable=False))
        batch_op.add_column(sa.Column('version', sa.Integer(), server_default='1', nullable=False))
        batch_op.add_column(sa.Column('replaced_by_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f('fk_asset_replaced_by_id'), 'asset', ['replaced_by_id'], ['id'])
        batch_op.drop_constraint(batch_op.f('ck_asset_media_type'), type_='check')
        batch_op.create_check_constraint(batch_op.f('ck_asset_media_type'), "media_type IN ('image/jpeg', 'image/png', 'application/pdf')")

    op.add_column('card_run', sa.Column('proposed_at', sa.DateTime(timezone=True), nullable=True))


    op.add_column('delivery', sa.Column('weight', sa.Integer(), server_default='0', nullable=False))
    op.add_column('delivery', sa.Column('own_share', sa.Boolean(), server_default=sa.false(), nullable=False))

    op.add_column('event', sa.Column('caterer', sa.String(length=500), server_default='', nullable=False))
    op.add_column('event', sa.Column('credit', sa.String(length=500), server_default='', nullable=False))
    op.add_column('event', sa.Column('clinicians', sa.Text(), server_default='', nullable=False))

    with op.batch_alter_table('newsletter_issue', schema=None) as batch_op:
        batch_op.add_column(sa.Column('other_subject', sa.String(length=500), server_default='', nullable=False))
        batch_op.add_column(sa.Column('compare_percent', sa.Integer(), server_default='20', nullable=False))
        batch_op.add_column(sa.Column('compare_hours', sa.Integer(), server_default='4', nullable=False))
        batch_op.add_column(sa.Column('other_message_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('compared_people', sa.Integer(), server_default='0', nullable=False))
        batch_op.add_column(sa.Column('decide_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('winner', sa.String(length=1), server_default='', nullable=False))
        batch_op.add_column(sa.Column('compared', sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column('series_id', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('series_on', sa.Date(), nullable=True))
        batch_op.create_index('uq_newsletter_issue_series_send', ['series_id', 'series_on'], unique=True, sqlite_where=sa.text('series_id IS NOT NULL'), postgresql_where=sa.text('series_id IS NOT NULL'))
        batch_op.create_foreign_key(batch_op.f('fk_newsletter_issue_other_message_id'), 'message', ['other_message_id'], ['id'])
        batch_op.create_foreign_key(batch_op.f('fk_newsletter_issue_series_id'), 'newsletter_series', ['series_id'], ['id'], ondelete='SET NULL')
        batch_op.create_check_constraint(batch_op.f('ck_newsletter_issue_compare_hours'), 'compare_hours BETWEEN 1 AND 72')
        batch_op.create_check_constraint(batch_op.f('ck_newsletter_issue_compare_percent'), 'compare_percent BETWEEN 0 AND 50')
        batch_op.create_check_constraint(batch_op.f('ck_newsletter_issue_other_message'), "other_message_id IS NULL OR status != 'draft'")
        batch_op.create_check_constraint(batch_op.f('ck_newsletter_issue_winner'), "winner IN ('', 'a', 'b')")

    op.add_column('newsletter_recipient', sa.Column('subject', sa.String(length=1), server_default='', nullable=False))
    op.add_column('newsletter_recipient', sa.Column('again_at', sa.DateTime(timezone=True), nullable=True))


    op.add_column('service', sa.Column('referral_criteria', sa.Text(), server_default='', nullable=False))
    op.add_column('service', sa.Column('location_ids', sa.JSON(), server_default='[]', nullable=False))
    op.add_column('service', sa.Column('payer_ids', sa.JSON(), server_default='[]', nullable=False))
    op.add_column('service', sa.Column('confirmed_on', sa.Date(), nullable=True))

    # As words: Alembic would build a table anew on SQLite for a foreign key, which loses triggers.
    for table, column, key in KEYS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT {key}")
    # What waits has the weight of its kind, as if it were planned today.
    op.execute(
        "UPDATE delivery SET weight = CASE kind WHEN 'consent-request' THEN 30 WHEN 'drip' THEN 20 ELSE 10 END "
        "WHERE kind IN ('consent-request', 'drip', 'newsletter') AND state IN ('scheduled', 'held')"
    )


def downgrade() -> None:
    raise RuntimeError("Go back with the copy that was made before: outreach restore.")
