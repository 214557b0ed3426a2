"""Promises kept

Revision: b2fff9ff90bc, after 02bb6b5638f3
"""

import sqlalchemy as sa
from alembic import op


revision = 'b2fff9ff90bc'
down_revision = '02bb6b5638f3'
branch_labels = None
depends_on = None

TOPICS = (
    "'all', 'education', 'introductions', 'referring', 'peers', 'aftercare', 'acquaintances', 'newsletter', 'events', "
    "'cards', 'asks'"
)


def upgrade() -> None:
    op.create_table('audit_head',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('seal', sa.String(length=64), nullable=False),
    sa.Column('sealed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_audit_head_single')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_head'))
    )
    op.create_table('touch_lift',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('touch', sa.String(length=20), nullable=False),
    sa.Column('lift', sa.Double(), nullable=False),
    sa.Column('told', sa.Double(), nullable=False),
    sa.Column('people', sa.Integer(), nullable=False),
    sa.Column('campaigns', sa.Integer(), nullable=False),
    sa.Column('referrals', sa.Integer(), nullable=False),
    sa.Column('as_of_on', sa.Date(), nullable=False),
    sa.Column('reckoned_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('told BETWEEN 0 AND 1', name=op.f('ck_touch_lift_told')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_touch_lift')),
    sa.UniqueConstraint('touch', name=op.f('uq_touch_lift_touch'))
    )
    op.create_table('absence',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('person_id', sa.Integer(), nullable=False),
    sa.Column('colleague_id', sa.Integer(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('made_by_id', sa.Integer(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('from_on <= until_on', name=op.f('ck_absence_order')),
    sa.CheckConstraint('person_id <> colleague_id', name=op.f('ck_absence_two')),
    sa.ForeignKeyConstraint(['colleague_id'], ['person.id'], name=op.f('fk_absence_colleague_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['made_by_id'], ['person.id'], name=op.f('fk_absence_made_by_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_absence_person_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_absence'))
    )
    op.create_index('ix_absence_open', 'absence', ['from_on'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))
    op.create_index('ix_absence_person_id', 'absence', ['person_id'], unique=False)

    op.create_table('right_choice',
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('roles', sa.JSON(), nullable=False),
    sa.Column('set_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('set_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['set_by_id'], ['person.id'], name=op.f('fk_right_choice_set_by_id')),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_right_choice'))
    )
    op.create_table('lent',
    sa.Column('absence_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('item_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('task', 'event')", name=op.f('ck_lent_kind')),
    sa.ForeignKeyConstraint(['absence_id'], ['absence.id'], name=op.f('fk_lent_absence_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('absence_id', 'kind', 'item_id', name=op.f('pk_lent'))
    )
    op.create_table('card_run_history',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('kept', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['by_id'], ['person.id'], name=op.f('fk_card_run_history_by_id')),
    sa.ForeignKeyConstraint(['run_id'], ['card_run.id'], name=op.f('fk_card_run_history_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_card_run_history')),
    sa.UniqueConstraint('run_id', 'version', name=op.f('uq_card_run_history_run_id_version'))
    )
    op.create_table('limit_pass',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('reason', sa.String(length=500), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by_id', sa.Integer(), nullable=False),
    sa.CheckConstraint("reason != ''", name=op.f('ck_limit_pass_reason')),
    sa.ForeignKeyConstraint(['approved_by_id'], ['person.id'], name=op.f('fk_limit_pass_approved_by_id')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_limit_pass_contact_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_limit_pass')),
    sa.UniqueConstraint('event_id', 'contact_id', name='uq_limit_pass_event_id_contact_id')
    )
    op.create_table('value_payback',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('contact_id', sa.Integer(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('amount_cents', sa.Integer(), nullable=False),
    sa.Column('paid_on', sa.Date(), nullable=False),
    sa.Column('how', sa.String(length=500), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_by_id', sa.Integer(), nullable=True),
    sa.Column('struck_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('struck_by_id', sa.Integer(), nullable=True),
    sa.Column('struck_why', sa.String(length=500), nullable=False),
    sa.CheckConstraint("(struck_at IS NULL) = (struck_why = '')", name=op.f('ck_value_payback_struck')),
    sa.CheckConstraint('amount_cents > 0', name=op.f('ck_value_payback_amount')),
    sa.ForeignKeyConstraint(['contact_id'], ['contact.id'], name=op.f('fk_value_payback_contact_id')),
    sa.ForeignKeyConstraint(['recorded_by_id'], ['person.id'], name=op.f('fk_value_payback_recorded_by_id')),
    sa.ForeignKeyConstraint(['struck_by_id'], ['person.id'], name=op.f('fk_value_payback_struck_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_value_payback'))
    )
    op.create_index('ix_value_payback_year_contact_id', 'value_payback', ['year', 'contact_id'], unique=False)

    op.create_table('event_notice',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('event_id', sa.Integer(), nullable=False),
    sa.Column('invitation_id', sa.Integer(), nullable=True),
    sa.Column('signup_id', sa.Integer(), nullable=True),
    sa.Column('what', sa.String(length=40), nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('made_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('told_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('told', sa.String(length=40), nullable=False),
    sa.CheckConstraint("told IN ('', 'mail', 'call', 'not-needed')", name=op.f('ck_event_notice_told')),
    sa.CheckConstraint("what IN ('place', 'moved', 'cancelled')", name=op.f('ck_event_notice_what')),
    sa.CheckConstraint('(invitation_id IS NULL) != (signup_id IS NULL)', name=op.f('ck_event_notice_someone')),
    sa.ForeignKeyConstraint(['event_id'], ['event.id'], name=op.f('fk_event_notice_event_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['invitation_id'], ['invitation.id'], name=op.f('fk_event_notice_invitation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['signup_id'], ['event_signup.id'], name=op.f('fk_event_notice_signup_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_notice')),
    sa.UniqueConstraint('signup_id', 'what', 'sequence', name=op.f('uq_event_notice_signup_id_what_sequence'))
    )
    op.create_index('ix_event_notice_event_id', 'event_notice', ['event_id'], unique=False)
    op.create_index('ix_event_notice_invitation_id', 'event_notice', ['invitation_id'], unique=False)
    op.create_index('ix_event_notice_untold', 'event_notice', ['id'], unique=False, sqlite_where=sa.text('told_at IS NULL'), postgresql_where=sa.text('told_at IS NULL'))

    op.create_table('story_use',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('authorization_id', sa.Integer(), nullable=False),
    sa.Column('scope', sa.String(length=40), nullable=False),
    sa.Column('place', sa.String(length=500), nullable=False),
    sa.Column('used_on', sa.Date(), nullable=False),
    sa.Column('noted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('noted_by_id', sa.Integer(), nullable=True),
    sa.Column('taken_down_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('taken_down_by_id', sa.Integer(), nullable=True),
    sa.CheckConstraint("place != ''", name=op.f('ck_story_use_place')),
    sa.CheckConstraint("scope IN ('newsletter-providers', 'newsletter-clients', 'email-providers', 'website', 'social', 'print', 'presentation')", name=op.f('ck_story_use_scope')),
    sa.ForeignKeyConstraint(['authorization_id'], ['authorization.id'], name=op.f('fk_story_use_authorization_id')),
    sa.ForeignKeyConstraint(['noted_by_id'], ['person.id'], name=op.f('fk_story_use_noted_by_id')),
    sa.ForeignKeyConstraint(['taken_down_by_id'], ['person.id'], name=op.f('fk_story_use_taken_down_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_story_use'))
    )
    op.create_index('ix_story_use_authorization_id', 'story_use', ['authorization_id'], unique=False)

    op.create_table('story_file',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('story_id', sa.Integer(), nullable=False),
    sa.Column('authorization_id', sa.Integer(), nullable=True),
    sa.Column('use', sa.String(length=40), nullable=False),
    sa.Column('alt', sa.String(length=500), nullable=False),
    sa.Column('media_type', sa.String(length=20), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('data', sa.LargeBinary(), nullable=True),
    sa.Column('added_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('added_by_id', sa.Integer(), nullable=True),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_by_id', sa.Integer(), nullable=True),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("media_type IN ('image/jpeg', 'image/png', 'application/pdf')", name=op.f('ck_story_file_media_type')),
    sa.CheckConstraint("use != 'picture' OR media_type != 'application/pdf'", name=op.f('ck_story_file_picture')),
    sa.CheckConstraint("use != 'scan' OR authorization_id IS NOT NULL", name=op.f('ck_story_file_scan')),
    sa.CheckConstraint("use != 'scan' OR verified_at IS NOT NULL", name=op.f('ck_story_file_verified')),
    sa.CheckConstraint("use IN ('picture', 'scan')", name=op.f('ck_story_file_use')),
    sa.ForeignKeyConstraint(['added_by_id'], ['person.id'], name=op.f('fk_story_file_added_by_id')),
    sa.ForeignKeyConstraint(['authorization_id'], ['authorization.id'], name=op.f('fk_story_file_authorization_id')),
    sa.ForeignKeyConstraint(['story_id'], ['story.id'], name=op.f('fk_story_file_story_id')),
    sa.ForeignKeyConstraint(['verified_by_id'], ['person.id'], name=op.f('fk_story_file_verified_by_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_story_file'))
    )
    op.create_index('ix_story_file_authorization_id', 'story_file', ['authorization_id'], unique=False)
    op.create_index('ix_story_file_story_id', 'story_file', ['story_id'], unique=False)
    op.create_index('uq_story_file_picture', 'story_file', ['story_id'], unique=True, sqlite_where=sa.text("use = 'picture' AND removed_at IS NULL"), postgresql_where=sa.text("use = 'picture' AND removed_at IS NULL"))

    op.add_column('audit_entry', sa.Column('number', sa.Integer(), nullable=True))
    op.create_index('ix_audit_entry_action', 'audit_entry', ['action', 'id'], unique=False)
    op.create_index('ix_audit_entry_actor_id', 'audit_entry', ['actor_id', 'id'], unique=False)
    op.create_index('ix_audit_entry_at', 'audit_entry', ['at'], unique=False)
    op.create_index('uq_audit_entry_number', 'audit_entry', ['number'], unique=True)

    op.add_column('campaign_enrollment', sa.Column('planned_at', sa.DateTime(timezone=True), nullable=True))

    op.add_column('day_habit', sa.Column('morning', sa.Boolean(), server_default=sa.true(), nullable=False))

    op.add_column('delivery', sa.Column('end_moves', sa.Boolean(), server_default=sa.false(), nullable=False))

    op.add_column('delivery_link_click', sa.Column('came_from', sa.String(length=16), server_default='', nullable=False))

    op.add_column('event', sa.Column('expected_clinicians', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('expected_staff', sa.Integer(), nullable=True))
    op.add_column('event', sa.Column('handouts', sa.JSON(), server_default='[]', nullable=False))
    op.add_column('event', sa.Column('materials_left', sa.Text(), server_default='', nullable=False))
    op.add_column('event', sa.Column('next_step', sa.String(length=500), server_default='', nullable=False))

    op.create_index('ix_message_made_at', 'message', ['made_at'], unique=False)

    op.add_column('newsletter_issue_history', sa.Column('other_subject', sa.String(length=500), server_default='', nullable=False))
    op.add_column('newsletter_issue_history', sa.Column('compare_percent', sa.Integer(), server_default='20', nullable=False))
    op.add_column('newsletter_issue_history', sa.Column('compare_hours', sa.Integer(), server_default='4', nullable=False))



    op.add_column('thanks_rule', sa.Column('by_campaign', sa.Boolean(), server_default=sa.false(), nullable=False))

    # Drips that wait now are waited for like those planned from here on.
    op.execute("UPDATE delivery SET end_moves = true WHERE kind = 'drip' AND state IN ('scheduled', 'resend-approved')")

    # A birthday keeps day and month: the year is nobody's business.
    day = "'2000-' || substr(birthday_on, 6)"
    if op.get_bind().dialect.name == "postgresql":
        day = "make_date(2000, extract(month FROM birthday_on)::int, extract(day FROM birthday_on)::int)"
    op.execute(f"UPDATE contact SET birthday_on = {day} WHERE birthday_on IS NOT NULL")

    for table in ("suppression", "consent"):
        with op.batch_alter_table(table) as rebuilt:
            rebuilt.drop_constraint(op.f(f"ck_{table}_topic"), type_="check")
            rebuilt.create_check_constraint(op.f(f"ck_{table}_topic"), f"topic IN ({TOPICS})")
    # Who stopped or allowed what was one topic until now did so for all that it was.
    for topic in ("introductions", "referring", "peers", "aftercare", "acquaintances"):
        op.execute(
            "INSERT INTO suppression (address_hash, topic, reason, source, since_at, by_id) "
            f"SELECT address_hash, '{topic}', reason, source, since_at, by_id FROM suppression "
            "WHERE topic = 'education' AND lifted_at IS NULL"
        )
        op.execute(
            "INSERT INTO consent (contact_id, topic, granted, at, source, words, by_id) "
            f"SELECT contact_id, '{topic}', granted, at, source, words, by_id FROM consent WHERE topic = 'education'"
        )


def downgrade() -> None:
    raise RuntimeError("Go back with the copy that was made before: outreach restore.")
